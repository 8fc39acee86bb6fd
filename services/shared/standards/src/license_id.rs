//! Electronic licence identifiers (电子证照标识).
