//! The ledger's contract: every promise and every trap, a plain function each, over both engines. PostgreSQL takes part
//! where `YIWANG_TEST_POSTGRES_URL` is set, as `tests/run` does.
#![allow(missing_docs, clippy::unwrap_used)]

mod evidence;
mod feed;
mod personal;
mod read;
mod relay;
mod request;
mod resume;
mod store;
mod timer;
mod unique;
mod wire;
mod world;
mod write;

use std::collections::BTreeSet;

/// Each case runs on SQLite and on PostgreSQL.
macro_rules! both {
    ($($module:ident: $($case:ident),+;)+) => {
        mod sqlite { $(mod $module { $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { crate::$module::$case(crate::world::World::sqlite().await).await })+ })+ }
        mod postgres { $(mod $module { $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { if let Some(world) = crate::world::World::postgres().await { crate::$module::$case(world).await } })+ })+ }
    };
}

/// These need several processes on one database, which SQLite does not have.
macro_rules! postgres_alone {
    ($($module:ident: $($case:ident),+;)+) => {
        mod replicas { $(mod $module { $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { if let Some(world) = crate::world::World::postgres().await { crate::$module::$case(world).await } })+ })+ }
    };
}

both! {
    write: an_acknowledged_command_is_there_after_a_restart, nothing_is_answered_before_the_commit,
        commands_of_one_stream_are_decided_one_after_another, a_refusal_writes_nothing, a_bad_command_never_fails_its_neighbours,
        what_was_thought_new_is_decided_on_as_it_stands, all_who_begin_one_stream_at_once_count,
        a_beginning_whose_caller_left_runs_to_its_verdict, a_stream_of_another_kind_is_not_there_to_be_written, a_character_that_no_store_takes_is_refused,
        a_panicking_rule_is_an_error_of_its_own_command, a_panicking_aggregate_is_an_error_of_its_own_command,
        time_never_runs_back_within_a_stream, a_stale_version_is_refused,
        an_oversized_entry_is_refused, an_oversized_state_is_refused, a_passed_deadline_is_not_decided,
        a_command_whose_caller_left_runs_to_its_verdict, a_full_queue_refuses_before_deciding,
        a_large_state_is_not_rewritten_each_time, a_stream_of_one_entry_is_told_by_it, what_was_begun_is_decided_on_as_it_was_kept, another_schema_folds_anew, an_older_event_is_read_in_its_new_shape,
        an_unknown_event_makes_one_stream_unreadable_and_no_other, a_refusal_in_flight_waits_for_what_it_was_decided_on;
    request: the_same_request_replays_the_first_answer, a_replay_answers_as_of_then, another_command_with_the_id_is_refused,
        concurrent_duplicates_have_one_effect, another_command_with_an_id_in_flight_is_refused,
        a_replay_is_found_though_the_rule_would_refuse_now,
        a_replay_is_found_though_it_would_be_too_large_now,
        a_replayed_creation_answers_the_first_stream, the_same_id_of_another_principal_is_another_request,
        one_request_on_two_new_streams_has_one_effect, a_malformed_id_is_refused,
        a_request_survives_a_restart;
    unique: a_taken_key_is_refused_by_its_scope, a_released_key_is_free, two_claims_of_one_batch_have_one_winner,
        what_was_decided_behind_a_loser_is_decided_again, a_key_moves_within_one_batch;
    feed: it_is_dense_complete_and_in_order, who_follows_finds_what_the_store_has, a_gap_halts, a_rewound_ledger_halts, a_reader_is_woken;
    relay: it_delivers_each_entry_in_order, who_tells_people_begins_with_what_comes,
        who_tells_people_misses_nothing_of_a_ledger_that_begins, a_stream_that_fails_is_parked_and_the_others_go_on, a_refused_entry_waits_for_a_person, parked_streams_are_read_page_by_page,
        it_goes_on_where_it_was_after_a_restart, who_stops_in_order_says_how_far_it_has_come, what_is_in_hand_is_waited_for, a_poison_entry_is_parked, a_gap_halts_it_for_everybody_to_see,
        a_process_that_stops_lets_go_of_its_leases;
    resume: a_rewound_ledger_halts_a_relay_until_an_operator_has_it_go_on, a_store_restored_beneath_a_running_relay_halts_it,
        a_relay_that_is_well_is_not_resumed, what_the_operator_saw_must_still_be_so, nobody_resumes_a_relay_that_is_not_there,
        a_relay_delivers_again_since_a_time, a_stream_that_waits_further_on_is_come_to_again, a_restored_ledger_begins_an_epoch;
    personal: it_is_sealed_in_the_store, it_reads_as_erased_once_the_key_is_gone, an_erased_person_may_come_back,
        erasure_breaks_no_chain, a_sealed_value_does_not_open_elsewhere, what_stays_is_sealed_for_every_version, it_cannot_leave_by_accident, sealed_bytes_open_for_their_place_only,
        a_reading_leaves_an_entry, an_erased_value_is_not_sealed_again, a_store_of_another_wrapping_key_is_refused,
        a_store_of_another_look_up_key_is_refused, a_new_wrapping_key_wraps_anew_and_seals_nothing_anew;
    read: a_list_shows_what_single_reads_would, what_is_read_is_never_older_than_the_store, a_list_shows_what_is_kept_only_as_it_stands,
        who_gives_up_a_reading_holds_up_nobody, a_key_that_has_moved_is_found_where_it_is, what_is_kept_of_then_is_that_of_its_version, pages_neither_skip_nor_repeat, a_foreign_page_token_is_refused,
        a_page_token_changed_by_hand_is_refused, what_cannot_be_stored_is_not_found,
        a_page_size_out_of_range_is_refused, filters_narrow_a_list, which_list_is_walked_does_not_show, lists_sort_by_bytes, a_search_prefers_rare_words,
        a_record_is_found_by_its_key, a_state_of_then_is_read_from_the_stored_one_where_that_is_no_younger,
        a_stream_of_another_kind_is_not_found;
    evidence: a_store_that_is_not_there_is_not_made_by_looking, every_chain_verifies, a_changed_body_is_found, a_removed_entry_is_found, a_cut_off_tail_is_found, a_forged_record_is_found,
        a_record_put_back_to_an_earlier_version_is_found,
        what_is_derived_can_be_computed_from_entries_alone, what_is_forged_in_derived_rows_shows_and_is_mended,
        a_rebuild_that_is_cut_off_changes_nothing,
        an_archived_body_breaks_no_chain_and_comes_back, what_is_due_or_of_another_shape_is_not_archived, what_only_an_entry_tells_is_stored_before_it_leaves, a_finished_file_takes_nothing_from_a_stream_that_went_on, a_damaged_archive_is_refused;
    store: whoever_loses_ten_times_may_try_again, a_store_of_a_later_version_is_no_hindrance,
        a_store_of_other_migrations_is_refused;
    timer: it_runs_when_due_and_once, it_leaves_the_future_alone, those_that_refuse_hold_nobody_up, a_sweep_reaches_every_tagged_record;
}

