//! What names a person in a text that somebody else is to read: numbers of documents and cards, mobile telephones, mail addresses, and names that
//! are known. An office's telephone and a statute's number stay.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Digits with the blanks and hyphens that people put between them, a letter before (a passport), an X after (a resident's number); or a mail address.
static NUMBERS: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}|[A-Za-z]?[0-9０-９](?:[ \-]?[0-9０-９])*[Xxｘ]?")
});

const HIDDEN: &str = "***";

/// The text without what names a person; `names` become 张某.
pub fn masked(text: &str, names: &[&str]) -> String {
    let mut text = text.to_owned();
    for name in names.iter().filter(|name| name.chars().count() > 1) {
        let first: String = name.chars().take(1).collect();
        text = text.replace(name, &format!("{first}某"));
    }
    match NUMBERS.as_ref() {
        Ok(numbers) => numbers
            .replace_all(&text, |found: &Captures<'_>| match names_somebody(&found[0]) {
                true => HIDDEN.to_owned(),
                false => found[0].to_owned(),
            })
            .into_owned(),
        // a pattern of ours that does not compile hides everything
        Err(_) => HIDDEN.to_owned(),
    }
}

/// Whether the text still names somebody.
pub fn names_anybody(text: &str, names: &[&str]) -> bool {
    masked(text, names) != text
}

fn names_somebody(found: &str) -> bool {
    if found.contains('@') {
        return true;
    }
    let letter = found.starts_with(|c: char| c.is_ascii_alphabetic());
    let digits: String = found
        .chars()
        .map(|c| match c {
            '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .filter(char::is_ascii_digit)
        .collect();
    // documents and bank cards; mobile telephones, with or without the country; passports and permits
    digits.len() >= 15
        || (digits.len() == 11 && digits.starts_with('1'))
        || (digits.len() == 13 && digits.starts_with("861"))
        || (letter && (8..=10).contains(&digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_person_goes() {
        let text = "我是张建国，身份证511602198503120016，电话138 1234 5678，护照E12345678，邮箱zjg@example.cn，卡号6222021234567890123";
        assert_eq!(masked(text, &["张建国"]), "我是张某，身份证***，电话***，护照***，邮箱***，卡号***");
        assert_eq!(masked("51160219850312001X、１３８１２３４５６７８", &[]), "***、***");
    }

    #[test]
    fn an_offices_telephone_and_a_documents_number_stay() {
        let text = "请拨打0826-2345678或12345，依据川府发〔2024〕12号、2024年3月1日公告，面积120平方米";
        assert!(!names_anybody(text, &["张建国", "张"]));
        assert!(names_anybody("张建国问", &["张建国"]));
    }
}
