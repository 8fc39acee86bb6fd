//! A list whose examination goes in steps, from its draft to the decision.

use serde_json::{Value, json};
use yiwang_tests::town::Town;

use crate::main_job::{applicant, case_of, text};

const BASIC: &str = "511A9915500001";
const ITEM: &str = "511A9915500001-511602000000-000-115113016823646795-1-00";

/// 资料审查 and 现场核查 side by side, the second for large premises alone; then 复审.
fn elements() -> Value {
    let steps = json!([
        {"code": "papers", "name": "资料审查"},
        {"code": "site", "name": "现场核查", "when": "form.area > 500"},
        {"code": "experts", "name": "专家评审", "when": "form.area > 5000"},
        {"code": "again", "name": "复审", "after": ["papers", "site", "experts"]},
    ]);
    let limit = |days: i32, basis: &str| json!({"days": days, "basis": basis, "source": "LIMIT_SOURCE_STATUTE"});
    json!({
        "caseKind": "CASE_KIND_PROMISED",
        "legalLimit": limit(20, "《行政许可法》第四十二条"), "promisedLimit": limit(8, "本机关承诺"),
        "conditions": [{"text": "有固定场所", "basis": "《公共场所卫生管理条例》第四条"}],
        "materials": [{"code": "plan", "name": "平面布局图", "originals": 1,
            "basis": "《公共场所卫生管理条例实施细则》第二十三条"}],
        "result": {"kind": "RESULT_KIND_DOCUMENT", "name": "批准文件"},
        "formSchema": r#"{"type":"object"}"#, "rules": "licensing",
        "remedies": "可以自知道该决定之日起六十日内申请行政复议，或者六个月内提起行政诉讼。",
        "details": {
            "quantity": "无", "served": ["SERVED_GROUP_PERSON"], "channels": ["CHANNEL_WINDOW", "CHANNEL_WEB"],
            "onlineDepth": "ONLINE_DEPTH_IV", "enquiries": "0826-2222222", "complaints": "12345",
            "places": [{"name": "区政务服务中心", "address": "广安区金安大道", "hours": "工作日9:00至17:00"}],
            "handling": {"reviewSteps": steps},
        },
    })
}

/// Through the directory, the claim and every review, into the catalogue.
async fn published(town: &Town) -> anyhow::Result<()> {
    let basic = json!({"name": "大型公共场所卫生许可", "itemType": "ITEM_TYPE_LICENSING",
        "bases": ["《公共场所卫生管理条例》第四条"], "process": ["受理", "审查", "决定", "送达"],
        "levels": ["LEVEL_COUNTY"]});
    town.post("directory", &format!("/v1/basic-items/{BASIC}:publish"), basic).await?;
    let claim = json!({"itemCode": ITEM, "department": "区行政审批局", "departmentCode": "115113016823646795",
        "regionCode": "511602000000", "level": "LEVEL_COUNTY"});
    let draft = town.post("editor", &format!("/v1/basic-items/{BASIC}:claim"), claim).await?;
    let path = |act: &str| format!("/v1/item-drafts/{}:{act}", text(&draft, "id"));
    town.post("editor", &path("save"), json!({"elements": elements()})).await?;
    town.post("editor", &path("submit"), json!({})).await?;
    let passed = json!({"passed": true, "opinion": "符合要求"});
    town.post("item_reviewer", &path("review"), passed.clone()).await?;
    town.post("legality", &path("check-legality"), passed).await?;
    let risks =
        json!({"passed": true, "opinion": "风险可控", "risks": [{"text": "自由裁量", "measure": "两人以上审查"}]});
    town.post("risk", &path("check-risks"), risks).await?;
    town.post("admin", &path("publish"), json!({})).await?;
    Ok(())
}

fn open(case: &Value) -> Vec<&str> {
    let steps = case["reviewSteps"].as_array().into_iter().flatten();
    steps.filter(|step| step["standing"] == "STEP_STANDING_OPEN").map(|step| text(step, "name")).collect()
}

pub async fn an_examination_goes_in_the_steps_of_its_list(town: Town) -> anyhow::Result<()> {
    published(&town).await?;
    let draft = json!({"itemCode": ITEM, "applicant": applicant(), "form": {"area": 860}});
    let id = text(&town.post("citizen", "/v1/applications", draft).await?, "id").to_owned();
    town.upload("citizen", &id, "plan", "a paper").await?;
    town.post("citizen", &format!("/v1/applications/{id}:submit"), json!({})).await?;
    let accepted = town.post("clerk", &format!("/v1/applications/{id}:accept"), json!({})).await?;
    let path = format!("/v1/cases/{}", case_of(&town, "reviewer", text(&accepted, "caseNumber")).await?);
    let review = |step: &str| json!({"recommendation": "OUTCOME_GRANT", "opinion": "合格", "stepCode": step});
    assert_eq!(open(&town.get("reviewer", &path).await?), ["资料审查", "现场核查"]);
    let post = json!({"account": "staff:reviewer", "name": "陈志强", "duties": ["POST_DUTY_REVIEW"]});
    town.post("head", "/v1/rosters/115113016823646795:setPost", post).await?;
    town.post("reviewer", &format!("{path}:claimTask"), json!({"stepCode": "papers"})).await?;
    let give = json!({"stepCode": "site", "account": "staff:reviewer"});
    town.post("head", &format!("{path}:assignTask"), give).await?;
    let mine = town.get("reviewer", "/v1/cases?holder=me").await?;
    assert_eq!(mine["cases"][0]["tasks"][1]["holder"]["id"], "staff:reviewer", "{mine}");
    town.post("reviewer", &format!("{path}:review"), review("papers")).await?;
    let waiting = town.get("reviewer", &format!("/v1/cases?itemCode={ITEM}&stepCode=site")).await?;
    assert_eq!(waiting["cases"][0]["openSteps"], json!(["现场核查"]), "{waiting}");
    town.post("reviewer", &format!("{path}:review"), review("site")).await?;
    town.post("reviewer", &format!("{path}:review"), review("")).await?;
    let back = json!({"stepCode": "site", "reason": "现场照片不清"});
    let back = town.post("approver", &format!("{path}:return"), back).await?;
    assert_eq!(open(&back), ["现场核查"]);
    town.post("reviewer", &format!("{path}:review"), review("site")).await?;
    town.post("reviewer", &format!("{path}:review"), review("again")).await?;
    let granted = town.post("approver", &format!("{path}:decide"), json!({"outcome": "OUTCOME_GRANT"})).await?;
    assert_eq!(text(&granted, "phase"), "CASE_PHASE_GRANTED");
    let seen = town.get("citizen", &path).await?;
    assert!(seen["returns"].as_array().is_none_or(Vec::is_empty), "{seen}");
    Ok(())
}
