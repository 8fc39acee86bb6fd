//! 证照流水号登记簿: one stream an issuer and year, which gives out serial numbers without gaps. A number is given to a case,
//! and given to it again whenever the case asks again, so a crash between number and licence loses none.

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Decision, Index, Meta, StreamId, Tag};

/// The register of an issuer and year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The last number given out; 0 before the first.
    pub last: u32,
}

/// What happens in a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// A number was given to a case.
    NumberTaken {
        /// The number.
        serial: u32,
        /// 办件编号.
        case_number: String,
    },
}

impl Aggregate for Register {
    const KIND: &'static str = "license_register";
    const STANDALONE: bool = true;
    type Event = Event;

    fn evolve(&mut self, event: &Event, _meta: &Meta) {
        let Event::NumberTaken { serial, .. } = event;
        self.last = *serial;
    }

    fn index(&self) -> Index {
        Index::default()
    }

    fn tags(&self) -> Vec<Tag> {
        Vec::new()
    }
}

/// The register's stream.
pub fn stream(issuer_code: &str, year: i32) -> StreamId {
    StreamId::named(Register::KIND, &format!("{issuer_code}/{year}"))
}

/// Takes the next number. The state right after the command carries it; a replay answers with the state of then.
pub fn take(register: &Register, case_number: &str, _cx: &Context) -> Decision<Event> {
    Ok(vec![Event::NumberTaken { serial: register.last + 1, case_number: case_number.to_owned() }])
}
