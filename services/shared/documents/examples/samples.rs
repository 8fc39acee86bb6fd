//! Writes a PDF of every kind of document, ordinary and in large type, into a folder, to be looked at:
//! `cargo run -p yiwang-documents --example samples -- DIR`.

use std::path::PathBuf;

use yiwang_documents::font::Fonts;
use yiwang_documents::{Size, render, samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("a folder")?);
    std::fs::create_dir_all(&folder)?;
    let fonts = Fonts::shipped().ok_or("the font")?;
    for text in samples::texts() {
        let name = format!("{}-{}", text.kind.prefix(), text.kind.zh());
        std::fs::write(folder.join(format!("{name}.pdf")), render(&text, Size::Ordinary, &fonts)?)?;
        std::fs::write(folder.join(format!("{name}-大字版.pdf")), render(&text, Size::Large, &fonts)?)?;
    }
    Ok(())
}
