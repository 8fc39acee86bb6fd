//! 办件编号: the organ's register (登记簿) issues the numbers of its cases, one stream an organ and year, without gaps.
//!
//! Invariant: one number an application, however often it is asked for; the n-th number is followed by the (n+1)-th.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Decision, Index, Meta, StreamId, Tag};

/// The register of an organ and year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// 实施主体编码.
    pub organisation: String,
    /// Year.
    pub year: i32,
    /// How many were issued: the last number's serial.
    pub issued: u64,
    /// The last number.
    pub last: Option<Issued>,
}

/// A number that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// For which application.
    pub application: StreamId,
    /// 办件编号.
    pub number: String,
}

/// What happens to a register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum RegisterEvent {
    /// A number was issued.
    NumberIssued {
        /// 实施主体编码.
        organisation: String,
        /// Year.
        year: i32,
        /// The serial, from 1.
        serial: u64,
        /// For which application.
        application: StreamId,
        /// 办件编号.
        number: String,
    },
}

/// What a number is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// For which application.
    pub application: StreamId,
    /// 行政区划.
    pub region: String,
    /// 实施主体编码.
    pub organisation: String,
    /// 受理之日.
    pub date: NaiveDate,
}

impl Ask {
    /// The register that answers.
    pub fn register(&self) -> StreamId {
        StreamId::named(Register::KIND, &format!("{}/{}", self.organisation, self.date.year()))
    }
}

/// How a number looks: `{region}` 12 digits, `{organ}` up to 18 characters, `{date}` the day of acceptance, `{serial}` six
/// digits within organ and year. No national layout was found (GB/T 39046 says an..50); so it is configuration.
pub const LAYOUT: &str = "{region}{organ}{date}{serial}";

/// The number of a serial by a layout.
pub fn number(layout: &str, ask: &Ask, serial: u64) -> String {
    layout
        .replace("{region}", &ask.region)
        .replace("{organ}", &ask.organisation)
        .replace("{date}", &ask.date.format("%Y%m%d").to_string())
        .replace("{serial}", &format!("{serial:06}"))
}

/// Issues the next number. Asked again for the application that had the last one, there is nothing to do.
pub fn issue(register: &Register, layout: &str, ask: &Ask, _cx: &Context) -> Decision<RegisterEvent> {
    if register.last.as_ref().is_some_and(|last| last.application == ask.application) {
        return Ok(Vec::new());
    }
    let serial = register.issued + 1;
    Ok(vec![RegisterEvent::NumberIssued {
        organisation: ask.organisation.clone(),
        year: ask.date.year(),
        serial,
        application: ask.application,
        number: number(layout, ask, serial),
    }])
}

impl Aggregate for Register {
    const KIND: &'static str = "register";
    const STANDALONE: bool = true;
    type Event = RegisterEvent;

    fn evolve(&mut self, event: &RegisterEvent, _meta: &Meta) {
        let RegisterEvent::NumberIssued { organisation, year, serial, application, number } = event;
        self.organisation.clone_from(organisation);
        self.year = *year;
        self.issued = *serial;
        self.last = Some(Issued { application: *application, number: number.clone() });
    }

    fn index(&self) -> Index {
        Index { organisation: self.organisation.clone(), status: "OPEN".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, format!("org:{}", self.organisation), self.year.to_string())]
    }
}
