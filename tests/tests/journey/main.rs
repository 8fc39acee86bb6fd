//! The main job over the public API, in both shapes: one process on SQLite, a process a service on PostgreSQL.
#![allow(missing_docs)]

mod branches;
mod examination;
mod live;
mod main_job;
mod paths;
mod privacy;
mod telemetry;
mod time;

/// Services log every call, as an operator has them do who looks for something; by default only those that were refused.
fn every_call() -> [(&'static str, String); 1] {
    [("TELEMETRY__LEVEL", "info,sqlx=warn,yiwang_kit::stack=debug".to_owned())]
}

/// Each story runs in both shapes.
macro_rules! both_shapes {
    ($($module:ident: $($story:ident),+;)+) => {
        mod together { $($(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                crate::$module::$story(yiwang_tests::town::Town::together_with(&crate::every_call()).await?).await
            })+)+ }
        mod apart { $($(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                match yiwang_tests::town::Town::apart_with(&crate::every_call()).await? {
                    Some(town) => crate::$module::$story(town).await,
                    None => Ok(()),
                }
            })+)+ }
    };
}

both_shapes! {
    main_job: an_application_becomes_a_licence_and_is_evaluated, a_refusal_says_why_and_what_can_be_done,
        a_filing_is_recorded_on_the_spot, a_notice_is_published_and_listed,
        a_killed_process_loses_nothing_on_its_way;
    branches: what_is_missing_is_told_once_and_brought, intake_refuses_what_is_another_organs, a_withdrawal_reaches_the_case,
        a_cancelled_licence_verifies_as_cancelled, a_promise_is_granted_at_once_and_checked_later;
    examination: an_examination_goes_in_the_steps_of_its_list;
    time: silence_for_five_working_days_is_acceptance, a_test_stops_the_clock_and_its_applicant_is_told, a_date_beyond_the_calendar_is_provisional_until_the_year_is_loaded;
    privacy: planted_numbers_are_nowhere_in_clear, a_staff_reading_leaves_an_entry, an_erased_person_is_erased_everywhere;
    live: progress_is_followed_as_it_happens;
    paths: one_trace_id_goes_all_the_way, the_ledgers_verify;
}

mod one_shape {
    use yiwang_tests::town::Town;

    #[tokio::test]
    async fn a_collector_sees_one_trace_over_http_two_hops_and_a_relay() -> anyhow::Result<()> {
        crate::telemetry::a_collector_sees_one_trace_over_http_two_hops_and_a_relay().await
    }

    #[tokio::test]
    async fn what_an_operator_asks_first_has_a_metric() -> anyhow::Result<()> {
        crate::telemetry::what_an_operator_asks_first_has_a_metric().await
    }

    #[tokio::test]
    async fn a_ledger_changed_by_hand_does_not_verify() -> anyhow::Result<()> {
        match Town::apart().await? {
            Some(town) => crate::paths::a_ledger_changed_by_hand_does_not_verify(town).await,
            None => Ok(()),
        }
    }

    #[tokio::test]
    async fn my_affairs_are_partial_while_a_service_is_away() -> anyhow::Result<()> {
        match Town::apart().await? {
            Some(town) => crate::paths::my_affairs_are_partial_while_a_service_is_away(town).await,
            None => Ok(()),
        }
    }
}
