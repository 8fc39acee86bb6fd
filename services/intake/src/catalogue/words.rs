//! Words of the catalogue: how a Chinese text becomes tags, and what people say becomes what the catalogue calls it.
//! A text is cut into pairs of characters (bigrams), which need no dictionary and work the same on both engines.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use pinyin::ToPinyin as _;
use serde::Deserialize;

use super::ItemFacts;

/// A text with letters, digits and Chinese characters alone, half-width and upper-case.
pub fn normal(text: &str) -> String {
    let half = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    text.chars().map(half).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// A gram in a number: up to two characters, and whether they are initials. No two grams have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gram(u64);

impl Gram {
    /// Of a gram as text: one or two characters, after [`INITIALS`] where they are initials.
    pub fn of(text: &str) -> Self {
        let (initials, rest) = match text.strip_prefix(INITIALS) {
            Some(rest) if !rest.is_empty() => (1, rest),
            _ => (0, text),
        };
        Self(rest.chars().take(2).fold(initials, |number, c| (number << 21) | (u64::from(u32::from(c)) + 1)))
    }
}

/// The bigrams of a text; a single character is its own gram.
pub fn grams(text: &str) -> BTreeSet<String> {
    let chars: Vec<char> = normal(text).chars().collect();
    match chars.as_slice() {
        [] => BTreeSet::new(),
        [one] => BTreeSet::from([one.to_string()]),
        many => many.windows(2).map(|pair| pair.iter().collect()).collect(),
    }
}

/// 拼音首字母 of a text: the first letters of its characters' readings; what has none is left out.
pub fn initials(text: &str) -> String {
    normal(text).as_str().to_pinyin().flatten().map(|reading| reading.first_letter()).collect()
}

/// Before what is typed as initials, `~gssl`.
pub const INITIALS: char = '~';

/// Pairs of initials, marked so that they are taken for nothing else.
pub fn initial_grams(initials: &str) -> BTreeSet<String> {
    let letters: Vec<char> = initials.chars().collect();
    letters.windows(2).map(|pair| format!("{INITIALS}{}{}", pair[0], pair[1])).collect()
}

/// The grams of a word of a query: of its characters, or, marked as one, of its initials.
pub fn word_grams(word: &str) -> BTreeSet<String> {
    word.strip_prefix(INITIALS).map_or_else(|| grams(word), initial_grams)
}

/// What something is found by.
#[derive(Clone, Copy, Debug)]
pub struct Headings<'a> {
    /// Orders what is found equally well.
    pub code: &'a str,
    /// Its name, which counts most.
    pub name: &'a str,
    /// What it belongs to.
    pub main: &'a str,
    /// Whose it is.
    pub office: &'a str,
}

impl<'a> From<&'a ItemFacts> for Headings<'a> {
    fn from(facts: &'a ItemFacts) -> Self {
        Headings { code: &facts.code, name: &facts.name, main: &facts.main_item, office: &facts.department }
    }
}

/// The grams by which something is found: bigrams of name, main item and office, the single characters of the name for queries
/// of one character, and pairs of the name's initials.
pub fn heading_grams(headings: &Headings<'_>) -> BTreeSet<String> {
    let mut all = grams(headings.name);
    all.extend(grams(headings.main));
    all.extend(grams(headings.office));
    all.extend(normal(headings.name).chars().map(String::from));
    all.extend(initial_grams(&initials(headings.name)));
    all
}

/// What a citizen may say for a word of the catalogue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    words: std::collections::BTreeMap<String, Vec<String>>,
}

/// What people say, and what the catalogue calls it.
type Synonyms = Vec<(String, Vec<String>)>;

static SYNONYMS: LazyLock<Result<Synonyms, String>> = LazyLock::new(|| {
    let file = toml::from_str::<File>(include_str!("../../data/synonyms.toml")).map_err(|error| error.to_string())?;
    let mut words: Synonyms = file.words.into_iter().map(|(word, called)| (normal(&word), called)).collect();
    words.sort_by(|a, b| b.0.chars().count().cmp(&a.0.chars().count()).then_with(|| a.0.cmp(&b.0)));
    Ok(words)
});

/// Synonyms, the longest first.
///
/// # Errors
/// The data file is not in order.
pub fn synonyms() -> Result<&'static [(String, Vec<String>)], String> {
    SYNONYMS.as_ref().map(Vec::as_slice).map_err(Clone::clone)
}

/// Words that say nothing of the matter.
const FILLERS: &[&str] = &[
    "怎么", "如何", "哪里", "需要", "办理", "申请", "我要", "我想", "一个", "给", "办", "领", "的", "我", "要", "开",
    "证件", "在",
];

/// One thing that the query asks for: any of its alternatives will do, each a list of words that all count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The first alternative is what was typed.
    pub alternatives: Vec<Vec<String>>,
}

/// Cuts a query into terms: what people say is lifted out and joined with what the catalogue calls it, fillers are dropped.
pub fn terms(query: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    for word in query.split(|c: char| !c.is_alphanumeric()).map(normal).filter(|word| !word.is_empty()) {
        let mut rest = word;
        for (said, called) in synonyms().unwrap_or_default() {
            if rest.contains(said.as_str()) {
                rest = rest.replace(said.as_str(), " ");
                let called = called.iter().map(|text| text.split(' ').map(str::to_owned).collect());
                terms.push(Term { alternatives: std::iter::once(vec![said.clone()]).chain(called).collect() });
            }
        }
        for part in rest.split(' ') {
            let mut part = part.to_owned();
            FILLERS.iter().for_each(|filler| part = part.replace(filler, ""));
            if part.is_empty() {
                continue;
            }
            let mut alternatives = vec![vec![part.clone()]];
            // 卫生许可证 is asked for, 卫生许可 is listed
            if let Some(stem) = part.strip_suffix('证').filter(|stem| stem.chars().count() > 2) {
                alternatives.push(vec![stem.to_owned()]);
            }
            // gssl for 公司设立
            if part.chars().count() > 1 && part.chars().all(|c| c.is_ascii_alphabetic()) {
                alternatives.push(vec![format!("{INITIALS}{}", part.to_lowercase())]);
            }
            terms.push(Term { alternatives });
        }
    }
    if terms.is_empty() && !normal(query).is_empty() {
        terms.push(Term { alternatives: vec![vec![normal(query)]] });
    }
    terms
}

/// All grams of the terms: what is asked of the ledger.
pub fn query_grams(terms: &[Term]) -> Vec<String> {
    let words = terms.iter().flat_map(|term| term.alternatives.iter().flatten());
    words.flat_map(|word| word_grams(word)).collect::<BTreeSet<_>>().into_iter().collect()
}
