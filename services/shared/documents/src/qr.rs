//! QR codes, as squares to draw and as SVG.

use fast_qr::convert::{Builder as _, svg::SvgBuilder};
use fast_qr::qr::{QRBuilder, QRCode};
use fast_qr::{ECL, Mode};

/// A QR code's squares, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Squares {
    /// Squares of a side.
    pub side: usize,
    /// Which are dark.
    pub dark: Vec<bool>,
}

fn code(address: &str) -> Option<QRCode> {
    QRBuilder::new(address).ecl(ECL::M).mode(Mode::Byte).build().ok()
}

/// The squares of an address; none where it is longer than a QR code holds (2,331 bytes).
pub fn squares(address: &str) -> Option<Squares> {
    let code = code(address)?;
    let dark = code.data.iter().take(code.size * code.size).map(|module| module.value()).collect();
    Some(Squares { side: code.size, dark })
}

/// The same as an SVG image with its quiet zone of four squares; none where the address is too long.
pub fn svg(address: &str) -> Option<String> {
    Some(SvgBuilder::default().margin(4).to_str(&code(address)?))
}
