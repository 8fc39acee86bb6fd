//! Documents (文书): what an organ hands out at every step, by kind; the register that numbers them; their PDF.
//!
//! A flow fills in a [`draft::Draft`] and calls [`book::issue`]: the register of the organ, the year and the kind writes the next
//! number and, in the same entry, the whole text. The PDF is drawn from that text whenever it is asked for.
//!
//! Invariant: what was issued never changes. The text is pinned by the entry, and a layout, once released, draws the same bytes.

pub mod book;
pub mod desk;
pub mod draft;
pub mod font;
mod kind;
mod layout;
mod lines;
mod pdf;
pub mod qr;
pub mod samples;
mod seal;
mod text;

pub use kind::Kind;
pub use layout::Size;
pub use lines::Missing;
pub use pdf::{PdfError, render};
pub use text::{LAYOUT, Part, Text, day};
