//! 异地代收代办.

use serde_json::json;
use yiwang_kit::identity::Account;
use yiwang_kit::{Link, new_request_id};
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::custody_service_client::CustodyServiceClient;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;

use crate::directory::ITEM;
use crate::doubles::{listed, published_basic};
use crate::world::{World, citizen, create, metadata, pdf, reason, struct_of};

/// 华蓥市: where it is received.
pub const HERE: &str = "511681000000";
/// 广安区: whose the item is.
const THERE: &str = "511602000000";
/// 成都市锦江区: another city.
const FAR: &str = "510104000000";

/// Staff of another region.
pub fn staff(world: &World, account: &str, region: &str) -> Link {
    let issuer = world.process.development.as_ref().unwrap();
    let mut claims = issuer.claims(Account::find(account).unwrap(), None);
    (claims.region, claims.sub) = (region.into(), format!("staff:{account}.{region}"));
    claims.organisations.clear();
    let token = issuer.signer().sign(&claims).unwrap();
    world.process.links.get("intake").with_token(&token)
}

fn intake(world: &World, account: &str, region: &str) -> IntakeServiceClient<Link> {
    IntakeServiceClient::new(staff(world, account, region))
}

fn custody(world: &World, account: &str, region: &str) -> CustodyServiceClient<Link> {
    CustodyServiceClient::new(staff(world, account, region))
}

/// In the organ's own region.
fn organ(world: &World, account: &str) -> CustodyServiceClient<Link> {
    CustodyServiceClient::new(world.link(account))
}

/// A list that the regions of the same city may receive.
async fn open(world: &World) {
    published_basic(world).await;
    let modes = vec![items::ServiceMode::ReceivedElsewhere.into()];
    let handling = items::ItemHandling { modes, receiving_region_codes: vec!["511600".into()], ..Default::default() };
    listed(world, ITEM, Some(handling)).await;
}

/// Begun at a window in 华蓥, with its plan.
async fn begun(world: &World) -> pb::Application {
    let mut request = create(ITEM);
    (request.applicant, request.form) = (Some(citizen()), Some(struct_of(json!({}))));
    let draft = intake(world, "clerk", HERE).create_application(request).await.unwrap().into_inner();
    use pb::upload_attachment_request::Part;
    let parts = [Part::Metadata(metadata(&draft.id, "floor_plan")), Part::Chunk(pdf(100))];
    let parts = parts.map(|part| pb::UploadAttachmentRequest { part: Some(part) });
    let upload = tonic::Request::new(tokio_stream::iter(parts));
    intake(world, "clerk", HERE).upload_attachment(upload).await.unwrap();
    draft
}

async fn received(world: &World) -> pb::Application {
    let draft = begun(world).await;
    let submit = pb::SubmitApplicationRequest { id: draft.id, request_id: new_request_id(), ..Default::default() };
    intake(world, "clerk", HERE).submit_application(submit).await.unwrap().into_inner()
}

fn seal(id: &str, direction: pb::ParcelDirection, seal_number: &str) -> pb::SealParcelRequest {
    let paper = pb::Paper { name: "平面布局图原件".into(), originals: 1, ..Default::default() };
    pb::SealParcelRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        direction: direction.into(),
        seal_number: seal_number.into(),
        papers: vec![paper],
        ..Default::default()
    }
}

fn hand_over(id: &str, number: i32, to: pb::ParcelHolder) -> pb::HandOverParcelRequest {
    pb::HandOverParcelRequest {
        application_id: id.into(),
        number,
        request_id: new_request_id(),
        to: Some(to),
        carrier: "机要交换12号".into(),
        ..Default::default()
    }
}

fn window(region: &str) -> pb::ParcelHolder {
    pb::ParcelHolder { region_code: region.into(), organ_code: String::new() }
}

fn confirm(id: &str, number: i32, discrepancy: &str) -> pb::ConfirmParcelRequest {
    pb::ConfirmParcelRequest {
        application_id: id.into(),
        number,
        request_id: new_request_id(),
        discrepancy: discrepancy.into(),
        ..Default::default()
    }
}

fn get(id: &str) -> pb::GetCustodyRequest {
    pb::GetCustodyRequest { application_id: id.into() }
}

