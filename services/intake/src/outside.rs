//! Why something that hangs on somebody outside goes no further now.

use yiwang_kit::outward::Away;
use yiwang_ledger::Refusal;

/// See the module's page.
#[derive(Debug)]
pub enum Halt {
    /// Nobody answers.
    Away(Away),
    /// The ledger refuses.
    Ledger(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Halt::Ledger(refusal)
    }
}

impl From<Away> for Halt {
    fn from(away: Away) -> Self {
        Halt::Away(away)
    }
}
