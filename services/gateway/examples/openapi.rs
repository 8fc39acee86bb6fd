//! Prints `/openapi.json`: `cargo run -p yiwang-gateway --example openapi > openapi.json`.

use std::io::Write as _;

use yiwang_gateway::{contract::Contract, openapi};

fn main() -> anyhow::Result<()> {
    let document = openapi::document(&Contract::load()?, true)?;
    std::io::stdout().write_all(&serde_json::to_vec_pretty(&document)?)?;
    Ok(())
}