pub async fn a_clerk_elsewhere_receives_what_is_open_there_and_decides_nothing(world: World) {
    open(&world).await;
    let application = received(&world).await;
    assert_eq!(
        (application.phase(), application.received_elsewhere_in.as_str()),
        (pb::ApplicationPhase::Submitted, HERE)
    );
    // receipt is the day on which it was taken
    assert_eq!(application.acceptance_due.as_ref().unwrap().date, "2026-03-09");
    let accept = || pb::AcceptApplicationRequest {
        id: application.id.clone(),
        request_id: new_request_id(),
        ..Default::default()
    };
    let refused = intake(&world, "clerk", HERE).accept_application(accept()).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    world.accept(&application.id).await.unwrap();
    // whoever received it sees it on, masked once it is the organ's
    let read = pb::GetApplicationRequest { id: application.id.clone() };
    let seen = intake(&world, "clerk", HERE).get_application(read.clone()).await.unwrap().into_inner();
    assert_eq!(seen.applicant.unwrap().name, "张**");
    let refused = intake(&world, "clerk", FAR).get_application(read).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
}

pub async fn what_is_not_open_there_is_not_received_there(world: World) {
    open(&world).await;
    let mut far = create(ITEM);
    far.applicant = Some(citizen());
    let refused = intake(&world, "clerk", FAR).create_application(far).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_RECEIVED_HERE");
    // an item that says nothing is received where it belongs alone
    let mut closed = create(crate::world::PLAIN);
    closed.applicant = Some(citizen());
    let refused = intake(&world, "clerk", HERE).create_application(closed).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_RECEIVED_HERE");
}

pub async fn a_receiving_clerk_sees_what_was_received_there_and_not_more(world: World) {
    open(&world).await;
    let draft = begun(&world).await;
    let read = |id: &str| pb::GetApplicationRequest { id: id.into() };
    // a draft is no business of the organ's region yet
    let refused = world.as_("clerk").get_application(read(&draft.id)).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    let seen = intake(&world, "clerk", HERE).get_application(read(&draft.id)).await.unwrap().into_inner();
    assert_eq!(seen.applicant.unwrap().name, "张建国");
    let own = world.submitted().await;
    let refused = intake(&world, "clerk", HERE).get_application(read(&own.id)).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    let all = intake(&world, "clerk", HERE).list_applications(pb::ListApplicationsRequest::default()).await.unwrap();
    let listed: Vec<String> = all.into_inner().applications.into_iter().map(|one| one.id).collect();
    assert_eq!(listed, [draft.id]);
}