postgres_alone! {
    write: two_processes_lose_no_update, what_was_begun_is_not_believed_older_than_the_store, a_stale_refusal_is_never_answered, a_cut_connection_is_resent_until_there_is_a_verdict,
        what_waits_goes_in_one_transaction, unsafe_settings_are_refused_in_production;
    store: a_hot_stream_keeps_every_command_and_its_order, a_commit_whose_answer_was_lost_is_found_again, a_commit_whose_answer_was_swallowed_is_found_again, a_batch_that_gave_way_is_sent_again, a_full_store_is_said_and_forgotten;
    unique: two_processes_cannot_both_claim;
    feed: open_and_aborted_transactions_are_never_skipped_over;
    relay: one_replica_runs_it, a_failover_that_lost_what_was_read_halts_it, an_error_of_the_store_does_not_lock_a_relay_out, a_holder_that_lost_its_lease_writes_no_cursor;
    evidence: whoever_writes_waits_for_a_rebuild;
    timer: two_processes_have_one_effect;
    personal: two_processes_agree_on_a_subjects_key, replicas_change_their_wrapping_key_one_by_one;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_goes_on_after_sqlite_rolled_back() {
    write::the_writer_goes_on_after_the_store_rolled_back(world::World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_opened_again_leaves_the_outcome_unknown() {
    write::a_store_that_cannot_be_opened_again_leaves_the_outcome_unknown(world::World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_the_erased_is_in_no_file() {
    personal::the_key_of_the_erased_is_in_no_file(world::World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_one_moment_and_tells_again_what_came_after_the_look() {
    resume::a_copy_has_one_moment_and_tells_again_what_came_after_the_look(world::World::sqlite().await).await;
}

#[tokio::test]
async fn a_data_directory_has_one_process() {
    let world = world::World::sqlite().await;
    let second = world.try_open_again().await.err().unwrap();
    assert!(second.to_string().starts_with("DATA_DIR_IN_USE"), "{second}");
}

/// What one engine has, the other has: tables, columns, their kinds and which may be absent, primary keys and indexes.
#[tokio::test]
async fn the_engines_have_one_schema() {
    let Some(postgres) = world::World::postgres().await else { return };
    let lite = "SELECT m.name || '.' || c.name || ' ' || CASE c.type WHEN 'INTEGER' THEN 'number' WHEN 'TEXT' THEN 'text' ELSE 'bytes' END
                || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN '' ELSE ' or absent' END
                FROM sqlite_master m JOIN pragma_table_info(m.name) c
                WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
                UNION ALL SELECT m.name || ' by ' || (SELECT group_concat(c.name) FROM (SELECT name FROM pragma_table_info(m.name) WHERE pk > 0 ORDER BY pk) c)
                FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
                UNION ALL SELECT m.name || ' index ' || i.name || ' ' || i.\"unique\" || ' by '
                    || (SELECT group_concat(c.name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c)
                FROM sqlite_master m JOIN pragma_index_list(m.name) i
                WHERE m.type = 'table' AND i.origin <> 'pk' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let pg = "SELECT table_name || '.' || column_name || ' ' || CASE WHEN data_type IN ('bigint', 'integer', 'smallint') THEN 'number'
                WHEN data_type = 'text' THEN 'text' ELSE 'bytes' END || CASE is_nullable WHEN 'NO' THEN '' ELSE ' or absent' END
              FROM information_schema.columns
              WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_sqlx%'
              UNION ALL SELECT t.relname || CASE WHEN i.indisprimary THEN '' ELSE ' index ' || x.relname || ' ' || i.indisunique::int END || ' by '
                  || (SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY AS k (column_number, place)
                      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.column_number)
              FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
              WHERE t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE '\\_sqlx%'";
    let sqlite: BTreeSet<_> = world::World::sqlite().await.raw().await.rows(lite).await.into_iter().collect();
    assert!(sqlite.len() > 40 && sqlite.contains("entry index entry_stream 0 by stream,version"), "{sqlite:?}");
    assert_eq!(sqlite, postgres.raw().await.rows(pg).await.into_iter().collect());
}
