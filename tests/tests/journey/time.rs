//! What time does by itself.

use serde_json::{Value, json};
use yiwang_tests::town::Town;

use crate::main_job::{accept, hand_in, text};

/// 行政许可法 art. 32 ④: nobody said anything for five working days, so it is accepted as of the day of receipt.
pub async fn silence_for_five_working_days_is_acceptance(town: Town) -> anyhow::Result<()> {
    let id = hand_in(&town).await?;
    let path = format!("/v1/applications/{id}");
    let submitted = town.get("citizen", &path).await?;
    town.days_pass(20).await?;
    let accepted = town.until("citizen", &path, |application| !text(application, "caseNumber").is_empty()).await?;
    assert_eq!((text(&accepted, "phase"), &accepted["deemedAccepted"]), ("APPLICATION_PHASE_ACCEPTED", &json!(true)));
    assert_eq!(text(&accepted, "acceptedDate"), text(&submitted["acceptanceDue"], "startDate"));
    Ok(())
}

/// 行政许可法 art. 45: a test stops the clock, by leave of the supervision, and its applicant is told.
pub async fn a_test_stops_the_clock_and_its_applicant_is_told(town: Town) -> anyhow::Result<()> {
    let application = hand_in(&town).await?;
    let case = accept(&town, &application).await?;
    let path = format!("/v1/cases/{case}");
    let due = |case: &Value| text(&case["clock"]["legalDue"], "date").to_owned();
    let before = due(&town.get("reviewer", &path).await?);
    let ask = json!({"kind": "SPECIAL_KIND_OTHER", "name": "检测", "days": 10, "reason": "需要检测空气质量",
        "basis": "《公共场所卫生管理条例实施细则》第二十六条"});
    town.post("reviewer", &format!("{path}:requestProcedure"), ask).await?;
    let waiting = town.get("supervisor", "/v1/cases?procedure=PROCEDURE_STAGE_ASKED").await?;
    assert_eq!(waiting["cases"][0]["id"], case);
    let allow = json!({"number": 1, "verdict": "PROCEDURE_VERDICT_ALLOW"});
    let allowed = town.post("supervisor", &format!("{path}:decideProcedure"), allow).await?;
    assert!(due(&allowed) > before, "{allowed}");
    let told =
        |application: &Value| application["notices"][0]["text"].as_str().is_some_and(|text| text.contains("检测"));
    let seen = town.until("citizen", &format!("/v1/applications/{application}"), told).await?;
    let number = text(&seen["notices"][0], "documentNumber").to_owned();
    let papers = town.get("citizen", &format!("/v1/cases/{case}/documents")).await?;
    assert_eq!(papers["documents"][0]["number"], number, "{papers}");
    let end = json!({"number": 1, "findings": "空气质量合格"});
    let ended = town.post("reviewer", &format!("{path}:endProcedure"), end).await?;
    assert_eq!(due(&ended), before, "it ended on the day on which it began");
    Ok(())
}

/// A year that no notice settles yet: weekends alone, marked provisional, and computed anew when the year is loaded.
pub async fn a_date_beyond_the_calendar_is_provisional_until_the_year_is_loaded(town: Town) -> anyhow::Result<()> {
    town.time_comes("2035-02-01T09:00:00+08:00").await?;
    let case = accept(&town, &hand_in(&town).await?).await?;
    let path = format!("/v1/cases/{case}");
    let before = town.get("reviewer", &path).await?;
    let due = &before["clock"]["legalDue"];
    assert_eq!((&due["provisional"], &due["missingYears"]), (&json!(true), &json!([2035])), "{due}");
    town.run(&["calendar", "import", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journey/year_2035.csv")])?;
    let settled = |case: &Value| case["clock"]["legalDue"]["provisional"] != json!(true);
    let after = town.until("reviewer", &path, settled).await?;
    assert!(text(&after["clock"]["legalDue"], "date") > text(due, "date"), "the festival is counted now: {after}");
    Ok(())
}
