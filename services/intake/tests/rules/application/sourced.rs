//! 免填: whatever is fetched, typed and disputed in whatever order, the form says what its source says, or what somebody answers for.

use serde_json::{Map, Value, json};
use yiwang_intake::catalogue::facts::Fetch;
use yiwang_intake::fetching::{Answer, Disputable, Found, Missed, Taken, Wanted};
use yiwang_intake::form;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Found(u8),
    Nothing(u8),
    Type(Option<u8>),
    Dispute(bool),
    Prefill,
    Another(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3u8).prop_map(Act::Found),
        2 => (0..3u8).prop_map(Act::Nothing),
        4 => proptest::option::of(0..3u8).prop_map(Act::Type),
        2 => any::<bool>().prop_map(Act::Dispute),
        1 => Just(Act::Prefill),
        1 => any::<bool>().prop_map(Act::Another),
    ]
}

fn facts() -> ItemFacts {
    let schema = r#"{"type":"object","properties":{"area":{"type":"integer","x-source":"department.D.area"}}}"#;
    ItemFacts { form_schema: schema.into(), ..super::facts() }
}

fn wanted() -> Wanted {
    let taken = Taken { field: "area".into(), of: "area".into(), schema: json!({"type": "integer"}) };
    Wanted { fields: vec![taken], ..Wanted::material("permit", Fetch::Department("D".into())) }
}

fn found(area: u8) -> Answer {
    let fields: Map<String, Value> = [("area".to_owned(), json!(area))].into_iter().collect();
    let (reference, title) = (format!("R{area}"), "证".to_owned());
    Answer::Found(Found { reference, title, issuer: "D".into(), valid_to: None, fields })
}

fn said(app: &Application) -> Option<Value> {
    let form: Value = serde_json::from_str(app.form.as_ref()?.get()?).ok()?;
    form.get("area").cloned()
}

impl World {
    fn carry(&mut self, act: &Act) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        let (by, cx) = (citizen(), self.cx());
        let decision = match act {
            Act::Found(area) => answered(&self.app, None, &wanted(), &found(*area), &by, &cx),
            Act::Nothing(why) => {
                let why = [Missed::NoRecord, Missed::NoSource, Missed::GivenUp][usize::from(*why)];
                answered(&self.app, None, &wanted(), &Answer::Missed(why), &by, &cx)
            }
            Act::Type(area) => {
                let fields = [("area".to_owned(), area.map_or(Value::Null, |area| json!(area)))].into_iter().collect();
                save_fields(&self.app, &facts(), &Save { fields, seen: self.version }, &by, &cx)
            }
            Act::Dispute(field) => {
                let what = match field {
                    true => Disputable::Field("area".into()),
                    false => Disputable::Material("permit".into()),
                };
                dispute(&self.app, &what, &Personal::new(&subject('a'), "dispute.reason", "有误"), &by, &cx)
            }
            Act::Prefill => prefill(&self.app, &facts(), &by, &cx),
            Act::Another(second) => {
                let other = party(if *second { 'b' } else { 'a' });
                update(&self.app, &facts(), &Update { applicant: Change::Set(other), ..Update::default() }, &by, &cx)
            }
        };
        self.take(decision)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_form_says_what_its_source_says_or_somebody_answers_for_it(acts in proptest::collection::vec(act(), 1..30)) {
        let mut world = World::new().draft();
        for act in acts {
            let before = world.app.clone();
            let done = world.carry(&act);
            let app = &world.app;
            // what binds is what the form says, unless it says nothing
            prop_assert!(form::check_fetched(app).is_ok(), "{act:?}: {:?}", said(app));
            let source = app.sourced().get("area").cloned();
            prop_assert!(source.is_none() || said(app).is_none_or(|said| Some(said) == source), "{act:?}");
            // only what was typed, or what the source says now, stands there
            if let (Act::Found(area), Ok(_)) = (&act, &done) {
                prop_assert!(app.disputes_field("area") || said(app) == Some(json!(area)) || said(&before) == said(app));
            }
            // what is wrong or not there is handed in, and nothing else
            let nothing = app.fetched.get("permit").is_some_and(Option::is_none);
            let wrong = app.disputed.iter().any(|one| one.what == Disputable::Material("permit".into()));
            prop_assert_eq!(app.brings("permit"), nothing || wrong);
            prop_assert_eq!(nothing, app.unfetched.contains_key("permit"));
            // who is another has nothing of the first
            if matches!(act, Act::Another(_)) && done.is_ok() && before.applicant.as_ref().map(|p| &p.subject) != app.applicant.as_ref().map(|p| &p.subject) {
                prop_assert!(app.fetched.is_empty() && app.disputed.is_empty() && app.sourced().is_empty());
            }
            // asked again and answered the same, nothing is written
            if let (Act::Found(_) | Act::Nothing(_), Ok(_)) = (&act, &done) {
                let mut again = world.clone();
                prop_assert_eq!(again.carry(&act).expect("an answer is never refused").len(), 0);
            }
        }
    }
}
