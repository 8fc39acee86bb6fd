//! Licences over gRPC, behind the real stack, on both engines.

mod golden;
mod openssl;

#[path = "../../../shared/kit/tests/house/mod.rs"]
mod house;
#[path = "../world/mod.rs"]
mod world;

use house::Engine::{Postgres, Sqlite};
use house::{Engine, reason, until};
use rstest::rstest;
use tonic::Code;
use world::{NUMBER, World, named, order, shown};
use yiwang_ledger::{AccessLog, Aggregate as _, Audiences, Call, Context, StreamId};
use yiwang_license::license::{Issued, License, decide};
use yiwang_license::register::{self, Register};
use yiwang_license::verify;
use yiwang_proto::license::v1 as pb;
use yiwang_standards::license_id::LicenseId;
use yiwang_standards::sm;

#[rstest]
#[tokio::test]
async fn a_licence_has_an_identifier_its_data_and_a_signature(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let license = world.issued().await;
    let id = LicenseId::parse(&license.identifier).unwrap();
    assert_eq!((id.license_type(), id.serial(), id.version()), ("115113016823646795001", "20260000001", 1));
    assert_eq!((license.valid_to.as_str(), license.status()), ("2030-03-15", pb::LicenseStatus::Valid));
    let payload: serde_json::Value = serde_json::from_slice(&license.payload).unwrap();
    assert_eq!((&payload["holder"]["documentNumber"], &payload["data"]["rooms"]), (&NUMBER.into(), &20.into()));
}

#[rstest]
#[tokio::test]
async fn the_register_counts_without_gaps_and_gives_a_case_its_number_again(
    #[values(Sqlite, Postgres)] engine: Engine,
) {
    let Some(world) = World::on(engine).await else { return };
    let one = world.order(order("1")).await.unwrap();
    assert_eq!(world.order(order("1")).await.unwrap(), one);
    let mut other = order("1");
    other.request_id = "another".into();
    assert_eq!(reason(&world.order(other).await.unwrap_err()), "LICENSE_EXISTS_FOR_CASE");
    let wrong = pb::IssueLicenseRequest { type_code: "0".into(), ..order("2") };
    assert_eq!(reason(&world.order(wrong).await.unwrap_err()), "LICENSE_TYPE_INVALID");
    let two = world.order(order("2")).await.unwrap();
    let number = |serial: &str| format!("{}-2026-{serial}", world::organ());
    assert_eq!([one.number, two.number], [number("000001"), number("000002")]);
}

#[rstest]
#[tokio::test]
async fn no_two_licences_have_one_number(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let one = world.order(order("1")).await.unwrap();
    let elsewhere = pb::IssueLicenseRequest { issuer_code: "11511300MB1A21304N".into(), ..order("2") };
    let two = world.order(elsewhere).await.unwrap();
    assert_ne!(one.number, two.number);
    let first = world.house.ledger.get::<License>(verify::stream(&one.case_number), &Audiences::all()).await.unwrap();
    let issued = first.unwrap().state.issued.clone().unwrap();
    let again = Issued { identifier: "another".into(), case_number: "another".into(), ..issued };
    let issue = move |license: &License, cx: &Context| decide::issue(license, &again, cx);
    let call = Call::system("again", "");
    let refusal = world.house.ledger.execute::<License>(verify::stream("another"), call, issue).await.unwrap_err();
    assert_eq!(refusal.reason, "LICENSE_NUMBER_TAKEN");
}

#[rstest]
#[case::larger_than_an_entry(48)]
#[case::larger_than_a_message_may_be_verified(70)]
#[tokio::test]
async fn an_order_too_large_to_be_signed_takes_no_number(#[case] kilobytes: usize) {
    let world = World::on(Sqlite).await.unwrap();
    let data = serde_json::json!({"scope": "住".repeat(kilobytes * 1024 / 3)});
    let large = pb::IssueLicenseRequest { data: serde_json::from_value(data).ok(), ..order("1") };
    assert_eq!(reason(&world.order(large).await.unwrap_err()), "PAYLOAD_INVALID");
    assert!(world.order(order("2")).await.unwrap().number.ends_with("-2026-000001"));
}

/// The largest payload that is signed goes into an entry.
#[tokio::test]
async fn a_large_licence_is_issued() {
    let world = World::on(Sqlite).await.unwrap();
    let data = serde_json::json!({"scope": "住".repeat(31 * 1024 / 3)});
    let large = pb::IssueLicenseRequest { data: serde_json::from_value(data).ok(), ..order("1") };
    assert!(world.order(large).await.unwrap().payload.len() > 31 * 1024);
}