pub async fn papers_go_from_hand_to_hand_and_the_result_comes_back(world: World) {
    open(&world).await;
    let id = received(&world).await.id;
    let here = || custody(&world, "clerk", HERE);
    let refused = organ(&world, "clerk").seal_parcel(seal(&id, pb::ParcelDirection::Out, "S1")).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    let sealed = here().seal_parcel(seal(&id, pb::ParcelDirection::Out, "S1")).await.unwrap().into_inner();
    assert_eq!(
        (sealed.parcels[0].stage(), sealed.parcels[0].due.as_ref().unwrap().date.as_str()),
        (pb::ParcelStage::Sealed, "2026-03-04")
    );
    let refused = here().seal_parcel(seal(&id, pb::ParcelDirection::Out, "S1")).await.unwrap_err();
    assert_eq!(reason(&refused), "SEAL_REPEATED");
    let refused = organ(&world, "clerk").hand_over_parcel(hand_over(&id, 1, window(HERE))).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    here().hand_over_parcel(hand_over(&id, 1, window(THERE))).await.unwrap();
    // nobody confirms what was sent to another
    assert_eq!(reason(&here().confirm_parcel(confirm(&id, 1, "")).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let held = organ(&world, "clerk").confirm_parcel(confirm(&id, 1, "复印件少一份")).await.unwrap().into_inner();
    assert_eq!(
        (held.parcels[0].stage(), held.parcels[0].hand_overs[0].discrepancy.as_str()),
        (pb::ParcelStage::Held, "复印件少一份")
    );
    assert!(held.parcels[0].due.is_none());
    // the applicant knows where their papers are, and who had them in hand by a masked name
    let known = organ(&world, "citizen").get_custody(get(&id)).await.unwrap().into_inner();
    assert_eq!(known.parcels[0].papers[0].name, "平面布局图原件");
    assert!(known.parcels[0].sealed_by.as_ref().unwrap().name.contains('*'));
    assert_eq!(reason(&organ(&world, "citizen2").get_custody(get(&id)).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    // back
    let back = || seal(&id, pb::ParcelDirection::Back, "S2");
    assert_eq!(reason(&organ(&world, "reviewer").seal_parcel(back()).await.unwrap_err()), "MATTER_NOT_ENDED");
    world.accept(&id).await.unwrap();
    crate::deliveries::conclude(&world, &id, true, "批准1号").await;
    at_stage(&world, &id, pb::DeliveryStage::Ready).await;
    organ(&world, "reviewer").seal_parcel(back()).await.unwrap();
    organ(&world, "reviewer").hand_over_parcel(hand_over(&id, 2, window(HERE))).await.unwrap();
    let out = |number| pb::HandOutParcelRequest {
        application_id: id.clone(),
        number,
        request_id: new_request_id(),
        collector: Some(citizen()),
        ..Default::default()
    };
    assert_eq!(reason(&here().hand_out_parcel(out(2)).await.unwrap_err()), "PARCEL_NOT_HELD");
    here().confirm_parcel(confirm(&id, 2, "")).await.unwrap();
    // what was confirmed is confirmed, and what is not there is not there
    assert_eq!(reason(&here().confirm_parcel(confirm(&id, 2, "")).await.unwrap_err()), "PARCEL_NOT_IN_TRANSIT");
    assert_eq!(reason(&here().confirm_parcel(confirm(&id, 9, "")).await.unwrap_err()), "PARCEL_NOT_FOUND");
    assert_eq!(reason(&here().hand_out_parcel(out(1)).await.unwrap_err()), "PARCEL_NOT_BACK");
    let done = here().hand_out_parcel(out(2)).await.unwrap().into_inner();
    assert_eq!(done.parcels[1].stage(), pb::ParcelStage::HandedOut);
    let listed = here().list_custodies(pb::ListCustodiesRequest::default()).await.unwrap().into_inner();
    assert!(listed.custodies[0].parcels.iter().all(|parcel| parcel.papers.is_empty()));
}

pub async fn what_is_not_sent_on_or_not_confirmed_in_time_supervision_of_both_regions_sees(world: World) {
    open(&world).await;
    let id = received(&world).await.id;
    custody(&world, "clerk", HERE).seal_parcel(seal(&id, pb::ParcelDirection::Out, "S1")).await.unwrap();
    let overdue = async |region: &str| {
        let ask = pb::ListCustodiesRequest { overdue: true, ..Default::default() };
        custody(&world, "supervisor", region).list_custodies(ask).await.unwrap().into_inner().custodies.len()
    };
    world.day(2026, 3, 4);
    assert_eq!(overdue(HERE).await, 0);
    world.day(2026, 3, 5);
    world.until(async || (overdue(HERE).await == 1).then_some(())).await;
    assert_eq!((overdue(THERE).await, overdue(FAR).await), (1, 0));
    // sent on it is not overdue any more, until it is not confirmed
    custody(&world, "clerk", HERE).hand_over_parcel(hand_over(&id, 1, window(THERE))).await.unwrap();
    assert_eq!(overdue(THERE).await, 0);
    world.day(2026, 3, 13);
    world.until(async || (overdue(THERE).await == 1).then_some(())).await;
    let lost = pb::ReportParcelLostRequest {
        application_id: id.clone(),
        number: 1,
        request_id: new_request_id(),
        text: "交换途中遗失".into(),
        ..Default::default()
    };
    let refused = custody(&world, "clerk", FAR).report_parcel_lost(lost.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    organ(&world, "clerk").report_parcel_lost(lost).await.unwrap();
    let ask = pb::ListCustodiesRequest { stage: pb::ParcelStage::Lost.into(), ..Default::default() };
    let seen = custody(&world, "supervisor", HERE).list_custodies(ask).await.unwrap().into_inner();
    assert_eq!((seen.custodies.len(), seen.custodies[0].overdue), (1, false));
}

pub async fn papers_are_kept_of_what_was_received_elsewhere_alone(world: World) {
    open(&world).await;
    let own = world.submitted().await;
    let refused = organ(&world, "clerk").seal_parcel(seal(&own.id, pb::ParcelDirection::Out, "S1")).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_RECEIVED_ELSEWHERE");
    assert_eq!(reason(&organ(&world, "clerk").get_custody(get(&own.id)).await.unwrap_err()), "APPLICATION_NOT_FOUND");
}

async fn at_stage(world: &World, application: &str, stage: pb::DeliveryStage) -> pb::Delivery {
    let at = |one: &pb::Delivery| one.stage() == stage;
    world.until(async || crate::deliveries::of(world, "citizen", application).await.filter(at)).await
}

fn out(id: &str, number: i32, collector: Option<yiwang_proto::party::v1::Party>) -> pb::HandOutParcelRequest {
    pb::HandOutParcelRequest {
        application_id: id.into(),
        number,
        request_id: new_request_id(),
        collector,
        ..Default::default()
    }
}

pub async fn a_result_is_handed_out_elsewhere_to_whom_it_belongs_and_is_delivered_by_it(world: World) {
    open(&world).await;
    let id = received(&world).await.id;
    let here = || custody(&world, "clerk", HERE);
    world.accept(&id).await.unwrap();
    crate::deliveries::conclude(&world, &id, true, "").await;
    at_stage(&world, &id, pb::DeliveryStage::Preparing).await;
    organ(&world, "reviewer").seal_parcel(seal(&id, pb::ParcelDirection::Back, "S1")).await.unwrap();
    organ(&world, "reviewer").hand_over_parcel(hand_over(&id, 1, window(HERE))).await.unwrap();
    here().confirm_parcel(confirm(&id, 1, "")).await.unwrap();
    let nobody = here().hand_out_parcel(out(&id, 1, None)).await.unwrap_err();
    assert_eq!(reason(&nobody), "COLLECTOR_MISSING");
    let stranger = crate::world::person("李秀英", crate::world::CITIZEN2);
    let refused = here().hand_out_parcel(out(&id, 1, Some(stranger))).await.unwrap_err();
    assert_eq!(reason(&refused), "MANDATE_MISSING");
    // what is not there is not handed out
    let early = here().hand_out_parcel(out(&id, 1, Some(citizen()))).await.unwrap_err();
    assert_eq!(reason(&early), "DELIVERY_NOT_AT_STAGE");
    crate::deliveries::conclude(&world, &id, true, "批准1号").await;
    at_stage(&world, &id, pb::DeliveryStage::Ready).await;
    let done = here().hand_out_parcel(out(&id, 1, Some(citizen()))).await.unwrap().into_inner();
    assert_eq!(done.parcels[0].collector.as_ref().unwrap().name, "张**");
    let delivered = at_stage(&world, &id, pb::DeliveryStage::Delivered).await;
    let proved = crate::deliveries::until(&world, &delivered.id, |one| !one.proof_numbers.is_empty()).await;
    let outcome = proved.outcome.unwrap();
    assert_eq!((outcome.way(), outcome.late), (pb::ServiceWay::Collected, false));
    world.day(2026, 3, 20);
    assert!(!crate::deliveries::read(&world, "supervisor", &delivered.id).await.overdue);
}

pub async fn papers_of_what_was_withdrawn_go_back_and_originals_at_any_time(world: World) {
    open(&world).await;
    let id = received(&world).await.id;
    let here = || custody(&world, "clerk", HERE);
    here().seal_parcel(seal(&id, pb::ParcelDirection::Out, "S1")).await.unwrap();
    let early = here().hand_out_parcel(out(&id, 1, Some(citizen()))).await.unwrap_err();
    assert_eq!(reason(&early), "PARCEL_NOT_BACK");
    // an original that nobody needs goes back while the matter goes on
    let back = pb::SealParcelRequest { originals_only: true, ..seal(&id, pb::ParcelDirection::Back, "S2") };
    organ(&world, "reviewer").seal_parcel(back).await.unwrap();
    organ(&world, "reviewer").hand_over_parcel(hand_over(&id, 2, window(HERE))).await.unwrap();
    here().confirm_parcel(confirm(&id, 2, "")).await.unwrap();
    here().hand_out_parcel(out(&id, 2, Some(citizen()))).await.unwrap();
    // what never went out goes back to whom it belongs
    world.withdraw(&id).await.unwrap();
    let done = here().hand_out_parcel(out(&id, 1, Some(citizen()))).await.unwrap().into_inner();
    assert_eq!(done.parcels[0].stage(), pb::ParcelStage::HandedOut);
    world.day(2026, 3, 20);
    let ask = pb::ListCustodiesRequest { overdue: true, ..Default::default() };
    let late = custody(&world, "supervisor", HERE).list_custodies(ask).await.unwrap().into_inner().custodies;
    assert!(late.is_empty());
}
