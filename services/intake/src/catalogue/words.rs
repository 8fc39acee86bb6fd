//! Words of the catalogue: how a Chinese text becomes tags, and what people say becomes what the catalogue calls it.
//! A text is cut into pairs of characters (bigrams), which need no dictionary and work the same on both engines.

use std::collections::BTreeSet;
use std::sync::LazyLock;

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

/// The bigrams of a text; a single character is its own gram.
pub fn grams(text: &str) -> BTreeSet<String> {
    let chars: Vec<char> = normal(text).chars().collect();
    match chars.as_slice() {
        [] => BTreeSet::new(),
        [one] => BTreeSet::from([one.to_string()]),
        many => many.windows(2).map(|pair| pair.iter().collect()).collect(),
    }
}

/// The grams by which an item is found: bigrams of name, main item and department, and the single characters of the name
/// for queries of one character.
pub fn item_grams(facts: &ItemFacts) -> BTreeSet<String> {
    let mut all = grams(&facts.name);
    all.extend(grams(&facts.main_item));
    all.extend(grams(&facts.department));
    all.extend(normal(&facts.name).chars().map(String::from));
    all
}

/// What a citizen may say for a word of the catalogue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    words: std::collections::BTreeMap<String, Vec<String>>,
}

/// Synonyms: (what people say, what the catalogue calls it), the longest first.
static SYNONYMS: LazyLock<Vec<(String, Vec<String>)>> = LazyLock::new(|| {
    let file = toml::from_str::<File>(include_str!("../../data/synonyms.toml"));
    let mut words: Vec<_> = file.map(|file| file.words.into_iter().collect()).unwrap_or_default();
    words.iter_mut().for_each(|(word, _): &mut (String, Vec<String>)| *word = normal(word));
    words.sort_by(|a, b| b.0.chars().count().cmp(&a.0.chars().count()).then_with(|| a.0.cmp(&b.0)));
    words
});

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
        for (said, called) in SYNONYMS.iter() {
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
    words.flat_map(|word| grams(word)).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_pairs_of_characters() {
        assert_eq!(grams("食品(含)"), BTreeSet::from(["食品".to_owned(), "品含".to_owned()]));
        assert_eq!(grams("水"), BTreeSet::from(["水".to_owned()]));
        assert!(grams("（）").is_empty());
    }

    #[test]
    fn what_people_say_is_joined_with_what_the_catalogue_calls_it() {
        let terms = terms("怎么开饭店");
        assert_eq!(terms.len(), 1);
        assert_eq!(terms[0].alternatives, [vec!["饭店"], vec!["食品经营许可", "核发"]]);
    }

    #[test]
    fn a_query_of_fillers_alone_is_searched_as_it_stands() {
        assert_eq!(terms("申请")[0].alternatives, [["申请"]]);
        assert!(terms("，。").is_empty());
    }

    #[test]
    fn full_width_letters_are_ordinary_ones() {
        assert_eq!(normal("ＫＴＶ歌厅 "), "KTV歌厅");
    }
}