#[tokio::test]
async fn a_number_taken_before_a_crash_goes_to_the_same_case() {
    let world = World::on(Sqlite).await.unwrap();
    let case = order("1").case_number;
    let call = Call::system(format!("serial.{}", sm::to_hex(&sm::sm3(case.as_bytes()))), "");
    let stream = register::stream(&world::organ(), 2026);
    let take = move |known: &Register, cx: &Context| register::take(known, &case, cx);
    world.house.ledger.execute::<Register>(stream, call, take).await.unwrap();
    assert!(world.issued().await.number.ends_with("-000001"));
    assert!(world.order(order("2")).await.unwrap().number.ends_with("-000002"));
}

#[rstest]
#[case::kind(pb::IssueLicenseRequest { type_code: "11511301682364679X001".into(), ..order("1") }, "LICENSE_TYPE_INVALID")]
#[case::issuer(pb::IssueLicenseRequest { issuer_code: "-".into(), ..order("1") }, "ISSUER_INVALID")]
#[case::holder(pb::IssueLicenseRequest { holder: None, ..order("1") }, "HOLDER_INVALID")]
#[case::name(pb::IssueLicenseRequest { name: "证".repeat(201), ..order("1") }, "FIELD_INVALID")]
#[case::validity(pb::IssueLicenseRequest { validity_months: -1, ..order("1") }, "VALIDITY_INVALID")]
#[case::forever(pb::IssueLicenseRequest { validity_months: 1201, ..order("1") }, "VALIDITY_INVALID")]
#[case::owner_subject(pb::IssueLicenseRequest { owner_subject: "ab".into(), ..order("1") }, "FIELD_INVALID")]
#[case::date(pb::IssueLicenseRequest { issue_date: "16.3.2026".into(), ..order("1") }, "FIELD_INVALID")]
#[tokio::test]
async fn an_order_at_fault_is_refused(#[case] order: pb::IssueLicenseRequest, #[case] expected: &str) {
    let world = World::on(Sqlite).await.unwrap();
    let status = world.order(order).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected));
}

#[rstest]
#[case::hygiene("115113016823646795001", "68236467-9")]
#[case::fire("11511300MB1A21304N001", "130501003")]
#[tokio::test]
async fn the_types_and_organs_of_the_real_catalogue_make_an_identifier(
    #[case] type_code: &str,
    #[case] issuer_code: &str,
) {
    let world = World::on(Sqlite).await.unwrap();
    let (type_code, issuer_code) = (type_code.to_owned(), issuer_code.to_owned());
    let license = world.order(pb::IssueLicenseRequest { type_code, issuer_code, ..order("1") }).await.unwrap();
    LicenseId::parse(&license.identifier).unwrap();
}

#[tokio::test]
async fn only_approval_issues() {
    let world = World::on(Sqlite).await.unwrap();
    for account in ["citizen", "approver", "supervisor", "partner"] {
        let status = world.by(account).issue_license(order("1")).await.unwrap_err();
        assert_eq!(reason(&status), "ACTION_NOT_PERMITTED", "{account}");
    }
}

#[rstest]
#[tokio::test]
async fn anybody_verifies_what_a_holder_shows_and_learns_nothing_of_the_holder(
    #[values(Sqlite, Postgres)] engine: Engine,
) {
    let Some(world) = World::on(engine).await else { return };
    let license = world.issued().await;
    let all = pb::VerifyLicenseRequest { identifier: license.identifier.clone(), ..shown(&license) };
    for request in [named(&license.identifier), shown(&license), all] {
        let answer = world.verify(request).await.unwrap();
        assert!(answer.valid && answer.signature_valid && answer.reasons.is_empty(), "{:?}", answer.reasons);
        assert_eq!((answer.status(), answer.name.as_str()), (pb::LicenseStatus::Valid, "公共场所卫生许可证"));
        let told = format!("{answer:?}");
        assert!(!told.contains(NUMBER) && !told.contains("张建国") && !told.contains("滨江路"));
    }
}

#[tokio::test]
async fn one_changed_byte_fails() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let text = String::from_utf8(license.payload.to_vec()).unwrap().replace("滨江路1号", "滨江路2号");
    let answer = world.verify(pb::VerifyLicenseRequest { payload: text.into(), ..shown(&license) }).await.unwrap();
    assert_eq!(
        (answer.valid, answer.signature_valid, answer.reasons),
        (false, false, vec!["SIGNATURE_WRONG".to_owned()])
    );
    assert_eq!(answer.status, pb::LicenseStatus::Valid as i32);
}

