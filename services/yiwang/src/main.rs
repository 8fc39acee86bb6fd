//! yiwang
fn main() {}
