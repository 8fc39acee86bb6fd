//! yiwang-gateway
