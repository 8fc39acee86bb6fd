//! yiwang-intake
