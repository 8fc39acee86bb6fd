//! yiwang-license
