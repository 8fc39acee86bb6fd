//! What expressions may be, and what they say.

use proptest::prelude::*;
use serde_json::json;

use super::cel::{About, MOST, Wrong, compile, holds};

fn said(expression: &str) -> bool {
    let form = json!({"rooms": 3, "area": 20.5, "air": true, "kinds": ["沐浴", "住宿"], "owner": {"age": 40}});
    let materials = ["plan".to_owned()];
    holds(expression, &About { form: &form, applicant: "company", materials: &materials })
}

#[test]
fn conditions_speak_of_form_applicant_and_materials() {
    for yes in [
        "form.rooms == 3",
        "form.rooms >= 3 && form.area > 20.0",
        "form.area > 20",
        "form.air",
        "'沐浴' in form.kinds",
        "form.kinds.exists(kind, kind == '住宿')",
        "form.owner.age in [40, 41]",
        "has(form.rooms) && !has(form.pool)",
        "applicant == 'company'",
        "'plan' in materials",
        "form.kinds.all(kind, size(kind) == 2)",
    ] {
        assert!(said(yes), "{yes}: {:?}", compile(yes).map(drop));
    }
    // what is not there, or no truth, is no yes
    for no in ["form.pool", "form.pool == 1", "form.rooms", "form.rooms == '3'", "1/0 == 1", "!form.air"] {
        assert!(!said(no), "{no}");
    }
}

#[test]
fn what_is_no_condition_is_refused_before_it_runs() {
    let reason = |text: &str| compile(text).map(drop).unwrap_err();
    assert_eq!(reason("form.rooms =="), Wrong::Invalid);
    assert_eq!(reason("secrets.key == 1"), Wrong::Invalid);
    assert_eq!(reason(&format!("form.a == '{}'", "x".repeat(MOST))), Wrong::TooLong);
    assert_eq!(reason("form.a.all(x, form.a.all(y, x == y))"), Wrong::TooDeep);
    assert_eq!(reason("form.a.all(x, form.a.all(y, y))"), Wrong::TooDeep);
    assert_eq!(reason("form.a.all(x, x in form.a)"), Wrong::TooDeep);
    assert_eq!(reason("form.a.all(x, x == form.a)"), Wrong::TooDeep);
    assert_eq!(reason("form.text.matches(form.pattern)"), Wrong::TooDeep);
    assert_eq!(reason(&format!("{}true{}", "(".repeat(80), ")".repeat(80))), Wrong::TooDeep);
    assert_eq!(reason(&format!("{}true", "!".repeat(80))), Wrong::TooDeep);
    // conditions ask, they build nothing
    assert_eq!(reason("{'a': form.a}.a == 1"), Wrong::TooDeep);
}

proptest! {
    /// Whatever somebody writes: an answer, and never a panic.
    #[test]
    fn any_text_has_an_answer(text in "[a-z0-9.()\\[\\]{}'!&|=<>+*/%?:, -]{0,80}") {
        let _ = said(&text);
    }
}
