//! 文书登记簿: the register of an organ, a year and a kind. Its n-th entry is the n-th document: number and text in one, so that there
//! can be no gap between the numbers, no number twice and no number without its document.
//!
//! Invariant: one document a cause (the entry that calls for it), however often it is asked for.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_ledger::{
    Aggregate, Call, Context, Decision, Hash, Index, Ledger, Meta, Personal, Refusal, StreamId, SubjectId, Tag,
};
use yiwang_standards::sm;

use crate::draft::{Draft, Issuance, Matter, compose};
use crate::kind::Kind;
use crate::text::Text;

/// The register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// How many were issued: the last one's serial.
    pub issued: u64,
    /// The last one.
    pub last: Option<Issued>,
}

/// A document that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// 文书种类.
    pub kind: Kind,
    /// 文书编号.
    pub number: String,
    /// The day of it.
    pub date: NaiveDate,
    /// 实施主体编码.
    pub organisation: String,
    /// 实施主体.
    pub organ: String,
    /// 事项名称.
    pub item: String,
    /// The application or case that it is about.
    pub matter: StreamId,
    /// The entry that called for it.
    pub cause: String,
    /// The whole text, as [`Text::pinned`] writes it; gone with its addressee's data.
    pub text: Personal,
    /// SM3 of that, which stays: 64 hex digits. The text holds the check code, so that nobody guesses it from the digest.
    pub digest: String,
    /// SM3 of number and check code, which stays: 64 hex digits.
    pub check: String,
}

/// What happens to a register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum BookEvent {
    /// A document was issued.
    DocumentIssued {
        /// Its serial, from 1.
        serial: u64,
        /// The document.
        document: Box<Issued>,
    },
}

/// What is to be issued.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The application or case that it is about.
    pub stream: StreamId,
    /// Whose matter it is.
    pub matter: Matter,
    /// Whose data it holds: the addressee's.
    pub subject: SubjectId,
    /// What it says.
    pub draft: Draft,
    /// The day of it.
    pub date: NaiveDate,
    /// The beginning of the addresses at which the service's documents are verified, `https://…/v1/documents`.
    pub verified_at: String,
}

impl Ask {
    /// The register that answers.
    fn book(&self) -> StreamId {
        stream(self.draft.kind(), &self.matter.organ_code, self.date.year())
    }
}

fn stream(kind: Kind, organ: &str, year: i32) -> StreamId {
    StreamId::named(Book::KIND, &format!("{}/{organ}/{year}", kind.prefix()))
}

/// 文书编号 of a serial: kind, 实施主体编码, year, and six digits; 30 characters where the organ's code has 18 (GB/T 39046: 受理文书编号
/// an..30). No national layout was found beyond that length; unverified.
pub fn number(kind: Kind, organ: &str, year: i32, serial: u64) -> String {
    format!("{}{organ}{year:04}{serial:06}", kind.prefix())
}

/// Where a number may stand: registers and serials, the likeliest first. The serial of a busy register outgrows its six digits, so
/// a long number can be read in two ways.
fn places(number: &str) -> Vec<(StreamId, u64)> {
    let Some(kind) = number.get(..2).and_then(Kind::of_prefix) else { return Vec::new() };
    let rest = &number[2..];
    let read = |digits: usize| {
        let (head, serial) = rest.split_at_checked(rest.len().checked_sub(digits)?)?;
        let (organ, year) = head.split_at_checked(head.len().checked_sub(4)?)?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (year, serial) = (Some(year).filter(|year| plain(year))?, Some(serial).filter(|serial| plain(serial))?);
        let (year, serial): (i32, u64) = (year.parse().ok()?, serial.parse().ok()?);
        (self::number(kind, organ, year, serial) == number).then(|| (stream(kind, organ, year), serial))
    };
    (6..=9).filter_map(read).collect()
}

