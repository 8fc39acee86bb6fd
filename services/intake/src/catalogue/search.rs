//! Ranking of what a search found: by how much of the query's words an item covers (rare pairs of characters weigh more), whole
//! words, brevity, and the plain fact that most people want the new thing, not its loss, renewal or end.

use std::collections::HashMap;

use super::words::{self, Gram, Headings, Term, normal};

/// How rare each gram is among some records.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    records: usize,
    counts: HashMap<Gram, usize>,
}

impl Weights {
    /// Counts the grams of what is ranked.
    pub fn of<'a>(records: impl IntoIterator<Item = Headings<'a>>) -> Self {
        let mut weights = Weights::default();
        for headings in records {
            weights.records += 1;
            for gram in words::heading_grams(&headings) {
                *weights.counts.entry(Gram::of(&gram)).or_default() += 1;
            }
        }
        weights
    }

    /// What a gram weighs.
    pub fn weight(&self, gram: Gram) -> f64 {
        rarity(self.records, self.counts.get(&gram).copied().unwrap_or(1))
    }
}

/// What a gram weighs that so many of so many records have; one that none has weighs like the rarest.
pub fn rarity(records: usize, with: usize) -> f64 {
    (1.0 + records.max(1) as f64 / with.max(1) as f64).ln()
}

/// Words of an item that comes after one already has the thing.
const AFTERWARDS: &[&str] = &[
    "注销", "变更", "补办", "补领", "补发", "补证", "延续", "换发", "换证", "换领", "续期", "终止", "转出", "转入",
    "过户", "撤销", "遗失", "停业", "歇业",
];
/// Words of an item that gives one the thing.
const AT_FIRST: &[&str] = &["新办", "核发", "设立", "新增", "发放", "首次", "初领", "申领", "申请", "登记", "办理"];

/// Below this an item has nothing to do with the query.
const THRESHOLD: f64 = 0.15;

/// Headings cut once, each part's grams in order.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    name: Box<str>,
    letters: u32,
    initials: Box<str>,
    in_name: Box<[Gram]>,
    in_initials: Box<[Gram]>,
    in_main: Box<[Gram]>,
    in_department: Box<[Gram]>,
    afterwards: bool,
    at_first: bool,
}

/// In order, each once.
fn sorted(grams: impl IntoIterator<Item = String>) -> Box<[Gram]> {
    let mut all: Vec<Gram> = grams.into_iter().map(|gram| Gram::of(&gram)).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

impl Texts {
    /// Cuts headings.
    pub fn of(headings: &Headings<'_>) -> Self {
        let name = normal(headings.name);
        let initials = words::initials(headings.name);
        Texts {
            in_name: sorted(words::grams(headings.name).into_iter().chain(name.chars().map(String::from))),
            in_initials: sorted(words::initial_grams(&initials)),
            in_main: sorted(words::grams(headings.main)),
            in_department: sorted(words::grams(headings.office)),
            letters: u32::try_from(name.chars().count()).unwrap_or(u32::MAX),
            name: name.into(),
            initials: initials.into(),
            afterwards: AFTERWARDS.iter().any(|word| headings.name.contains(word)),
            at_first: AT_FIRST.iter().any(|word| headings.name.contains(word)),
        }
    }

    /// Every gram, each once.
    pub fn grams(&self) -> Vec<Gram> {
        let parts = [&self.in_name, &self.in_initials, &self.in_main, &self.in_department];
        let mut all: Vec<Gram> = parts.into_iter().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn presence(&self, gram: Gram) -> f64 {
        let has = |part: &[Gram]| part.binary_search(&gram).is_ok();
        match gram {
            _ if has(&self.in_name) => 1.0,
            _ if has(&self.in_initials) => 0.9,
            _ if has(&self.in_main) => 0.7,
            _ if has(&self.in_department) => 0.4,
            _ => 0.0,
        }
    }
}

/// A word of a query, cut once.
#[derive(Clone, Debug)]
struct Word {
    whole: String,
    by_initials: bool,
    grams: Vec<(Gram, f64)>,
}

/// A query, cut and weighed once.
#[derive(Clone, Debug)]
pub struct Query {
    terms: Vec<Vec<Vec<Word>>>,
    /// It says that something ends, or is had already.
    afterwards: bool,
}

impl Query {
    /// Cuts a query; `weight` says what a gram weighs.
    pub fn new(text: &str, terms: &[Term], weight: impl Fn(Gram) -> f64) -> Self {
        let word = |word: &String| {
            let grams =
                words::word_grams(word).iter().map(|gram| Gram::of(gram)).map(|gram| (gram, weight(gram))).collect();
            match word.strip_prefix(words::INITIALS) {
                Some(initials) => Word { whole: initials.to_owned(), by_initials: true, grams },
                None => Word { whole: normal(word), by_initials: false, grams },
            }
        };
        let term = |term: &Term| term.alternatives.iter().map(|words| words.iter().map(word).collect()).collect();
        Query { terms: terms.iter().map(term).collect(), afterwards: AFTERWARDS.iter().any(|word| text.contains(word)) }
    }

    /// How well something answers it; none where it has nothing to do with it.
    pub fn score(&self, texts: &Texts) -> Option<f64> {
        let mut total = 0.0;
        for alternatives in &self.terms {
            let best = alternatives.iter().enumerate().map(|(index, words)| {
                let as_typed = if index == 0 { 1.0 } else { 0.95 };
                as_typed * coverage(words, texts)
            });
            total += best.fold(0.0, f64::max);
        }
        let mut score = total / self.terms.len().max(1) as f64;
        if score <= THRESHOLD {
            return None;
        }
        if !self.afterwards {
            if texts.afterwards {
                score -= 0.1;
            } else if texts.at_first {
                score += 0.06;
            }
        }
        Some(score + 0.15 / (1.0 + f64::from(texts.letters) / 10.0))
    }
}

fn coverage(words: &[Word], texts: &Texts) -> f64 {
    let (mut all, mut met) = (0.0, 0.0);
    for (gram, weight) in words.iter().flat_map(|word| &word.grams) {
        all += weight;
        met += weight * texts.presence(*gram);
    }
    let is_whole = |word: &&Word| match word.by_initials {
        true => texts.initials.contains(&word.whole),
        false => texts.name.contains(&word.whole),
    };
    let whole = words.iter().filter(is_whole).count();
    match all {
        0.0 => 0.0,
        all => met / all * (1.0 + 0.3 * whole as f64 / words.len() as f64),
    }
}

/// Orders what was found, best first; equals by code.
pub fn rank<T>(query: &str, found: Vec<T>, weights: &Weights, headings: impl Fn(&T) -> Headings<'_>) -> Vec<T> {
    let asked = Query::new(query, &words::terms(query), |gram| weights.weight(gram));
    let mut scored: Vec<(f64, T)> = found
        .into_iter()
        .filter_map(|item| asked.score(&Texts::of(&headings(&item))).map(|score| (score, item)))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| headings(&a.1).code.cmp(headings(&b.1).code)));
    scored.into_iter().map(|(_, item)| item).collect()
}
