//! yiwang-approval
