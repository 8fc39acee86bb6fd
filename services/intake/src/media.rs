//! What kind of file it is, found from its first bytes; what it says of itself counts for nothing.

/// Media types that an application may carry.
pub const ALLOWED: &[&str] = &[
    "application/pdf",
    "application/ofd",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "image/bmp",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

/// How many first bytes are looked at.
pub const HEAD: usize = 8 * 1024;

/// The media type of a content that begins so; none where it is none of those allowed. An OFD (GB/T 33190) is a ZIP that
/// carries `OFD.xml`.
pub fn detect(head: &[u8]) -> Option<&'static str> {
    let found = infer::get(head)?.mime_type();
    if found == "application/zip" {
        return head.windows(7).any(|window| window == b"OFD.xml").then_some("application/ofd");
    }
    ALLOWED.iter().find(|allowed| **allowed == found).copied()
}

/// Whether what the client says agrees with what was found; saying nothing agrees with everything.
pub fn agrees(said: &str, found: &str) -> bool {
    let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let ofd = matches!(said.as_str(), "application/zip" | "application/x-ofd" | "application/vnd.ofd")
        && found == "application/ofd";
    said.is_empty()
        || said == "application/octet-stream"
        || said == found
        || ofd
        || (said == "image/jpg" && found == "image/jpeg")
}
