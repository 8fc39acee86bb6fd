//! yiwang-proto
