//! The code tables of GB/T 39046 annex A.
