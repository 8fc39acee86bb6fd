//! What expressions may be, and what they say.

use proptest::prelude::*;
use serde_json::json;
use yiwang_intake::standard::cel::{About, MOST, Wrong, compile, holds};

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

/// The costliest conditions that somebody may think of, about the costliest form: refused, or done within the bound. Without it the
/// texts and lists of 40 kB below would be gone through ten thousand times over.
#[test]
fn the_worst_condition_that_is_taken_is_done_in_time() {
    let words = |count: usize| (0..count).map(|_| "a").collect::<Vec<_>>();
    let form = json!({"t": "a".repeat(20_000), "a": words(5_000), "n": [1]});
    assert!(form.to_string().len() <= yiwang_intake::application::MAX_FORM_BYTES);
    let many = |one: &str, between: &str| {
        let count = (MOST - 30) / (one.len() + between.len());
        vec![one; count.min(20)].join(between)
    };
    let in_loop = |one: &str| format!("form.a.all(x, {})", many(one, "&&"));
    let taken = [
        in_loop("size(x)>0"),
        in_loop("x<=form.t"),
        in_loop("x.contains('a')"),
        in_loop("x=='a'"),
        in_loop("form.t!='b'"),
        in_loop("x in ['a','b']"),
        format!("size(form.a.filter(x, {}))>0", many("x=='a'", "&&")),
        format!("size(form.a.map(x, {}))>0", many("x", "+")),
        format!("[{}].all(x, {})", many("form.t", ","), many("size(x)>0", "&&")),
        many("'b' in form.a", "||"),
        many("form.t.contains('b')", "||"),
        many("form.t.matches('(a|a)*b')", "||"),
        format!("size({})>0", many("form.t", "+")),
    ];
    let about = About { form: &form, applicant: "company", materials: &[] };
    let mut times = Vec::new();
    for expression in &taken {
        assert!(compile(expression).is_ok(), "{expression}");
        let begun = tokio::time::Instant::now();
        let _ = holds(expression, &about);
        let taken = begun.elapsed();
        times.push(format!("{} ms {}", taken.as_millis(), expression.chars().take(60).collect::<String>()));
        assert!(taken < std::time::Duration::from_secs(5), "{times:#?}");
    }
    let refused = [
        "size(form.t)>0",
        "form.t<=form.t",
        "form.t.contains('b')",
        "'b' in form.a",
        "x in [form.t]",
        "form.t+form.t=='a'",
    ];
    for one in refused {
        assert_eq!(compile(&format!("form.a.all(x, {one})")).map(drop), Err(Wrong::TooDeep), "{one}");
    }
    assert_eq!(compile("size(form.a.map(x, form.t+form.t))>0").map(drop), Err(Wrong::TooDeep));
}

/// What overflowed the parser's stack once, and what goes down further still.
#[test]
fn a_text_that_goes_deep_is_refused() {
    let found = "=>]=+[2%&b=:>[%{{[!]{{[v[ 6><![?q[?<t<7%]<[/<[4%- ]!<?!h*{ {[ h=([y[6 /1[?{";
    let ternary = format!("{}true", "true?true:".repeat(48));
    let brackets = "[".repeat(60);
    for text in [found, &ternary, &brackets] {
        assert!(compile(text).is_err(), "{text}");
    }
}

proptest! {
    /// Whatever somebody writes: an answer, and never a panic.
    #[test]
    fn any_text_has_an_answer(text in "[a-z0-9.()\\[\\]{}'!&|=<>+*/%?:, -]{0,80}") {
        let _ = said(&text);
    }
}
