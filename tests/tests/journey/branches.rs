//! The ways on which an application leaves the straight road.

use serde_json::{Value, json};
use yiwang_tests::town::Town;

use crate::main_job::{accept, applicant, begin, case_of, grant, hand_in, text};

const FIRE: &str = "511A0021300001-511602000000-000-11511300MB1A21304N-1-00";

/// 行政许可法 art. 32 ④: all points at once, and only once.
pub async fn what_is_missing_is_told_once_and_brought(town: Town) -> anyhow::Result<()> {
    let id = begin(&town, &["identity", "floor_plan"]).await?;
    town.post("citizen", &format!("/v1/applications/{id}:submit"), json!({})).await?;
    let correction = format!("/v1/applications/{id}:requestCorrection");
    let point = |material: &str| json!({"materialCode": material, "text": "缺少该材料"});
    let points = json!({"points": [point("test_report"), point("hygiene_system")]});
    let told = town.post("clerk", &correction, points.clone()).await?;
    assert_eq!(text(&told, "phase"), "APPLICATION_PHASE_CORRECTION_REQUESTED");
    for material in ["test_report", "hygiene_system"] {
        town.upload("citizen", &id, material, "a paper").await?;
    }
    town.post("citizen", &format!("/v1/applications/{id}:resubmit"), json!({"note": "已补齐"})).await?;
    let again = town.post("clerk", &correction, points).await.unwrap_err().to_string();
    assert!(again.contains("ALREADY_TOLD_ONCE"), "{again}");
    let case = accept(&town, &id).await?;
    assert_eq!(text(&town.get("citizen", &format!("/v1/cases/{case}")).await?, "phase"), "CASE_PHASE_OPEN");
    Ok(())
}

/// Art. 32 ②: who is not competent says who is, and what can be done against it.
pub async fn intake_refuses_what_is_another_organs(town: Town) -> anyhow::Result<()> {
    let id = hand_in(&town).await?;
    let refuse = format!("/v1/applications/{id}:refuse");
    let ground = json!({"ground": "REFUSAL_GROUND_NOT_OUR_AUTHORITY", "reason": "经营场所在前锋区，不属本机关职权"});
    let silent = town.post("clerk", &refuse, ground.clone()).await.unwrap_err().to_string();
    assert!(silent.contains("competent_organ"), "{silent}");
    let mut full = ground;
    full["competentOrgan"] = json!("前锋区行政审批局");
    let refused = town.post("clerk", &refuse, full).await?;
    assert_eq!(text(&refused, "phase"), "APPLICATION_PHASE_REFUSED");
    assert!(refused["refusal"].to_string().contains("行政复议"), "{}", refused["refusal"]);
    Ok(())
}

/// 撤回: before acceptance it ends the application, after it the case as well.
pub async fn a_withdrawal_reaches_the_case(town: Town) -> anyhow::Result<()> {
    let (early, late) = (hand_in(&town).await?, hand_in(&town).await?);
    let withdrawn = town.post("citizen", &format!("/v1/applications/{early}:withdraw"), json!({})).await?;
    assert_eq!(text(&withdrawn, "phase"), "APPLICATION_PHASE_WITHDRAWN");
    let case = accept(&town, &late).await?;
    town.post("citizen", &format!("/v1/applications/{late}:withdraw"), json!({"reason": "不办了"})).await?;
    let ended = |case: &Value| text(case, "phase") == "CASE_PHASE_WITHDRAWN";
    town.until("citizen", &format!("/v1/cases/{case}"), ended).await?;
    Ok(())
}

/// 注销: the signature still holds, and the answer says that the licence does not.
pub async fn a_cancelled_licence_verifies_as_cancelled(town: Town) -> anyhow::Result<()> {
    let granted = grant(&town, &accept(&town, &hand_in(&town).await?).await?).await?;
    let path = format!("/v1/licenses/{}", text(&granted["result"], "licenseId"));
    let license = town.get("citizen", &path).await?;
    let cause = json!({"cause": "CANCEL_CAUSE_OTHER_BY_LAW", "reason": "持证人申请停业注销"});
    town.post("approver", &format!("{path}:cancel"), cause).await?;
    let verify = json!({"payload": license["payload"], "signature": license["signature"]});
    let verified = town.api().post("/v1/licenses:verify", &verify).await?.body;
    assert_eq!((&verified["valid"], &verified["signatureValid"]), (&json!(false), &json!(true)), "{verified}");
    assert_eq!(text(&verified, "status"), "LICENSE_STATUS_CANCELLED");
    Ok(())
}

/// 告知承诺 (消防法 art. 15): granted on complete papers and a signed promise, checked afterwards.
pub async fn a_promise_is_granted_at_once_and_checked_later(town: Town) -> anyhow::Result<()> {
    let form = json!({
        "premises_name": "云溪客栈", "premises_address": "广安区滨江路88号", "premises_kind": "宾馆饭店",
        "area_square_metres": 860, "floors": "地上1至4层", "automatic_sprinklers": true, "fire_safety_manager": "张建国"
    });
    let draft = json!({"itemCode": FIRE, "applicant": applicant(), "form": form});
    let id = text(&town.post("citizen", "/v1/applications", draft).await?, "id").to_owned();
    for material in ["identity", "fire_system", "layout"] {
        town.upload("citizen", &id, material, "a paper").await?;
    }
    town.post("citizen", &format!("/v1/applications/{id}:submit"), json!({"signPromise": true})).await?;
    let accepted = town.post("clerk", &format!("/v1/applications/{id}:accept"), json!({})).await?;
    let case = case_of(&town, "fire_reviewer", text(&accepted, "caseNumber")).await?;
    let grant = json!({"outcome": "OUTCOME_GRANT", "reasons": "材料齐全"});
    let granted = town.post("fire_approver", &format!("/v1/cases/{case}:decide"), grant).await?;
    assert!(!granted["followUp"]["due"].is_null(), "{granted}");
    let found = json!({"outcome": "CHECK_OUTCOME_PASSED", "findings": "现场与承诺一致"});
    let checked = town.post("fire_reviewer", &format!("/v1/cases/{case}:check"), found).await?;
    assert_eq!(text(&checked["followUp"], "findings"), "现场与承诺一致");
    Ok(())
}
