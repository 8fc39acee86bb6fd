//! The intake service over gRPC, behind the same stack as in production, on SQLite and, where `YIWANG_TEST_POSTGRES_URL` is
//! set, on PostgreSQL.
#![allow(missing_docs, clippy::unwrap_used)]

mod answers;
mod applications;
mod appointments;
mod approval;
mod attachments;
mod catalogue;
mod chains;
mod charges;
mod counters;
mod deferrals;
mod deliveries;
mod details;
mod directory;
mod documents;
mod doubles;
mod elsewhere;
mod ends;
mod engagements;
mod evaluation;
mod exchange;
mod fees;
mod fetching;
mod golden;
mod golden_delivery;
mod golden_joint;
mod golden_lobby;
mod golden_notification;
mod golden_parties;
mod halls;
mod helpers;
mod joint_parts;
mod joints;
mod license;
mod likelies;
mod lobby;
mod mandates;
mod notifications;
mod numbers;
mod proofs;
mod questions;
mod queues;
mod relay;
mod searches;
mod standards;
mod steps;
mod themes;
mod transfers;
mod watching;
mod world;

/// Each case runs on SQLite and on PostgreSQL, in a world that has what its module needs of the shipped catalogue.
macro_rules! both {
    ($($module:ident: $($case:ident),+;)+) => {
        mod sqlite { $(mod $module { $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { crate::$module::$case(crate::world::World::sqlite(crate::world::shipped(stringify!($module))).await).await })+ })+ }
        mod postgres { $(mod $module { $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() { if let Some(world) = crate::world::World::postgres(crate::world::shipped(stringify!($module))).await { crate::$module::$case(world).await } })+ })+ }
    };
}

