//! National standards as pure functions: identity numbers, codes, licence identifiers, working days and SM2/SM3/SM4.
//!
//! Invariant: nothing here reads a file, the network, a clock or a random number; what varies comes in as a value,
//! so the same input gives the same answer on every machine and in every year.
//!
//! | module | what | standard |
//! |---|---|---|
//! | [`identity`] | citizen numbers, other documents, phones, masks | GB 11643, GA/T 2000.156 |
//! | [`uscc`] | unified social credit codes (统一社会信用代码) | GB 32100 |
//! | [`item_code`], [`codes`] | service item codes, kinds of cases | GB/T 39046 annex A |
//! | [`license_id`] | electronic licence identifiers (电子证照标识) | GB/T 36904 |
//! | [`calendar`] | working days (工作日), calendar days, legal time | 行政许可法 82, 民法典 201-204 |
//! | [`remedies`] | what can be done against a refusal (救济途径) | 行政复议法 20, 24, 27, 行政诉讼法 46 |
//! | [`sm`] | SM3, HMAC-SM3, SM4-GCM, SM2 signatures | GB/T 32905, 32907, 32918 |

pub mod calendar;
pub mod codes;
pub mod identity;
pub mod item_code;
pub mod license_id;
pub mod licensing;
pub mod remedies;
pub mod sm;
pub mod uscc;

use std::borrow::Cow;

/// What every refusal of this crate can say: a stable reason and one sentence in each language.
///
/// The sentences never repeat the refused value, so they may be logged.
pub trait Reasoned {
    /// Stable, `UPPER_SNAKE`; part of the public contract.
    fn reason(&self) -> &'static str;
    /// One sentence in Chinese, for the person who typed the value.
    fn zh(&self) -> Cow<'static, str>;
    /// The same sentence in English.
    fn en(&self) -> Cow<'static, str>;
}

/// Implements [`Reasoned`], `Display` (zh / en) and `Error` for a field-less error enum.
macro_rules! reasoned {
    ($name:ident { $($variant:ident => $reason:literal, $zh:literal, $en:literal;)+ }) => {
        impl $name {
            /// Stable, `UPPER_SNAKE`; part of the public contract.
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason),+ }
            }
            /// One sentence in Chinese, for the person who typed the value.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }
            /// The same sentence in English.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }
            /// Every variant, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
        impl $crate::Reasoned for $name {
            fn reason(&self) -> &'static str { (*self).reason() }
            fn zh(&self) -> std::borrow::Cow<'static, str> { (*self).zh().into() }
            fn en(&self) -> std::borrow::Cow<'static, str> { (*self).en().into() }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} ({})", self.zh(), self.en())
            }
        }
        impl std::error::Error for $name {}
    };
}
pub(crate) use reasoned;
