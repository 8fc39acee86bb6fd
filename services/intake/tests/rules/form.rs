//! Where fields come from, and what is shown of them.

use proptest::prelude::*;
use serde_json::Value;
use yiwang_intake::catalogue::ItemFacts;
use yiwang_intake::form::{Source, masked};

#[test]
fn a_source_is_one_of_those_that_there_are() {
    assert_eq!(Source::parse("identity.name"), Some(Source::Identity("name")));
    assert_eq!(
        Source::parse("licence.115113016823646795001.number"),
        Some(Source::License("115113016823646795001", "number"))
    );
    assert_eq!(Source::parse("department.market.capital"), Some(Source::Department("market", "capital")));
    for wrong in ["", "identity", "identity.age", "licence.", "licence..x", "department.a.b.c", "typed.x"] {
        assert_eq!(Source::parse(wrong), None, "{wrong}");
    }
}

proptest! {
    /// No masked value comes out as it went in, whatever its length; what is not marked stays.
    #[test]
    fn what_is_masked_does_not_show(number in "[0-9A-Z]{3,30}", other in "[a-z]{3,10}") {
        let schema = r#"{"properties":{"number":{"type":"string","x-masked":true},"other":{"type":"string"}}}"#;
        let facts = ItemFacts { form_schema: schema.into(), ..ItemFacts::default() };
        let form = serde_json::json!({"number": number, "other": other}).to_string();
        let shown: Value = serde_json::from_str(&masked(&form, &facts)).unwrap();
        prop_assert!(shown["number"] != number.as_str());
        prop_assert!(shown["other"] == other.as_str());
    }
}
