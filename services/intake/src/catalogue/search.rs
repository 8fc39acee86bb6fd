//! Ranking of what the ledger's gram search found: by how much of the query's words an item covers (rare pairs of
//! characters weigh more), whole words, brevity, and the plain fact that most people want the new thing, not its loss,
//! renewal or end.

use std::collections::HashMap;

use super::words::{self, Headings, Term, grams, normal};

/// How rare each gram is in the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    items: usize,
    counts: HashMap<String, usize>,
}

impl Weights {
    /// Counts the grams of the items in force.
    pub fn of<'a>(items: impl IntoIterator<Item = Headings<'a>>) -> Self {
        let mut weights = Weights::default();
        for headings in items {
            weights.items += 1;
            for gram in words::heading_grams(&headings) {
                *weights.counts.entry(gram).or_default() += 1;
            }
        }
        weights
    }

    /// A gram that no item has weighs like the rarest.
    fn weight(&self, gram: &str) -> f64 {
        let items = self.items.max(1) as f64;
        let count = self.counts.get(gram).copied().unwrap_or(1).max(1) as f64;
        (1.0 + items / count).ln()
    }
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

/// An item with its texts cut once.
struct Texts {
    name: String,
    in_name: std::collections::BTreeSet<String>,
    in_main: std::collections::BTreeSet<String>,
    in_department: std::collections::BTreeSet<String>,
    initials: String,
    in_initials: std::collections::BTreeSet<String>,
}

impl Texts {
    fn of(headings: &Headings<'_>) -> Self {
        let name = normal(headings.name);
        let mut in_name = grams(headings.name);
        in_name.extend(name.chars().map(String::from));
        let initials = words::initials(headings.name);
        let in_initials = words::initial_grams(&initials);
        Texts {
            in_name,
            name,
            initials,
            in_initials,
            in_main: grams(headings.main),
            in_department: grams(headings.office),
        }
    }

    fn presence(&self, gram: &str) -> f64 {
        match gram {
            gram if self.in_name.contains(gram) => 1.0,
            gram if self.in_initials.contains(gram) => 0.9,
            gram if self.in_main.contains(gram) => 0.7,
            gram if self.in_department.contains(gram) => 0.4,
            _ => 0.0,
        }
    }
}

fn coverage(words: &[String], texts: &Texts, weights: &Weights) -> f64 {
    let (mut all, mut met) = (0.0, 0.0);
    for gram in words.iter().flat_map(|word| words::word_grams(word)) {
        let weight = weights.weight(&gram);
        all += weight;
        met += weight * texts.presence(&gram);
    }
    let is_whole = |word: &&String| match word.strip_prefix(words::INITIALS) {
        Some(initials) => texts.initials.contains(initials),
        None => texts.name.contains(normal(word).as_str()),
    };
    let whole = words.iter().filter(is_whole).count();
    match all {
        0.0 => 0.0,
        all => met / all * (1.0 + 0.3 * whole as f64 / words.len() as f64),
    }
}

/// How well an item answers the query; none where it has nothing to do with it.
pub fn score(query: &str, terms: &[Term], headings: &Headings<'_>, weights: &Weights) -> Option<f64> {
    let texts = Texts::of(headings);
    let mut total = 0.0;
    for term in terms {
        let best = term.alternatives.iter().enumerate().map(|(index, words)| {
            let as_typed = if index == 0 { 1.0 } else { 0.95 };
            as_typed * coverage(words, &texts, weights)
        });
        total += best.fold(0.0, f64::max);
    }
    let mut score = total / terms.len().max(1) as f64;
    if score <= THRESHOLD {
        return None;
    }
    if !AFTERWARDS.iter().any(|word| query.contains(word)) {
        if AFTERWARDS.iter().any(|word| headings.name.contains(word)) {
            score -= 0.1;
        } else if AT_FIRST.iter().any(|word| headings.name.contains(word)) {
            score += 0.06;
        }
    }
    Some(score + 0.15 / (1.0 + texts.name.chars().count() as f64 / 10.0))
}

/// Orders what was found, best first; equals by code.
pub fn rank<T>(query: &str, found: Vec<T>, weights: &Weights, headings: impl Fn(&T) -> Headings<'_>) -> Vec<T> {
    let terms = words::terms(query);
    let mut scored: Vec<(f64, T)> = found
        .into_iter()
        .filter_map(|item| score(query, &terms, &headings(&item), weights).map(|score| (score, item)))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| headings(&a.1).code.cmp(headings(&b.1).code)));
    scored.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{ItemFacts, source};

    #[derive(serde::Deserialize)]
    struct Case {
        query: String,
        expected: String,
    }

    fn found(query: &str) -> Vec<ItemFacts> {
        let items = source::builtin().expect("data");
        let weights = Weights::of(items.iter().map(Headings::from));
        rank(query, items, &weights, |item| item.into())
    }

    #[test]
    fn forty_five_of_fifty_queries_have_the_right_item_among_the_first_three() {
        let mut cases =
            csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/search_queries.csv")).expect("cases");
        let cases: Vec<Case> = cases.deserialize().map(|case| case.expect("case")).collect();
        let right = |case: &&Case| {
            found(&case.query).iter().take(3).any(|item| case.expected.split('|').any(|code| code == item.code))
        };
        let missed: Vec<_> = cases.iter().filter(|case| !right(case)).map(|case| &case.query).collect();
        assert_eq!(cases.len(), 50);
        assert!(missed.len() <= 5, "missed: {missed:?}");
    }

    #[test]
    fn a_word_of_one_character_finds_items() {
        assert!(found("烟").iter().any(|item| item.name.contains("烟草专卖零售")));
    }

    #[test]
    fn who_says_that_it_ends_gets_the_end() {
        assert!(found("注销残疾证")[0].name.contains("残疾人证注销"));
    }

    #[test]
    fn nonsense_finds_nothing() {
        assert!(found("鑫淼焱垚").is_empty());
    }
}
