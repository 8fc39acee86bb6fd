//! yiwang-evaluation
