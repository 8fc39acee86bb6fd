//! From the form to the licence and its evaluation.

use serde_json::{Value, json};
use yiwang_tests::town::Town;

pub const HYGIENE: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";
const FILING: &str = "513A0102900001-511602000000-000-11511301MB051073XA-1-00";
/// The citizen's name and number, as his token has them.
pub const NAME: &str = "张建国";
pub const NUMBER: &str = "511602198503120016";
pub const PHONE: &str = "13800138000";

pub fn applicant() -> Value {
    json!({"name": NAME, "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": NUMBER, "phone": PHONE})
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// A draft for a hygiene permit with these papers.
pub async fn begin(town: &Town, papers: &[&str]) -> anyhow::Result<String> {
    let form = json!({
        "premises_name": "云溪客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿",
        "area_square_metres": 860, "staff_count": 12
    });
    let draft = json!({"itemCode": HYGIENE, "applicant": applicant(), "form": form});
    let id = text(&town.post("citizen", "/v1/applications", draft).await?, "id").to_owned();
    for material in papers {
        town.upload("citizen", &id, material, "a paper").await?;
    }
    Ok(id)
}

/// A hygiene permit's application with every paper, handed in.
pub async fn hand_in(town: &Town) -> anyhow::Result<String> {
    let id = begin(town, &["identity", "floor_plan", "test_report", "hygiene_system"]).await?;
    town.post("citizen", &format!("/v1/applications/{id}:submit"), json!({})).await?;
    Ok(id)
}

/// Accepted; the id of its case, once it has arrived.
pub async fn accept(town: &Town, application: &str) -> anyhow::Result<String> {
    let accepted = town.post("clerk", &format!("/v1/applications/{application}:accept"), json!({})).await?;
    case_of(town, "reviewer", text(&accepted, "caseNumber")).await
}

/// The case with that number, as an officer of its organ finds it.
pub async fn case_of(town: &Town, officer: &str, number: &str) -> anyhow::Result<String> {
    assert!(!number.is_empty());
    let path = format!("/v1/cases?caseNumber={number}");
    let found = town.until(officer, &path, |cases| !cases["cases"][0].is_null()).await?;
    Ok(text(&found["cases"][0], "id").to_owned())
}

pub async fn grant(town: &Town, case: &str) -> anyhow::Result<Value> {
    let review = json!({"recommendation": "OUTCOME_GRANT", "opinion": "合格"});
    town.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
    let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
    town.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
    let path = format!("/v1/cases/{case}");
    town.until("citizen", &path, |case| !text(&case["result"], "licenseId").is_empty()).await
}

/// The citizen's affairs, once one service waits for his judgement.
pub async fn has_a_right(town: &Town) -> anyhow::Result<Value> {
    let one =
        |affairs: &Value| affairs["pendingEvaluations"]["rights"].as_array().is_some_and(|rights| rights.len() == 1);
    town.until("citizen", "/v1/me/affairs", one).await
}

pub async fn an_application_becomes_a_licence_and_is_evaluated(town: Town) -> anyhow::Result<()> {
    let case = accept(&town, &hand_in(&town).await?).await?;
    let granted = grant(&town, &case).await?;
    let license = town.get("citizen", &format!("/v1/licenses/{}", text(&granted["result"], "licenseId"))).await?;
    assert_eq!(text(&license, "status"), "LICENSE_STATUS_VALID");
    let verify = json!({"payload": license["payload"], "signature": license["signature"]});
    assert_eq!(town.api().post("/v1/licenses:verify", &verify).await?.body["valid"], true);
    assert_eq!(has_a_right(&town).await?["complete"], true);
    let evaluation =
        json!({"caseNumber": granted["caseNumber"], "serviceNumber": 1, "satisfaction": "SATISFACTION_SATISFIED"});
    town.post("citizen", "/v1/evaluations", evaluation.clone()).await?;
    let again = town.post("citizen", "/v1/evaluations", evaluation).await.unwrap_err().to_string();
    assert!(again.contains("RIGHT_USED"), "{again}");
    Ok(())
}

pub async fn a_refusal_says_why_and_what_can_be_done(town: Town) -> anyhow::Result<()> {
    let case = accept(&town, &hand_in(&town).await?).await?;
    let review = json!({"recommendation": "OUTCOME_REFUSE", "opinion": "客房通风不合格"});
    town.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
    let decision = json!({"outcome": "OUTCOME_REFUSE", "reasons": "客房通风不符合卫生标准"});
    let refused = town.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
    assert_eq!(text(&refused, "phase"), "CASE_PHASE_REFUSED");
    let remedies = text(&refused["decision"], "remedies");
    assert!(remedies.contains("行政复议") && remedies.contains("行政诉讼"), "{remedies}");
    assert!(town.get("citizen", "/v1/licenses").await?["licenses"].as_array().is_none_or(Vec::is_empty));
    Ok(())
}

/// 备案: recorded on the spot; what comes out is a receipt, not a licence.
pub async fn a_filing_is_recorded_on_the_spot(town: Town) -> anyhow::Result<()> {
    let guide = town.get("citizen", &format!("/v1/items/{FILING}")).await?;
    let schema: Value = serde_json::from_str(text(&guide, "formSchema"))?;
    let draft = json!({"itemCode": FILING, "applicant": applicant(), "form": filled(&schema)});
    let id = text(&town.post("citizen", "/v1/applications", draft).await?, "id").to_owned();
    for material in guide["materials"].as_array().into_iter().flatten() {
        if material["onlineForm"] != true {
            town.upload("citizen", &id, text(material, "code"), "a paper").await?;
        }
    }
    town.post("citizen", &format!("/v1/applications/{id}:submit"), json!({})).await?;
    town.post("clerk", &format!("/v1/applications/{id}:accept"), json!({})).await?;
    let path = format!("/v1/cases?applicationId={id}&mine=true");
    let done = town.until("citizen", &path, |cases| !text(&cases["cases"][0], "resultNumber").is_empty()).await?;
    assert_eq!(text(&done["cases"][0], "phase"), "CASE_PHASE_GRANTED");
    assert!(town.get("citizen", "/v1/licenses").await?["licenses"].as_array().is_none_or(Vec::is_empty));
    Ok(())
}

/// The smallest form that a schema takes.
fn filled(schema: &Value) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required
        .map(|name| {
            let field = &schema["properties"][name];
            let value = match (field["enum"][0].clone(), text(field, "type")) {
                (Value::Null, "string") if field["pattern"].is_string() => json!(PHONE),
                (Value::Null, "string") if field["format"] == "date" => json!("2026-01-01"),
                (Value::Null, "string") => json!("示例内容一二三"),
                (Value::Null, "boolean") => json!(true),
                (Value::Null, "array") => json!([field["items"]["enum"][0]]),
                (Value::Null, _) => field.get("minimum").cloned().unwrap_or(json!(10)),
                (first, _) => first,
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// 招标投标法 art. 24: at least twenty days from the issue to the deadline.
pub async fn a_notice_is_published_and_listed(town: Town) -> anyhow::Result<()> {
    let now = town.api().get("/v1/dev/clock").await?.body;
    let notice = |deadline: &str| {
        json!({
            "title": "滨江路排水改造工程施工招标公告", "tradeClass": "TRADE_CLASS_CONSTRUCTION", "kind": "NOTICE_KIND_TENDER",
            "content": "滨江路排水改造工程已具备招标条件，现公开招标。", "projectCode": "GA-2026-001", "tenderer": "广安区住建局", "regionCode": "511602000000",
            "bidDeadlineTime": deadline
        })
    };
    let short = town.post("trader", "/v1/notices", notice(text(&now, "legalTime"))).await.unwrap_err().to_string();
    assert!(short.contains("PERIOD") || short.contains("DEADLINE"), "{short}");
    let published = town.post("trader", "/v1/notices", notice("2026-06-15T09:00:00Z")).await?;
    let listed = town.api().get("/v1/notices").await?.body;
    assert_eq!(text(&listed["notices"][0], "id"), text(&published, "id"));
    Ok(())
}

/// SIGKILL at every turn between acceptance and evaluation: the case arrives, once.
pub async fn a_killed_process_loses_nothing_on_its_way(mut town: Town) -> anyhow::Result<()> {
    let application = hand_in(&town).await?;
    let accepted = town.post("clerk", &format!("/v1/applications/{application}:accept"), json!({})).await?;
    town.strike(&["intake", "approval"]).await?;
    let case = case_of(&town, "reviewer", text(&accepted, "caseNumber")).await?;
    let review = json!({"recommendation": "OUTCOME_GRANT", "opinion": "合格"});
    town.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
    town.strike(&["approval"]).await?;
    let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
    town.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
    town.strike(&["license", "evaluation", "approval"]).await?;
    let path = format!("/v1/cases/{case}");
    town.until("citizen", &path, |case| !text(&case["result"], "licenseId").is_empty()).await?;
    let affairs = has_a_right(&town).await?;
    let count = |section: &str| affairs[section][section].as_array().map_or(0, Vec::len);
    assert_eq!((count("applications"), count("cases"), count("licenses")), (1, 1, 1));
    Ok(())
}