#[tokio::test]
async fn the_bytes_of_one_licence_do_not_prove_another() {
    let world = World::on(Sqlite).await.unwrap();
    let (one, two) = (world.issued().await, world.order(order("2")).await.unwrap());
    let request = pb::VerifyLicenseRequest { identifier: two.identifier, ..shown(&one) };
    let answer = world.verify(request).await.unwrap();
    assert_eq!((answer.valid, answer.reasons), (false, vec!["PAYLOAD_DIFFERS".to_owned()]));
}

#[rstest]
#[case::nothing(pb::VerifyLicenseRequest::default(), "NOTHING_TO_VERIFY")]
#[case::identifier(named("1.2.156.3005.2.x"), "IDENTIFIER_INVALID")]
#[case::check(named("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.A"), "IDENTIFIER_INVALID")]
#[case::payload(pb::VerifyLicenseRequest { payload: "{".into(), signature: "x".into(), ..Default::default() }, "PAYLOAD_INVALID")]
#[case::signature(pb::VerifyLicenseRequest { payload: "{\"identifier\":\"1\"}".into(), signature: "x".into(), ..Default::default() }, "SIGNATURE_INVALID_FORM")]
#[tokio::test]
async fn what_cannot_be_verified_is_refused(#[case] request: pb::VerifyLicenseRequest, #[case] expected: &str) {
    let world = World::on(Sqlite).await.unwrap();
    assert_eq!(reason(&world.verify(request).await.unwrap_err()), expected);
}

#[tokio::test]
async fn a_licence_that_never_was_is_an_answer() {
    let world = World::on(Sqlite).await.unwrap();
    let request = named("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U");
    let answer = world.verify(request).await.unwrap();
    assert_eq!((answer.valid, answer.reasons, answer.name.as_str()), (false, vec!["NOT_FOUND".to_owned()], ""));
}

#[rstest]
#[tokio::test]
async fn a_cancelled_licence_verifies_as_cancelled(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let license = world.issued().await;
    let ended = world.cancel("approver", &license.id, pb::CancelCause::OtherByLaw).await.unwrap();
    assert!(ended.status_changes[1].reason.contains("第七十条第六项"), "{:?}", ended.status_changes);
    let answer = world.verify(shown(&license)).await.unwrap();
    assert_eq!((answer.valid, answer.signature_valid, answer.status()), (false, true, pb::LicenseStatus::Cancelled));
    let again = world.cancel("approver", &license.id, pb::CancelCause::ForceMajeure).await.unwrap_err();
    assert_eq!(reason(&again), "LICENSE_NOT_VALID");
}

#[rstest]
#[case::a_citizen_dies("citizen", pb::CancelCause::DeathOrIncapacity, None)]
#[case::a_citizen_is_not_dissolved("citizen", pb::CancelCause::OrganisationEnded, Some("CAUSE_NOT_OF_HOLDER"))]
#[case::a_company_is_dissolved("company", pb::CancelCause::OrganisationEnded, None)]
#[case::a_company_does_not_die("company", pb::CancelCause::DeathOrIncapacity, Some("CAUSE_NOT_OF_HOLDER"))]
#[tokio::test]
async fn a_licence_ends_for_what_can_befall_its_holder(
    #[case] holder: &str,
    #[case] cause: pb::CancelCause,
    #[case] expected: Option<&str>,
) {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.order(world::order_for(holder)).await.unwrap();
    let refused = world.cancel("approver", &license.id, cause).await.err();
    assert_eq!(refused.map(|status| reason(&status)).as_deref(), expected);
}

#[tokio::test]
async fn non_renewal_is_a_cause_once_the_term_has_ended() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let early = world.cancel("approver", &license.id, pb::CancelCause::NotRenewed).await.unwrap_err();
    assert_eq!(reason(&early), "NOT_EXPIRED");
    world.house.on("2030-03-16");
    let ended = world.cancel("approver", &license.id, pb::CancelCause::NotRenewed).await.unwrap();
    assert_eq!(ended.status(), pb::LicenseStatus::Cancelled);
}

