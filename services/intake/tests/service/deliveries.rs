//! 送达: window, post with a carrier that fails, repeats and delays, locker, electronic, and the 送达回证.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use yiwang_kit::{Link, new_request_id};
use yiwang_ledger::Timestamp;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::document::v1::DocumentKind;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::delivery_service_client::DeliveryServiceClient;
use yiwang_proto::intake::v1::document_service_client::DocumentServiceClient;
use yiwang_proto::intake::v1::fee_service_client::FeeServiceClient;
use yiwang_proto::intake::v1::joint_service_client::JointServiceClient;
use yiwang_proto::intake::v1::mandate_service_client::MandateServiceClient;

use crate::details::{rich, with};
use crate::directory::{ITEM, publish, ready};
use crate::joints;
use crate::world::{CITIZEN2, HYGIENE, World, citizen, pdf, person, reason, struct_of};

pub fn deliveries(world: &World, account: &str) -> DeliveryServiceClient<Link> {
    DeliveryServiceClient::new(world.link(account))
}

/// Approval tells how the case ended, and what came of it.
pub async fn conclude(world: &World, id: &str, granted: bool, number: &str) {
    let mut result =
        pb::IssuedResult { name: "公共场所卫生许可证".into(), number: number.into(), ..Default::default() };
    result.set_kind(items::ResultKind::License);
    let told = pb::RecordConclusionRequest {
        request_id: new_request_id(),
        application_id: id.into(),
        conclusion: Some(pb::Conclusion {
            granted,
            decided_date: "2026-03-02".into(),
            case_id: id.into(),
            document_number: if granted { String::new() } else { number.into() },
            result: (granted && !number.is_empty()).then_some(result),
        }),
        actor: None,
    };
    world.by_service("approval").record_conclusion(told).await.unwrap();
}

pub async fn of(world: &World, who: &str, application: &str) -> Option<pb::Delivery> {
    let ask = pb::ListDeliveriesRequest { application_id: application.into(), ..Default::default() };
    let found = deliveries(world, who).list_deliveries(ask).await.unwrap().into_inner().deliveries;
    found.into_iter().next()
}

pub async fn read(world: &World, who: &str, id: &str) -> pb::Delivery {
    deliveries(world, who).get_delivery(pb::GetDeliveryRequest { id: id.into() }).await.unwrap().into_inner()
}

pub async fn until(world: &World, id: &str, wanted: impl Fn(&pb::Delivery) -> bool) -> pb::Delivery {
    world
        .until(async || {
            let now = read(world, "citizen", id).await;
            wanted(&now).then_some(now)
        })
        .await
}

/// An application that was granted, its licence there: the application, and its delivery.
async fn granted(world: &World) -> (String, pb::Delivery) {
    let accepted = world.accepted().await;
    conclude(world, &accepted.id, true, "川卫公证字〔2026〕第1号").await;
    let at = |one: &pb::Delivery| one.stage() == pb::DeliveryStage::Ready;
    let found = world.until(async || of(world, "citizen", &accepted.id).await.filter(at)).await;
    (accepted.id, found)
}

pub fn choose(id: &str, manner: pb::DeliveryManner) -> pb::ChooseMannerRequest {
    let recipient =
        pb::ParcelRecipient {
            name: "张建国".into(), phone: "13812345678".into(), address: "广安区滨江路88号".into()
        };
    pb::ChooseMannerRequest {
        id: id.into(),
        request_id: new_request_id(),
        manner: manner.into(),
        recipient: (manner == pb::DeliveryManner::Post).then_some(recipient),
        locker_site: if manner == pb::DeliveryManner::Locker { "GA-01".into() } else { String::new() },
        ..Default::default()
    }
}

pub async fn hand_out(world: &World, id: &str, name: &str, number: &str) -> Result<pb::Delivery, tonic::Status> {
    let ask = pb::HandOutResultRequest {
        id: id.into(),
        request_id: new_request_id(),
        collector: Some(person(name, number)),
        ..Default::default()
    };
    deliveries(world, "clerk").hand_out_result(ask).await.map(tonic::Response::into_inner)
}

