//! yiwang-kit
