//! yiwang-standards