pub async fn what_was_granted_is_handed_out_at_the_window_and_has_its_proof(world: World) {
    let accepted = world.accepted().await;
    conclude(&world, &accepted.id, true, "").await;
    let begun = world.until(async || of(&world, "citizen", &accepted.id).await).await;
    let due = begun.due.as_ref().unwrap();
    assert_eq!((begun.stage(), due.date.as_str()), (pb::DeliveryStage::Preparing, "2026-03-16"));
    assert!(due.explanation.contains("第四十四条"), "{due:?}");
    let early = hand_out(&world, &begun.id, "张建国", crate::world::CITIZEN).await.unwrap_err();
    assert_eq!(reason(&early), "DELIVERY_NOT_AT_STAGE");
    conclude(&world, &accepted.id, true, "川卫公证字〔2026〕第1号").await;
    until(&world, &begun.id, |one| one.stage() == pb::DeliveryStage::Ready).await;
    let nobody = deliveries(&world, "clerk")
        .hand_out_result(pb::HandOutResultRequest {
            id: begun.id.clone(),
            request_id: new_request_id(),
            ..Default::default()
        })
        .await
        .unwrap_err();
    assert_eq!(reason(&nobody), "COLLECTOR_MISSING");
    assert_eq!(reason(&hand_out(&world, &begun.id, "李秀英", CITIZEN2).await.unwrap_err()), "MANDATE_MISSING");
    let done = hand_out(&world, &begun.id, "张建国", crate::world::CITIZEN).await.unwrap();
    let outcome = done.outcome.as_ref().unwrap();
    assert_eq!((outcome.way(), outcome.late, done.proof_numbers.len()), (pb::ServiceWay::Collected, false, 1));
    let again = hand_out(&world, &begun.id, "张建国", crate::world::CITIZEN).await.unwrap_err();
    assert_eq!(reason(&again), "DELIVERY_NOT_AT_STAGE");
    // the proof is among the application's documents
    let ask = pb::ListDocumentsRequest { application_id: accepted.id.clone(), ..Default::default() };
    let papers = DocumentServiceClient::new(world.link("citizen")).list_documents(ask).await.unwrap().into_inner();
    let proof = papers.documents.iter().find(|one| one.kind() == DocumentKind::ProofOfService).unwrap();
    assert_eq!(proof.number, done.proof_numbers[0]);
    // who is not theirs sees nothing; who watches sees it masked
    assert!(of(&world, "citizen2", &accepted.id).await.is_none());
    let get = pb::GetDeliveryRequest { id: begun.id.clone() };
    assert_eq!(reason(&deliveries(&world, "citizen2").get_delivery(get).await.unwrap_err()), "DELIVERY_NOT_FOUND");
    let watched = read(&world, "supervisor", &begun.id).await;
    assert!(watched.addressee.unwrap().name.contains('*') && watched.outcome.unwrap().collector.is_none());
}

pub async fn who_collects_for_another_has_a_mandate_to_receive(world: World) {
    let (_, delivery) = Box::pin(granted(&world)).await;
    let grant = async |act: pb::MandateAct| {
        let ask = pb::GrantMandateRequest {
            request_id: new_request_id(),
            principal: Some(citizen()),
            agent: Some(person("李秀英", CITIZEN2)),
            kind: pb::MandateKind::Entrusted.into(),
            items: vec![HYGIENE.into()],
            acts: vec![act.into()],
            until_date: "2026-03-31".into(),
            ..Default::default()
        };
        MandateServiceClient::new(world.link("citizen")).grant_mandate(ask).await.unwrap().into_inner()
    };
    grant(pb::MandateAct::Apply).await;
    assert_eq!(reason(&hand_out(&world, &delivery.id, "李秀英", CITIZEN2).await.unwrap_err()), "MANDATE_MISSING");
    let held = grant(pb::MandateAct::Receive).await;
    let done = hand_out(&world, &delivery.id, "李秀英", CITIZEN2).await.unwrap();
    let outcome = done.outcome.unwrap();
    assert_eq!((outcome.mandate_id, outcome.collector.unwrap().name), (held.id, "李秀英".into()));
}

/// What the carrier is told to do, and what it was asked.
#[derive(Default)]
pub struct Told {
    away: usize,
    said: Value,
    asked: Vec<Value>,
}

#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Told>>);

impl Desk {
    pub fn say(&self, said: Value) {
        self.0.lock().unwrap().said = said;
    }