both! {
    counters: one_call_shows_the_screen_and_one_accepts_and_prints, what_may_follow_is_told_on_the_spot, a_family_member_acts_with_consent,
        who_has_another_lawful_document_applies_like_everybody, by_telephone_and_then_at_the_window,
        a_draft_outlives_whatever_is_cut_off;
    notifications: each_step_is_told_once_and_says_nothing_of_the_person, who_wants_it_elsewhere_is_told_there,
        a_notification_is_its_addressees_alone, who_is_erased_is_told_nothing_more,
        a_provider_that_fails_is_asked_again_with_the_same_id, a_draft_tells_nobody_anything, who_was_too_late_has_not_withdrawn,
        a_result_is_told_once_though_its_decision_comes_later, what_a_provider_will_never_take_is_written_down,
        a_provider_that_hangs_holds_up_no_other_channel;
    watching: who_has_seen_all_is_told_where_it_stands, a_slip_that_is_mended_again_is_seen_again, who_follows_holds_up_nobody,
        who_sees_it_no_more_follows_it_no_more,
        each_step_comes_as_it_happens_and_the_end_ends_it, nobody_follows_what_they_may_not_read,
        a_process_that_stops_says_so;
    joint_parts: a_paper_of_two_files_serves_whole, one_that_cannot_be_handed_in_holds_up_no_other,
        an_agent_takes_back_with_a_mandate_alone_and_stands_in_the_record, partners_steps_alone_are_handed_in_by_whoever_may,
        what_another_yields_hides_nothing_that_is_wrong, what_is_yielded_is_needed_and_may_be_mended,
        a_part_that_others_wait_for_is_joined_to_no_other, who_took_it_back_stands_in_the_record,
        a_result_that_comes_later_is_waited_for, all_of_it_is_followed_as_it_happens, a_promised_day_that_may_move_makes_nobody_late;
    joints: one_submission_runs_in_every_department_by_its_order, what_is_wrong_is_said_at_once_by_the_names_of_the_one_form,
        what_depends_on_a_refusal_is_not_pursued_and_the_others_go_on, a_paper_that_two_ask_for_is_handed_in_once,
        a_member_that_cannot_be_handed_in_goes_on_when_mended, all_of_it_is_taken_back_and_one_of_it,
        each_sees_of_it_what_is_theirs, a_repeated_request_and_a_crash_make_nothing_twice,
        an_agent_hands_in_with_a_mandate_alone, what_takes_too_long_is_marked;
    chains: a_later_stage_is_begun_when_its_applicant_is_ready, a_stage_that_nobody_begins_is_given_up_and_what_follows_it,
        a_stage_has_the_version_of_the_day_on_which_its_turn_comes, a_chain_that_is_none_is_not_published;
    likelies: what_was_granted_brings_what_follows_it_with_the_reason, a_licence_that_ends_soon_is_to_be_renewed,
        whoever_does_not_sign_in_is_told_by_what_they_say, nobody_is_told_by_what_belongs_to_others, an_open_stage_comes_first;
    searches: lists_of_many_regions_are_found_by_region_and_word, what_is_changed_is_found_at_once_and_read_from_the_ledger;
    catalogue: all_items_are_in_force_after_the_first_start, a_second_start_changes_nothing, an_item_is_read_with_its_guide,
        forty_five_of_fifty_queries_find_the_right_item_among_three, items_are_found_by_department_and_type,
        pages_of_the_catalogue_neither_skip_nor_repeat, pages_of_a_search_neither_skip_nor_repeat, a_foreign_page_token_is_refused,
        an_unknown_item_is_not_found, a_cancelled_item_is_named_with_reason_and_successor, a_cancellation_takes_effect_on_its_day,
        a_revised_item_is_another_version_and_drafts_keep_theirs, a_row_at_fault_does_not_stop_the_others,
        an_import_sent_again_counts_as_the_first_time, an_item_code_is_checked_by_its_standard,
        an_import_without_a_request_id_is_refused, the_twenty_days_of_the_general_law_are_a_default_that_cites_it,
        a_citizen_does_not_cancel_items, another_regions_items_are_not_an_administrators;
    directory: a_claimed_item_goes_through_every_review_into_the_catalogue, nobody_passes_their_own_draft, every_step_has_its_role,
        what_cannot_be_published_is_said_all_at_once, a_version_for_later_is_in_force_on_its_day, a_level_that_is_not_named_does_not_claim, what_is_managed_by_grades_any_level_claims,
        a_new_version_of_the_directory_reaches_claimed_items, an_item_has_one_open_draft, a_draft_is_seen_by_its_office_alone,
        what_was_returned_is_reviewed_anew, a_crash_before_the_catalogue_is_completed,
        an_import_leaves_a_reviewed_list, a_claim_and_a_publication_sent_again_are_answered_as_then,
        a_version_that_waits_is_not_written_over,
        a_case_keeps_the_version_that_it_began_with, an_imported_item_is_claimed_as_it_stands,

        a_basic_items_type_stays;
    details: every_element_comes_back_as_it_was_written, a_case_takes_the_special_procedures_of_its_list_with_it, an_imported_item_says_that_nobody_wrote_the_rest,
        what_the_rest_lacks_is_said_all_at_once, an_unknown_code_of_a_table_is_refused,
        an_amount_outside_the_charge_list_cannot_be_recorded, what_is_let_off_is_on_the_list_too_and_a_mistake_is_struck_out;
    documents: each_act_issues_its_document_and_the_application_has_its_number, what_is_promised_has_its_document, an_acceptance_has_its_notice,
        what_the_law_accepts_has_its_notice_too, numbers_have_no_gap_and_no_repeat_under_concurrency,
        a_repeated_request_issues_nothing_more, a_new_year_begins_with_one,
        whoever_may_not_read_the_application_gets_no_document, who_merely_watches_gets_no_paper, anybody_who_has_it_verifies_it_and_sees_no_name,
        a_digest_says_whether_a_text_or_a_file_is_genuine, an_officers_download_leaves_an_entry,
        a_document_does_not_follow_its_item, what_an_erased_person_was_issued_is_known_and_not_read,
        a_guides_code_leads_to_the_guide, lists_of_documents_are_paged;
    numbers: whatever_comes_at_once_numbers_are_one_to_n;
    doubles: the_second_is_received_told_of_the_first_and_not_accepted,
        a_clerk_joins_the_second_to_the_first,
        the_oldest_of_many_stops_whoever_came_later,
        whoever_accepts_all_the_same_says_why_and_supervision_sees_it,
        a_reason_without_need_is_no_override,
        what_was_decided_withdrawn_or_refused_is_no_more_in_progress,
        a_draft_is_nobodys_rival_and_tells_nobody_anything,
        the_law_accepts_a_second_one_and_supervision_sees_it,
        the_window_finds_what_was_applied_for_online,
        what_may_be_asked_for_often_is_not_looked_for,
        two_lists_of_one_basic_item_are_one_matter,
        what_succeeds_an_item_is_the_same_matter,
        a_repeatable_list_says_why,
        an_acceptance_beside_the_platform_is_recorded_and_settled;
    elsewhere: a_clerk_elsewhere_receives_what_is_open_there_and_decides_nothing,
        what_is_not_open_there_is_not_received_there,
        a_receiving_clerk_sees_what_was_received_there_and_not_more,
        papers_go_from_hand_to_hand_and_the_result_comes_back,
        what_is_not_sent_on_or_not_confirmed_in_time_supervision_of_both_regions_sees,
        papers_are_kept_of_what_was_received_elsewhere_alone,
        a_result_is_handed_out_elsewhere_to_whom_it_belongs_and_is_delivered_by_it,
        papers_of_what_was_withdrawn_go_back_and_originals_at_any_time;
    ends: an_item_on_hold_says_why_until_it_is_resumed, what_the_province_cancels_nobody_accepts_any_more, an_item_ends_no_later_than_its_basic_item, a_list_that_was_published_meanwhile_ends_with_its_basic_item, a_version_that_waits_is_taken_back, what_is_announced_is_cancelled_at_once_or_not;
    halls: who_is_not_in_a_hall_stands_on_the_board_until_it_says_why, each_way_of_being_there_says_what_belongs_to_it,
        a_hall_is_its_regions;
    mandates: an_agent_acts_by_a_mandate_in_its_days_and_acts, who_merely_began_it_has_no_say_once_another_handed_it_in,
        what_was_received_is_changed_by_whoever_may_hand_it_in_alone, a_mandate_ends_with_its_last_day, who_grants_and_what_is_refused,
        an_employee_hands_in_for_their_company, fields_are_saved_one_by_one_and_none_is_written_over,
        a_draft_is_taken_up_on_another_channel, what_was_begun_by_telephone_is_handed_in_by_the_applicant;
    steps: departments_say_before_it_is_handed_in_whether_it_is_ready, whoever_is_silent_does_not_hold_a_pre_review_up,
        a_clerk_of_the_grade_accepts_once_the_original_was_looked_at, no_promise_in_an_excluded_field_unless_a_law_orders_it,
        an_examination_that_would_not_come_to_its_end_is_not_published,
        a_case_gets_the_steps_of_its_list_and_which_of_them_its_form_leaves_out;
    deferrals: what_may_follow_is_promised_told_and_watched, what_came_in_time_is_no_more_owed, what_was_not_asked_for_once_follows_by_promise_all_the_same,
        what_follows_too_late_is_not_taken, an_item_may_say_how_long_and_what_follows,
        nobody_promises_what_the_item_does_not_offer, who_promised_falsely_promises_no_more_until_amends_are_made,
        approval_tells_of_a_false_promise_by_itself;
    appointments: a_place_is_taken_moved_and_given_back, however_many_book_at_once_no_place_is_given_twice,
        one_person_has_one_place_at_a_time_however_often_it_is_asked, a_booking_sent_again_is_answered_as_then,
        what_cannot_be_booked_says_why, an_item_has_no_more_places_than_its_quota,
        who_does_not_come_twice_is_barred_online_and_never_at_the_counter, a_visit_at_home_is_for_whom_it_is_meant,
        a_slot_that_has_begun_is_not_moved_out_of, why_somebody_is_visited_is_agreed_to_sealed_and_erased,
        who_repeats_what_is_done_carries_out_nobody_elses_booking,
        evenings_saturdays_and_rest_days_are_as_published,
        a_hall_that_closes_cancels_with_its_reason_and_nobody_missed_anything, an_appointment_is_its_visitors_and_the_halls,
        what_a_hall_publishes_is_checked_and_is_its_own, the_elderly_are_of_the_green_channel_by_their_number,
        a_crash_after_the_place_was_taken_is_completed;
    queues: numbers_are_given_once_and_called_in_their_order, two_windows_never_call_the_same_number,
        bookings_and_walk_ins_are_called_in_turn, the_green_channel_is_first_among_equals_and_starves_nobody,
        who_does_not_answer_is_passed_over_and_may_come_back_once, who_was_passed_over_too_often_takes_another_ticket,
        who_was_passed_over_is_not_transferred_to_the_head_of_the_line, who_has_a_place_now_stands_in_one_line,
        a_ticket_names_an_item_that_the_window_takes_today, a_transferred_ticket_keeps_its_number_and_its_place,
        a_booking_that_is_transferred_is_served_there, the_board_shows_numbers_and_nobody, a_citizen_holds_one_ticket,
        who_waits_when_the_day_ends_is_told_and_missed_nothing;
    fetching: what_the_platform_issued_is_fetched_and_not_asked_for, what_nobody_held_is_asked_for_again,
        one_request_id_of_two_callers_is_two_requests, a_source_that_is_away_is_asked_again_once_it_is_handed_in,
        nobody_learns_what_another_holds_by_writing_their_name, a_list_that_asks_for_what_can_be_had_is_not_published,
        what_a_licence_says_is_filled_in_and_not_typed_over, what_is_wrong_at_the_source_is_said_looked_at_and_accepted,
        what_cannot_be_had_is_handed_in, a_material_that_is_wrong_at_its_source_is_handed_in, who_is_away_too_long_is_given_up,
        another_applicant_keeps_nothing_of_the_first, what_a_department_says_is_filled_in;
    deliveries: what_was_granted_is_handed_out_at_the_window_and_has_its_proof, who_collects_for_another_has_a_mandate_to_receive,
        a_parcel_is_tracked_whatever_the_carrier_does, what_comes_back_goes_again_and_what_is_lost_is_made_again,
        a_locker_opens_with_its_code_and_what_nobody_takes_is_put_back,
        what_is_electronic_arrives_with_consent_and_once_it_is_paid, who_is_late_is_seen_and_a_refusal_is_served_too,
        what_the_carrier_does_not_say_a_person_says_and_who_contradicts_is_seen,
        what_is_handed_out_together_waits_no_longer_than_its_own_date_allows,
        each_of_several_that_were_lost_has_its_own_new_number, what_turns_somebody_down_waits_for_no_other;
    fees: a_bill_is_paid_once_and_has_its_receipt, a_provider_that_is_away_is_asked_by_the_same_number_until_it_answers,
        a_slow_provider_is_asked_by_the_clock_and_by_its_own_notice, an_answer_that_comes_late_is_paid_too_much_and_goes_back,
        a_refund_is_approved_by_another_and_never_more_than_was_paid, what_a_decision_lets_off_needs_another_person_and_its_basis,
        what_is_withdrawn_is_not_paid_and_what_was_paid_late_goes_back, a_bill_that_was_a_mistake_is_taken_back,
        supervision_reads_the_books_of_a_month;
    charges: a_refund_that_only_seemed_to_fail_is_not_paid_twice,
        a_refund_that_was_paid_twice_all_the_same_is_seen, an_order_that_nobody_answers_holds_up_no_other,
        what_is_paid_at_the_window_is_recorded_by_another_and_goes_back_by_hand, one_receipt_is_one_payment,
        what_was_placed_with_one_provider_no_other_is_asked_about,
        what_was_abolished_is_not_charged_and_what_is_cheaper_now_is_cheaper, what_ends_before_anything_was_charged_is_closed,
        what_turns_somebody_down_is_handed_out_unpaid_and_its_charge_is_taken_back,
        what_is_listed_for_the_result_is_assessed_or_said_not_to_be_due, who_lets_off_does_not_approve_what_goes_back_for_it,
        why_money_is_asked_back_who_watches_does_not_read_and_reads_leave_an_entry,
        an_amount_that_nobody_pays_is_seen_and_given_up;
    exchange: the_real_rows_go_in_and_come_out_the_same, ten_planted_rows_are_refused_each_with_its_reason,
        a_file_that_is_none_is_refused_whole, items_are_found_by_topic_and_by_whom_they_serve,
        what_serves_organs_alone_is_not_shown_to_the_public;
    standards: the_clerks_screen_and_the_online_form_are_one_list, nothing_is_accepted_before_every_point_was_looked_at,
        what_is_not_met_is_told_once_and_stops_nobody_after, an_expression_that_does_not_hold_water_is_not_published,
        a_form_says_where_its_fields_come_from, sensitive_data_need_a_consent_of_their_own,
        who_watches_sees_the_form_masked_and_who_handles_it_in_full, marks_of_a_form_that_there_are_none_of_are_refused;
    proofs: a_draft_that_became_unpublishable_goes_back_to_drafting, a_region_keeps_its_own_list_of_abolished_proofs;
    themes: six_themes_are_there_and_found_by_their_event, questions_lead_to_members_one_form_and_one_list,
        an_answer_that_fits_no_question_is_refused, a_member_that_cannot_be_applied_for_says_why,
        a_theme_is_its_regions_and_what_is_wrong_is_said_at_once, what_an_administrator_published_no_release_overwrites,
        a_cancelled_theme_is_planned_no_more, a_theme_joins_items_of_several_regions;
    transfers: what_is_handed_over_is_the_receivers_in_its_own_name_from_its_day, nobody_takes_what_was_not_talked_over,
        who_objects_says_why_and_nothing_moves, a_power_is_entrusted_to_an_organ_and_to_no_company,
        an_organ_of_a_transfer_is_called_what_the_catalogue_calls_it, what_is_entrusted_stays_its_organs_and_is_not_entrusted_on,
        a_case_is_handled_by_the_trustee_in_its_organs_name, a_power_that_was_cancelled_meanwhile_is_not_dated,
        a_draft_is_handled_by_whoever_is_competent_when_it_is_handed_in, entrusting_back_is_recorded_as_a_finding,
        a_power_goes_down_only_to_a_level_that_the_directory_names, a_crash_before_the_items_moved_is_completed, a_list_is_handed_over_as_it_stands_on_its_day,
        an_offer_is_taken_back_and_is_nobodys_business_before_it_is_dated;
    applications: a_draft_needs_only_an_item, an_application_goes_from_the_form_to_its_number, a_repeated_request_is_answered_as_the_first_time,
        the_same_request_id_with_another_body_is_refused, a_stale_etag_is_refused, a_wrong_check_digit_names_its_field,
        all_that_is_wrong_with_the_form_comes_at_once, a_form_too_large_is_refused, who_is_not_the_applicant_is_told_to_name_an_agent,
        the_window_hands_in_for_the_applicant, a_foreign_application_is_not_there,
        staff_see_it_from_receipt_on_and_not_before, a_citizen_does_not_accept, lists_are_masked_and_reads_are_full,
        a_staff_read_leaves_an_entry, nobody_acts_for_five_working_days, what_is_missing_is_told_once_and_in_time,
        what_is_told_names_all_that_is_missing, no_licensing_law_is_cited_to_a_public_service, a_telephone_is_kept_in_one_spelling,
        case_numbers_have_no_gaps, a_filing_is_accepted_and_numbered, an_unanswered_correction_counts_as_withdrawn,
        plain_personal_data_lie_nowhere_in_the_folder, a_year_that_is_loaded_settles_a_provisional_date,
        an_erased_person_reads_as_erased_everywhere, who_withdraws_is_not_told_that_it_was_for_being_late,
        a_provisional_date_says_that_nothing_is_lost_by_it, a_due_date_names_the_article_it_rests_on,
        a_refusal_names_the_review_organ_and_the_court, a_slip_is_mended_on_the_spot_by_the_applicant_and_by_the_window,
        who_has_not_seen_a_change_does_not_write_over_it, the_person_of_a_company_is_recorded;
    attachments: a_file_comes_back_as_it_was, a_file_of_many_chunks_comes_back_as_it_was, a_cut_off_upload_leaves_nothing,
        a_file_of_a_wrong_kind_is_refused, a_file_that_is_too_large_is_refused, a_wrong_hash_is_refused, an_empty_file_is_refused,
        a_repeated_upload_is_one_file, a_repeated_upload_is_answered_after_receipt_too,
        the_last_file_that_fits_is_answered_again, no_file_comes_before_its_applicant, an_applicant_with_files_is_not_exchanged,
        what_came_at_the_window_is_erased_with_its_applicant, a_material_that_is_none_is_not_found, no_plain_bytes_lie_in_the_folder,
        a_damaged_file_is_noticed, an_upload_after_acceptance_is_refused, what_a_crash_left_is_settled_at_the_next_start, what_another_replica_may_be_uploading_is_left_alone,
        a_message_of_more_than_256_kilobytes_is_refused, an_upload_without_a_request_id_is_refused_before_its_bytes,
        a_file_that_was_taken_out_goes_away_though_the_store_fails_at_first;
    relay: approval_hears_of_a_case_once, how_the_case_ended_comes_back_once,
        what_the_applicant_is_told_on_the_way_is_a_step_and_is_sent_once, approval_away_is_told_later, a_withdrawal_ends_the_case, a_decided_case_is_not_withdrawn,
        a_crash_before_the_number_is_completed, the_promise_decides_the_limit, a_deemed_acceptance_reaches_approval,
        approval_hears_from_which_day_the_limit_runs, no_case_is_opened_of_an_erased_person_and_nothing_waits_for_it,
        what_has_its_number_asks_the_register_for_none, who_asks_again_is_given_its_number_again,
        a_refusal_gives_the_right_to_evaluate_it, approval_hears_of_a_paper_that_follows;
    questions: a_question_is_answered_by_the_organ_of_its_item_and_rated, who_is_asked_first_stays_responsible_until_another_has_taken_it,
        after_the_offers_of_the_rule_a_coordinator_decides, not_ours_is_said_within_a_day_of_being_reached,
        a_date_is_extended_once_with_a_reason_and_who_is_late_is_seen, who_is_dissatisfied_is_answered_once_more_by_somebody_else,
        who_asks_on_is_answered_again_and_nobody_is_made_to_rate, nobody_of_the_organ_that_answered_enters_the_rating,
        what_somebody_asked_themselves_no_clerk_adds_to_withdraws_or_rates, a_hand_on_sent_again_is_answered_as_then, a_clerk_enters_what_came_by_telephone,
        a_question_is_its_askers_and_its_organs_alone;
    answers: what_is_published_names_nobody_and_is_found_by_everybody, without_consent_the_publisher_tells_it_in_other_words, not_even_a_part_of_the_askers_words_is_copied_without_consent,
        who_answered_changes_nothing_of_what_was_published, codes_of_organs_and_items_and_days_name_nobody,
        an_answer_by_pointing_sent_again_is_answered_as_then,
        an_answer_holds_until_its_item_changes_and_is_looked_at_again;
    engagements: the_nearest_agent_who_is_free_is_asked_first, a_coordinator_assigns_with_a_reason_and_nobody_past_what_they_take,
        who_is_away_is_given_nothing_until_they_are_back, an_agent_acts_in_the_askers_name_as_far_as_it_is_written,
        a_hand_over_is_accepted_and_carries_the_authority_only_where_agreed, steps_are_written_down_and_the_asker_has_the_last_word,
        a_joint_meeting_has_minutes_and_tasks_and_who_is_late_is_seen, a_crash_between_given_and_named_is_completed,
        what_somebody_asked_themselves_no_organ_that_was_invited_ends_or_confirms, no_agent_authorises_themself,
        a_coordinator_of_one_county_has_no_say_in_another, what_was_done_is_answered_as_then_whatever_came_after, a_clerk_asks_for_somebody_and_strangers_see_nothing;
    helpers: an_agent_applies_under_the_authorisation_and_not_without_it, a_clerk_who_is_the_agent_acts_as_the_agent,
        an_authorisation_goes_with_its_days_and_its_agent,
        the_principal_revokes_the_mandate_itself_and_no_authorisation_lacks_its_matter;
    golden: every_event_ever_released_still_decodes_and_evolves;
}