#[rstest]
#[tokio::test]
async fn a_licence_expires_by_itself_after_its_last_day(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let license = world.issued().await;
    world.house.on("2030-03-15");
    assert!(world.verify(shown(&license)).await.unwrap().valid);
    world.house.on("2030-03-16");
    let answer = world.verify(shown(&license)).await.unwrap();
    assert_eq!((answer.status(), answer.reasons), (pb::LicenseStatus::Expired, vec!["EXPIRED".to_owned()]));
    let expired = || pb::ListLicensesRequest { status: pb::LicenseStatus::Expired.into(), ..Default::default() };
    let listed = || async { world.by("citizen").list_licenses(expired()).await.unwrap().into_inner().licenses.pop() };
    assert_eq!(until(listed).await.id, license.id);
}

#[rstest]
#[case::holder("citizen", true)]
#[case::issuer("approver", true)]
#[case::supervisor("supervisor", true)]
#[case::stranger("citizen2", false)]
#[case::another_organ("health_approver", false)]
#[tokio::test]
async fn who_may_read_a_licence_may_list_it_and_nobody_else(#[case] account: &str, #[case] seen: bool) {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let list = world.by(account).list_licenses(pb::ListLicensesRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.licenses.len(), usize::from(seen));
    assert!(list.licenses.iter().all(|shown| shown.holder.as_ref().unwrap().document_number.contains('*')));
    match world.read(account, &license.id).await {
        Ok(read) => assert!(seen && read.payload == license.payload),
        Err(status) => assert!(!seen && reason(&status) == "LICENSE_NOT_FOUND"),
    }
}

#[rstest]
#[case::holder("citizen", "ACTION_NOT_PERMITTED")]
#[case::reviewer("reviewer", "ACTION_NOT_PERMITTED")]
#[case::another_organ("health_approver", "LICENSE_NOT_FOUND")]
#[tokio::test]
async fn only_the_issuers_approver_cancels(#[case] account: &str, #[case] expected: &str) {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let status = world.cancel(account, &license.id, pb::CancelCause::OtherByLaw).await.unwrap_err();
    assert_eq!(reason(&status), expected);
}

#[tokio::test]
async fn a_reading_by_staff_leaves_an_entry() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    world.read("citizen", &license.id).await.unwrap();
    world.read("approver", &license.id).await.unwrap();
    let log = StreamId::named(AccessLog::KIND, &license.id);
    let entries = world.house.ledger.history(log, 0, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.actor.as_str()).collect::<Vec<_>>(), ["staff:approver"]);
}

#[tokio::test]
async fn the_current_key_is_public_and_another_is_not_found() {
    let world = World::on(Sqlite).await.unwrap();
    let ask = |key_id: &str| pb::GetSigningKeyRequest { key_id: key_id.into() };
    let key = world.anybody().get_signing_key(ask("current")).await.unwrap().into_inner();
    assert!(key.public_key_pem.starts_with("-----BEGIN PUBLIC KEY-----") && key.algorithm == "SM2-SM3");
    let file = world.house.process.config.data_dir.join("license/issuer.pem");
    assert_eq!(std::fs::read_to_string(file).unwrap(), key.public_key_pem);
    let status = world.anybody().get_signing_key(ask("0000000000000000")).await.unwrap_err();
    assert_eq!(reason(&status), "KEY_NOT_FOUND");
}

#[tokio::test]
async fn an_erased_holder_still_proves_the_paper_in_hand() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let subject = yiwang_ledger::SubjectId::parse(&world.house.subject("citizen")).unwrap();
    let call = Call::system("erase-1", "");
    world.house.ledger.erase_subject(call, &subject, "个人信息保护法第四十七条", "").await.unwrap();
    assert!(world.verify(shown(&license)).await.unwrap().valid);
    let by_name = world.verify(named(&license.identifier)).await.unwrap();
    assert_eq!(by_name.reasons, ["DATA_ERASED"]);
    assert!(world.read("approver", &license.id).await.unwrap().payload.is_empty());
}

#[tokio::test]
async fn neither_number_nor_name_lies_open_in_the_data_folder() {
    let world = World::on(Sqlite).await.unwrap();
    world.issued().await;
    world.house.assert_nowhere_in_clear(&[NUMBER, "张建国", "滨江路"]);
}

#[rstest]
#[tokio::test]
async fn the_chain_verifies_and_the_record_can_be_made_anew(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let license = world.issued().await;
    assert!(world.house.ledger.verify().await.unwrap().problems.is_empty());
    assert_eq!(world.house.ledger.rebuild::<License>().await.unwrap(), 1);
    assert_eq!(world.read("approver", &license.id).await.unwrap(), license);
    let masked = world.read("citizen", &license.id).await.unwrap();
    assert_ne!(masked.status_changes[0].changed_by, license.status_changes[0].changed_by);
}