/// 校验码: sixteen characters of the command's seed, without those that look alike.
fn check_code(seed: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    seed[..16].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

fn check(number: &str, code: &str) -> String {
    sm::to_hex(&sm::sm3(format!("{number}/{code}").as_bytes()))
}

impl Issued {
    /// Whether a check code is this document's, however it was typed.
    pub fn fits(&self, code: &str) -> bool {
        let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        check(&self.number, &code.to_ascii_uppercase()) == self.check
    }

    /// Its text; none once its addressee's data were erased.
    pub fn read(&self) -> Option<Text> {
        Text::read(self.text.get()?)
    }
}

/// Issues the next document. Asked again for the cause that had the last one, there is nothing to do.
pub fn decide(book: &Book, ask: &Ask, cause: &str, cx: &Context) -> Decision<BookEvent> {
    if book.last.as_ref().is_some_and(|last| last.cause == cause) {
        return Ok(Vec::new());
    }
    let serial = book.issued + 1;
    let kind = ask.draft.kind();
    let number = number(kind, &ask.matter.organ_code, ask.date.year(), serial);
    let check_code = check_code(&cx.seed);
    let address = format!("{}/{number}:verify?check_code={check_code}", ask.verified_at);
    let check = check(&number, &check_code);
    let issuance = Issuance { number: number.clone(), date: ask.date, check_code, address };
    let pinned = compose(&ask.draft, &ask.matter, &issuance).pinned();
    let document = Issued {
        kind,
        number,
        date: ask.date,
        organisation: ask.matter.organ_code.clone(),
        organ: ask.matter.organ.clone(),
        item: ask.matter.item.clone(),
        matter: ask.stream,
        cause: cause.to_owned(),
        digest: Text::digest(&pinned),
        check,
        text: Personal::new(&ask.subject, "document", pinned),
    };
    Ok(vec![BookEvent::DocumentIssued { serial, document: Box::new(document) }])
}

/// Issues a document for an entry: the one call of every flow. Repeated, it answers with the document of the first time.
///
/// # Errors
/// Those of the ledger.
pub async fn issue(ledger: &Ledger, ask: Ask, entry: Hash, trace: &str) -> Result<Issued, Refusal> {
    let cause = format!("document.{entry}.{}", ask.draft.kind().prefix());
    let mut call = Call::system(cause.clone(), trace);
    // who knows the entry's hash does not know the check code
    call.seed = ledger.vault().keyed_hash(&[b"check code", cause.as_bytes()]).0;
    let book = ask.book();
    let rule = move |book: &Book, cx: &Context| decide(book, &ask, &cause, cx);
    let done = ledger.execute::<Book>(book, call, rule).await?;
    done.state.last.clone().ok_or_else(|| Refusal::not_found("文书"))
}

/// A document by its number; none where the service's organs have issued none of that number.
///
/// # Errors
/// Those of the ledger.
pub async fn find(ledger: &Ledger, number: &str) -> Result<Option<Issued>, Refusal> {
    for (book, serial) in places(number) {
        // the n-th entry of the register is the n-th document
        if let Some(read) = ledger.state_at::<Book>(book, serial).await?
            && let Some(issued) = read.state.last.as_ref().filter(|issued| issued.number == number)
        {
            return Ok(Some(issued.clone()));
        }
    }
    Ok(None)
}

impl Aggregate for Book {
    const KIND: &'static str = "document_book";
    const STANDALONE: bool = true;
    type Event = BookEvent;

    fn evolve(&mut self, event: &BookEvent, _meta: &Meta) {
        let BookEvent::DocumentIssued { serial, document } = event;
        self.issued = *serial;
        self.last = Some((**document).clone());
    }

    fn index(&self) -> Index {
        let organisation = self.last.as_ref().map(|last| last.organisation.clone()).unwrap_or_default();
        Index { organisation, status: "OPEN".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        let last = self.last.iter();
        last.map(|last| Tag::new(Tag::AUDIENCE, format!("org:{}", last.organisation), last.date.year().to_string()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_leads_back_to_its_register(organ in "[0-9A-Z]{1,18}", year in 2000..2100_i32, serial in 1..2_000_000_u64) {
            let number = number(Kind::Receipt, &organ, year, serial);
            prop_assert!(places(&number).contains(&(stream(Kind::Receipt, &organ, year), serial)));
        }

        #[test]
        fn whatever_is_no_number_leads_nowhere_or_to_what_has_that_number(text in "\\PC{0,40}") {
            prop_assert!(places(&text).len() <= 4);
        }
    }

    #[test]
    fn a_number_fits_the_standard() {
        assert_eq!(number(Kind::Acceptance, "11511602MB1234567X", 2026, 1), "SL11511602MB1234567X2026000001");
        assert_eq!(number(Kind::Acceptance, "11511602MB1234567X", 2026, 999_999).len(), 30);
    }
}
