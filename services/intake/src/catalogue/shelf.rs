//! The catalogue's index, held in memory by each replica: which item has which grams, and what items are narrowed down by. The
//! ledger has the truth and every replica follows its feed; an item is read from the ledger before it is shown.
//!
//! Invariant: a search reads no row. It walks the lists of the query's grams, scores [`CANDIDATES`] items at the most, and what is
//! then read from the ledger is one page.

use std::collections::HashMap;

use yiwang_ledger::{Read, StreamId};

use super::Item;
use super::search::{Query, Texts, rarity};
use super::words::{self, Gram, Headings};

/// How many items are scored: those whose grams weigh most together.
pub const CANDIDATES: usize = 400;

/// What items are narrowed down by; what is none is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// 实施主体: its name, or its code.
    pub department: Option<String>,
    /// 事项类型, code of GB/T 39046 A.1.
    pub item_type: Option<u16>,
    /// 服务主题.
    pub topic: Option<String>,
    /// 服务对象, by its name in tags.
    pub served: Option<&'static str>,
    /// 行政区划, 12 digits.
    pub region: Option<String>,
    /// Also items that are cancelled.
    pub cancelled: bool,
    /// Also 部门间政务服务, items that serve organs alone.
    pub organs: bool,
}

/// An item in the index.
#[derive(Debug)]
struct Book {
    stream: StreamId,
    version: u64,
    code: Box<str>,
    department: Box<str>,
    department_code: Box<str>,
    region: Box<str>,
    item_type: u16,
    topics: Box<[String]>,
    served: Box<[&'static str]>,
    in_force: bool,
    organs: bool,
    texts: Texts,
}

impl Book {
    fn of(read: &Read<Item>) -> Self {
        let facts = &read.state.facts;
        Book {
            stream: read.stream,
            version: read.version,
            code: facts.code.as_str().into(),
            department: facts.department.as_str().into(),
            department_code: facts.department_code.as_str().into(),
            region: facts.region.as_str().into(),
            item_type: facts.item_type,
            topics: facts.details.person_topics.iter().chain(&facts.details.legal_topics).cloned().collect(),
            served: facts.details.served.iter().map(|group| group.name()).collect(),
            in_force: read.state.status() == "IN_FORCE",
            organs: facts.details.serves_organs_alone(),
            texts: Texts::of(&Headings::from(facts)),
        }
    }

    fn fits(&self, wanted: &Wanted) -> bool {
        let same = |asked: &Option<String>, own: &str| asked.as_deref().is_none_or(|asked| asked == own);
        (wanted.cancelled || self.in_force)
            && (wanted.organs || !self.organs)
            && wanted.item_type.is_none_or(|asked| asked == self.item_type)
            && (same(&wanted.department, &self.department) || same(&wanted.department, &self.department_code))
            && same(&wanted.region, &self.region)
            && wanted.topic.as_ref().is_none_or(|asked| self.topics.contains(asked))
            && wanted.served.is_none_or(|asked| self.served.contains(&asked))
    }
}

/// What a search found, and what it cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The items, best first; equals by code.
    pub items: Vec<StreamId>,
    /// Places that were looked at in the lists of grams.
    pub walked: usize,
    /// Items that were scored.
    pub scored: usize,
}

/// The index.
#[derive(Debug, Default)]
pub struct Shelf {
    books: Vec<Book>,
    places: HashMap<StreamId, usize>,
    lists: HashMap<Gram, Vec<u32>>,
}

impl Shelf {
    /// Puts an item in, or its newer version in its place.
    pub fn put(&mut self, read: &Read<Item>) {
        if !read.state.exists() {
            return;
        }
        let known = self.places.get(&read.stream).copied();
        if known.is_some_and(|place| self.books[place].version > read.version) {
            return;
        }
        let book = Book::of(read);
        let place = known.unwrap_or(self.books.len());
        let Ok(number) = u32::try_from(place) else { return };
        if let Some(old) = known.map(|place| &self.books[place]) {
            for gram in old.texts.grams() {
                if let Some(list) = self.lists.get_mut(&gram) {
                    list.retain(|other| *other != number);
                }
            }
        }
        for gram in book.texts.grams() {
            self.lists.entry(gram).or_default().push(number);
        }
        self.places.insert(read.stream, place);
        match known {
            Some(place) => self.books[place] = book,
            None => self.books.push(book),
        }
    }

    /// How many items there are of a kind.
    pub fn count(&self, wanted: &Wanted) -> usize {
        self.books.iter().filter(|book| book.fits(wanted)).count()
    }

    /// The items that answer a query, best first.
    pub fn search(&self, query: &str, wanted: &Wanted) -> Found {
        let terms = words::terms(query);
        let weight = |gram: Gram| rarity(self.books.len(), self.lists.get(&gram).map_or(0, Vec::len));
        let mut found = Found::default();
        let mut weights = vec![0.0_f64; self.books.len()];
        let mut touched: Vec<usize> = Vec::new();
        for gram in words::query_grams(&terms).iter().map(|gram| Gram::of(gram)) {
            let Some(list) = self.lists.get(&gram) else { continue };
            let weight = weight(gram);
            found.walked += list.len();
            for place in list.iter().map(|place| *place as usize) {
                if weights[place] == 0.0 {
                    touched.push(place);
                }
                weights[place] += weight;
            }
        }
        touched.retain(|place| self.books[*place].fits(wanted));
        if touched.len() > CANDIDATES {
            let by_weight = |a: &usize, b: &usize| {
                weights[*b].total_cmp(&weights[*a]).then_with(|| self.books[*a].code.cmp(&self.books[*b].code))
            };
            touched.select_nth_unstable_by(CANDIDATES, by_weight);
            touched.truncate(CANDIDATES);
        }
        found.scored = touched.len();
        let asked = Query::new(query, &terms, weight);
        let scored = touched.into_iter().filter_map(|place| Some((asked.score(&self.books[place].texts)?, place)));
        let mut scored: Vec<(f64, usize)> = scored.collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| self.books[a.1].code.cmp(&self.books[b.1].code)));
        found.items = scored.into_iter().map(|(_, place)| self.books[place].stream).collect();
        found
    }
}