    fn numbers(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.iter().map(|ask| ask["number"].as_str().unwrap().to_owned()).collect()
    }
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, Json(ask): Json<Value>) -> (StatusCode, Json<Value>) {
    assert_eq!(headers["authorization"], "Bearer s3cret");
    let mut told = desk.0.lock().unwrap();
    assert_eq!((ask["address"].as_str(), ask["phone"].as_str()), (Some("广安区滨江路88号"), Some("13812345678")));
    told.asked.push(ask);
    if told.away > 0 {
        told.away -= 1;
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    (StatusCode::OK, Json(told.said.clone()))
}

/// The same world with a carrier at the end of a line.
pub async fn carried(world: World) -> (World, Desk) {
    let desk = Desk::default();
    desk.say(json!({"state": "under_way", "tracking": "E1", "moves": [{"time": 1_772_420_000, "text": "已揽收"}]}));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/ship", listener.local_addr().unwrap());
    let router = Router::new().route("/ship", post(answer)).with_state(desk.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = world.folder.path().to_owned();
    let token = folder.join("carrier.token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let file = format!("[carrier]\naddress = \"{address}\"\ntoken_file = {token:?}\n");
    std::fs::write(folder.join("carriers.toml"), file).unwrap();
    (world.restart().await, desk)
}

pub async fn dispatch(world: &World, id: &str) -> Result<pb::Delivery, tonic::Status> {
    let ask = pb::DispatchDeliveryRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    deliveries(world, "clerk").dispatch_delivery(ask).await.map(tonic::Response::into_inner)
}

fn later(world: &World, minutes: i64) {
    let now = world.ledger().host().now();
    world.process.legal.set_to(Timestamp(now.0 + minutes * 60_000_000)).unwrap();
}

async fn notify(world: &World, who: &str, number: &str) -> Result<pb::NotifyParcelResponse, tonic::Status> {
    let notice = pb::NotifyParcelRequest { parcel_number: number.into(), request_id: new_request_id() };
    deliveries(world, who).notify_parcel(notice).await.map(tonic::Response::into_inner)
}

pub async fn a_parcel_is_tracked_whatever_the_carrier_does(world: World) {
    let (world, desk) = Box::pin(carried(world)).await;
    let (_, delivery) = Box::pin(granted(&world)).await;
    assert_eq!(reason(&dispatch(&world, &delivery.id).await.unwrap_err()), "MANNER_DIFFERS");
    let mut incomplete = choose(&delivery.id, pb::DeliveryManner::Post);
    incomplete.recipient.as_mut().unwrap().phone.clear();
    let refused = deliveries(&world, "citizen").choose_manner(incomplete).await.unwrap_err();
    assert_eq!(reason(&refused), "RECIPIENT_MISSING");
    let ask = choose(&delivery.id, pb::DeliveryManner::Post);
    deliveries(&world, "citizen").choose_manner(ask).await.unwrap();
    // away for whoever comes first, and for the other, should it still ask: the handler and the relay go for it side by side
    desk.0.lock().unwrap().away = usize::MAX;
    dispatch(&world, &delivery.id).await.unwrap();
    until(&world, &delivery.id, |one| one.etag.parse::<u64>().unwrap() >= 5).await;
    // it is asked again by the clock
    desk.0.lock().unwrap().away = 0;
    later(&world, 31);
    let tracked = until(&world, &delivery.id, |one| one.parcels[0].tracking_number == "E1").await;
    let number = tracked.parcels[0].number.clone();
    // told the same again, nothing stands twice
    let so_far = desk.numbers().len();
    later(&world, 61);
    world.until(async || (desk.numbers().len() > so_far).then_some(())).await;
    desk.say(json!({"state": "delivered", "signed_by": "张建国", "moves": [
        {"time": 1_772_420_000, "text": "已揽收"}, {"time": 1_772_430_000, "text": "已签收"}]}));
    assert_eq!(reason(&notify(&world, "partner", &number).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&notify(&world, "courier", "YJ0").await.unwrap_err()), "PARCEL_NOT_FOUND");
    let done = world
        .until(async || {
            notify(&world, "courier", &number).await.unwrap();
            let now = read(&world, "citizen", &delivery.id).await;
            (!now.proof_numbers.is_empty()).then_some(now)
        })
        .await;
    let outcome = done.outcome.unwrap();
    assert_eq!((outcome.way(), outcome.note.as_str()), (pb::ServiceWay::Posted, "张建国"));
    let moves: Vec<&str> = done.parcels[0].moves.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(moves, ["已揽收", "已签收"]);
    assert!(desk.numbers().iter().all(|asked| *asked == number), "{:?}", desk.numbers());
    // neither address nor moves stand in a list
    let listed = of(&world, "clerk", &done.application_ids[0]).await.unwrap();
    assert!(listed.recipient.is_none() && listed.parcels[0].moves.is_empty());
}

pub async fn what_comes_back_goes_again_and_what_is_lost_is_made_again(world: World) {
    let (world, desk) = Box::pin(carried(world)).await;
    let (_, delivery) = Box::pin(granted(&world)).await;
    let ask = choose(&delivery.id, pb::DeliveryManner::Post);
    deliveries(&world, "clerk").choose_manner(ask).await.unwrap();
    desk.say(json!({"state": "returned", "reason": "拒收", "moves": []}));
    dispatch(&world, &delivery.id).await.unwrap();
    let back = until(&world, &delivery.id, |one| one.parcels[0].end() == pb::ParcelEnd::Returned).await;
    assert_eq!((back.stage(), back.parcels[0].reason.as_str()), (pb::DeliveryStage::Ready, "拒收"));
    desk.say(json!({"state": "lost", "reason": "车辆事故"}));
    dispatch(&world, &delivery.id).await.unwrap();
    until(&world, &delivery.id, |one| one.stage() == pb::DeliveryStage::Lost).await;
    assert_eq!(reason(&dispatch(&world, &delivery.id).await.unwrap_err()), "DELIVERY_NOT_AT_STAGE");
    let remade = pb::RecordRemadeRequest {
        id: delivery.id.clone(),
        request_id: new_request_id(),
        number: "川卫公证字〔2026〕第1-1号".into(),
        ..Default::default()
    };
    let again = deliveries(&world, "clerk").record_remade(remade).await.unwrap().into_inner();
    assert_eq!(
        (again.stage(), again.results[0].number.as_str()),
        (pb::DeliveryStage::Ready, "川卫公证字〔2026〕第1-1号")
    );
    // who would not take it has it left with them, before witnesses
    let leave = |witnesses: &[&str]| pb::LeaveDeliveryRequest {
        id: delivery.id.clone(),
        request_id: new_request_id(),
        reason: "受送达人拒绝签收".into(),
        place: "广安区滨江路88号".into(),
        witnesses: witnesses.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    let alone = deliveries(&world, "clerk").leave_delivery(leave(&[])).await.unwrap_err();
    assert_eq!(reason(&alone), "WITNESS_MISSING");
    let left = deliveries(&world, "clerk").leave_delivery(leave(&["李四"])).await.unwrap().into_inner();
    let outcome = left.outcome.unwrap();
    assert_eq!((outcome.way(), outcome.witnesses), (pb::ServiceWay::Left, vec!["李四".to_owned()]));
    assert_eq!(left.proof_numbers.len(), 1);
}

async fn put(world: &World, id: &str, compartment: &str) -> Result<pb::Delivery, tonic::Status> {
    let ask = pb::PutInLockerRequest {
        id: id.into(),
        request_id: new_request_id(),
        compartment: compartment.into(),
        ..Default::default()
    };
    deliveries(world, "clerk").put_in_locker(ask).await.map(tonic::Response::into_inner)
}

async fn open(world: &World, compartment: &str, code: &str) -> Result<pb::OpenLockerResponse, tonic::Status> {
    let ask = pb::OpenLockerRequest {
        site: "GA-01".into(),
        compartment: compartment.into(),
        request_id: new_request_id(),
        code: code.into(),
    };
    deliveries(world, "locker").open_locker(ask).await.map(tonic::Response::into_inner)
}

pub async fn a_locker_opens_with_its_code_and_what_nobody_takes_is_put_back(world: World) {
    let (_, delivery) = Box::pin(granted(&world)).await;
    let ask = choose(&delivery.id, pb::DeliveryManner::Locker);
    deliveries(&world, "citizen").choose_manner(ask).await.unwrap();
    let lies = put(&world, &delivery.id, "A1").await.unwrap();
    // the clerk sees no code
    assert_eq!((lies.stage(), lies.locker_code.as_str()), (pb::DeliveryStage::InLocker, ""));
    let (_, other) = Box::pin(granted(&world)).await;
    let ask = choose(&other.id, pb::DeliveryManner::Locker);
    deliveries(&world, "citizen").choose_manner(ask).await.unwrap();
    assert_eq!(reason(&put(&world, &other.id, "A1").await.unwrap_err()), "COMPARTMENT_TAKEN");
    let code = read(&world, "citizen", &delivery.id).await.locker_code;
    assert_eq!(code.len(), 8);
    assert_eq!(reason(&open(&world, "A2", &code).await.unwrap_err()), "LOCKER_EMPTY");
    for left in [4, 3, 2, 1, 0] {
        let tried = open(&world, "A1", "wrong").await.unwrap();
        assert_eq!((tried.opened, tried.tries_left), (false, left));
    }
    // the right code comes too late
    assert_eq!(reason(&open(&world, "A1", &code).await.unwrap_err()), "DELIVERY_NOT_AT_STAGE");
    let back = async || {
        let ask = pb::PutBackRequest { id: delivery.id.clone(), request_id: new_request_id(), ..Default::default() };
        deliveries(&world, "clerk").put_back(ask).await.map(tonic::Response::into_inner)
    };
    assert_eq!(back().await.unwrap().stage(), pb::DeliveryStage::Ready);
    // nobody takes it for three days
    put(&world, &delivery.id, "A1").await.unwrap();
    world.day(2026, 3, 6);
    until(&world, &delivery.id, |one| one.stage() == pb::DeliveryStage::Lapsed).await;
    back().await.unwrap();
    put(&world, &delivery.id, "A1").await.unwrap();
    let second = read(&world, "citizen", &delivery.id).await.locker_code;
    assert_ne!(second, code);
    assert!(open(&world, "A1", &second).await.unwrap().opened);
    let done = read(&world, "citizen", &delivery.id).await;
    assert_eq!((done.outcome.unwrap().way(), done.proof_numbers.len()), (pb::ServiceWay::FromLocker, 1));
    // the compartment is free again
    put(&world, &other.id, "A1").await.unwrap();
}

pub async fn what_is_electronic_arrives_with_consent_and_once_it_is_paid(world: World) {
    let mut details = rich();
    details.charges[0].set_paid_before(items::PaidBefore::HandingOut);
    let id = ready(&world, with(details)).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let draft = world.draft(ITEM, struct_of(json!({}))).await;
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    world.submit(&draft.id).await.unwrap();
    world.accept(&draft.id).await.unwrap();
    let fees = || FeeServiceClient::new(world.link("clerk"));
    let assess = pb::AssessFeeRequest {
        application_id: draft.id.clone(),
        request_id: new_request_id(),
        line_code: "F01".into(),
        ..Default::default()
    };
    fees().assess_fee(assess).await.unwrap();
    conclude(&world, &draft.id, true, "批准〔2026〕1号").await;
    let at = |one: &pb::Delivery| one.stage() == pb::DeliveryStage::Ready;
    let delivery = world.until(async || of(&world, "citizen", &draft.id).await.filter(at)).await;
    let unpaid = hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await.unwrap_err();
    assert_eq!(reason(&unpaid), "FEE_UNPAID");
    let mut ask = choose(&delivery.id, pb::DeliveryManner::Electronic);
    let refused = deliveries(&world, "citizen").choose_manner(ask.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "CONSENT_MISSING");
    (ask.electronic_consent, ask.request_id) = (true, new_request_id());
    let waits = deliveries(&world, "citizen").choose_manner(ask).await.unwrap().into_inner();
    assert_eq!(waits.stage(), pb::DeliveryStage::Ready);
    let bill =
        pb::IssueBillRequest { application_id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let bill = fees().issue_bill(bill).await.unwrap().into_inner().bills[0].number.clone();
    let pay = pb::PayBillRequest {
        application_id: draft.id.clone(),
        request_id: new_request_id(),
        bill_number: bill,
        ..Default::default()
    };
    // the demonstration counts as paid at once
    FeeServiceClient::new(world.link("citizen")).pay_bill(pay).await.unwrap();
    let done = until(&world, &delivery.id, |one| !one.proof_numbers.is_empty()).await;
    assert_eq!(done.outcome.unwrap().way(), pb::ServiceWay::Arrived);
}

pub async fn who_is_late_is_seen_and_a_refusal_is_served_too(world: World) {
    let (_, delivery) = Box::pin(granted(&world)).await;
    world.day(2026, 3, 16);
    assert!(!read(&world, "citizen", &delivery.id).await.overdue);
    world.day(2026, 3, 17);
    until(&world, &delivery.id, |one| one.overdue).await;
    let ask = pb::ListDeliveriesRequest { overdue: true, ..Default::default() };
    let seen = deliveries(&world, "supervisor").list_deliveries(ask).await.unwrap().into_inner();
    assert_eq!(seen.deliveries.len(), 1);
    let done = hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await.unwrap();
    assert!(done.outcome.unwrap().late);
    // what turns somebody down is served with its number, and art. 44 sets no date for it
    let other = world.accepted().await;
    conclude(&world, &other.id, false, "BX1").await;
    let refused =
        world.until(async || of(&world, "citizen", &other.id).await.filter(|one| !one.results.is_empty())).await;
    assert_eq!((refused.results[0].name.as_str(), refused.results[0].number.as_str()), ("不予行政许可决定书", "BX1"));
    assert!(refused.due.is_none());
}

pub async fn what_the_carrier_does_not_say_a_person_says_and_who_contradicts_is_seen(world: World) {
    let (world, desk) = Box::pin(carried(world)).await;
    let (_, delivery) = Box::pin(granted(&world)).await;
    let ask = choose(&delivery.id, pb::DeliveryManner::Post);
    deliveries(&world, "citizen").choose_manner(ask).await.unwrap();
    desk.0.lock().unwrap().away = 1000;
    let sent = dispatch(&world, &delivery.id).await.unwrap();
    let end = |end: pb::ParcelEnd| pb::EndParcelRequest {
        id: delivery.id.clone(),
        request_id: new_request_id(),
        end: end.into(),
        reason: "寄递企业停业".into(),
        ..Default::default()
    };
    let at_the_window = async || hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await;
    assert_eq!(reason(&at_the_window().await.unwrap_err()), "DELIVERY_NOT_AT_STAGE");
    let said = deliveries(&world, "clerk").end_parcel(end(pb::ParcelEnd::Delivered)).await.unwrap_err();
    assert_eq!(reason(&said), "FIELD_INVALID");
    let refused = deliveries(&world, "citizen").end_parcel(end(pb::ParcelEnd::Returned)).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    let back = deliveries(&world, "clerk").end_parcel(end(pb::ParcelEnd::Returned)).await.unwrap().into_inner();
    assert_eq!((back.stage(), back.parcels[0].by_hand), (pb::DeliveryStage::Ready, true));
    at_the_window().await.unwrap();
    // days later the carrier says that it delivered it
    desk.0.lock().unwrap().away = 0;
    desk.say(json!({"state": "delivered", "signed_by": "门卫"}));
    notify(&world, "courier", &sent.parcels[0].number).await.unwrap();
    let seen = until(&world, &delivery.id, |one| one.parcels[0].contradicted).await;
    assert_eq!(seen.outcome.unwrap().way(), pb::ServiceWay::Collected);
    let ask = pb::ListDeliveriesRequest { contradicted: true, ..Default::default() };
    let listed = deliveries(&world, "supervisor").list_deliveries(ask).await.unwrap().into_inner().deliveries;
    assert_eq!(listed.len(), 1);
}

/// An inn whose hygiene permit was granted, while its fire check is not decided.
async fn half_granted(world: &World) -> (pb::JointApplication, pb::Delivery) {
    let joint = joints::draft(world, false).await;
    let running = joints::submit(world, &joint.id).await.unwrap();
    joints::grant(world, &running, "hygiene", &joints::HYGIENE_PAPERS, "卫公证字2026第1号").await;
    let application = joints::member(&joint, "hygiene").application_id.clone();
    let there = |one: &pb::Delivery| !one.results.is_empty();
    let delivery = world.until(async || of(world, "citizen", &application).await.filter(there)).await;
    joints::until(world, &joint.id, "fire", pb::JointMemberState::Running).await;
    (joint, delivery)
}

pub async fn what_is_handed_out_together_waits_no_longer_than_its_own_date_allows(world: World) {
    let (joint, delivery) = half_granted(&world).await;
    // its date runs from its own decision, and is seen while it waits
    assert_eq!(
        (delivery.stage(), delivery.due.as_ref().unwrap().date.as_str()),
        (pb::DeliveryStage::Preparing, "2026-03-16")
    );
    assert_eq!(delivery.gathers_until.as_ref().unwrap().date, "2026-03-11");
    let early = hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await.unwrap_err();
    assert_eq!(reason(&early), "DELIVERY_NOT_AT_STAGE");
    world.day(2026, 3, 12);
    until(&world, &delivery.id, |one| one.stage() == pb::DeliveryStage::Ready).await;
    let done = hand_out(&world, &delivery.id, "张建国", crate::world::CITIZEN).await.unwrap();
    assert!(!done.outcome.unwrap().late);
    // what is granted after that goes by itself, with its own date
    let fire = joints::member(&joint, "fire").application_id.clone();
    let accepted = async || world.read("citizen", &fire).await.phase() == pb::ApplicationPhase::Accepted;
    world.until(async || accepted().await.then_some(())).await;
    joints::told(&world, &fire, true, "消字2026第1号").await;
    let at = |one: &pb::Delivery| one.stage() == pb::DeliveryStage::Ready;
    let other = world.until(async || of(&world, "citizen", &fire).await.filter(at)).await;
    assert_eq!((other.id == delivery.id, other.application_ids), (false, vec![fire]));
}

pub async fn each_of_several_that_were_lost_has_its_own_new_number(world: World) {
    let (world, desk) = Box::pin(carried(world)).await;
    let (joint, delivery) = half_granted(&world).await;
    joints::grant(&world, &joint, "fire", &["fire_system", "layout"], "消字2026第1号").await;
    let bank = pb::RecordPartnerStepRequest {
        id: joint.id.clone(),
        member_code: "bank".into(),
        request_id: new_request_id(),
        done: true,
        number: "6222".into(),
        ..Default::default()
    };
    JointServiceClient::new(world.link("clerk")).record_partner_step(bank).await.unwrap();
    until(&world, &delivery.id, |one| one.stage() == pb::DeliveryStage::Ready).await;
    let ask = choose(&delivery.id, pb::DeliveryManner::Post);
    deliveries(&world, "clerk").choose_manner(ask).await.unwrap();
    desk.say(json!({"state": "lost", "reason": "车辆事故"}));
    dispatch(&world, &delivery.id).await.unwrap();
    let lost = until(&world, &delivery.id, |one| one.stage() == pb::DeliveryStage::Lost).await;
    let remade = async |number: &str, remade: Vec<pb::RemadeResult>| {
        let ask = pb::RecordRemadeRequest {
            id: delivery.id.clone(),
            request_id: new_request_id(),
            number: number.into(),
            remade,
            ..Default::default()
        };
        deliveries(&world, "clerk").record_remade(ask).await.map(tonic::Response::into_inner)
    };
    assert_eq!(reason(&remade("卫公证字2026第1-1号", Vec::new()).await.unwrap_err()), "RESULT_UNKNOWN");
    let first = pb::RemadeResult {
        application_id: lost.results[0].application_id.clone(),
        number: "卫公证字2026第1-1号".into(),
    };
    let stranger = pb::RemadeResult { application_id: joint.id.clone(), ..first.clone() };
    assert_eq!(reason(&remade("", vec![stranger]).await.unwrap_err()), "RESULT_UNKNOWN");
    let again = remade("", vec![first]).await.unwrap();
    let numbers: Vec<&str> = again.results.iter().map(|result| result.number.as_str()).collect();
    assert_eq!(numbers, ["卫公证字2026第1-1号", "消字2026第1号"]);
}

pub async fn what_turns_somebody_down_waits_for_no_other(world: World) {
    let joint = joints::draft(&world, true).await;
    let running = joints::submit(&world, &joint.id).await.unwrap();
    let id = joints::member(&running, "hygiene").application_id.clone();
    for material in joints::HYGIENE_PAPERS {
        world.upload(&id, material, pdf(200)).await.unwrap();
    }
    world.accept(&id).await.unwrap();
    // the branch is not decided
    conclude(&world, &id, false, "BX1").await;
    let at = |one: &pb::Delivery| one.stage() == pb::DeliveryStage::Ready;
    let refused = world.until(async || of(&world, "citizen", &id).await.filter(at)).await;
    assert_eq!((refused.results[0].number.as_str(), refused.application_ids.len()), ("BX1", 1));
    hand_out(&world, &refused.id, "张建国", crate::world::CITIZEN).await.unwrap();
}
