//! A file is what it begins like.

use yiwang_intake::media::{agrees, detect};

#[test]
fn the_content_says_what_it_is() {
    assert_eq!(detect(b"%PDF-1.7\n..."), Some("application/pdf"));
    assert_eq!(detect(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
    assert_eq!(detect(b"PK\x03\x04\x14\x00\x00\x00\x08\x00........................OFD.xml"), Some("application/ofd"));
}

#[test]
fn programs_archives_and_plain_text_are_not_taken() {
    for bad in [&b"\x7fELF\x02\x01\x01"[..], b"MZ\x90\x00", b"PK\x03\x04 something else here", b"hello", b"<html>"] {
        assert_eq!(detect(bad), None);
    }
}

#[test]
fn what_the_client_says_must_agree() {
    assert!(agrees("", "application/pdf") && agrees("application/pdf; charset=x", "application/pdf"));
    assert!(!agrees("image/png", "application/pdf"));
}
