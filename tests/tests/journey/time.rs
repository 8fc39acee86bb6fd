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
