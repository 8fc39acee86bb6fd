//! yiwang-trading
