//! 通知: at least once, de-duplicated, never lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use yiwang_kit::new_request_id;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::notification_service_client::NotificationServiceClient;

use crate::applications::correction;
use crate::relay::concluded;
use crate::world::{CITIZEN2, PLAIN, World, citizen, create, fields, person, reason, struct_of};

fn notifications(world: &World, account: &str) -> NotificationServiceClient<yiwang_kit::Link> {
    NotificationServiceClient::new(world.link(account))
}

async fn list(world: &World, account: &str) -> Vec<pb::Notification> {
    let ask = pb::ListNotificationsRequest::default();
    notifications(world, account).list_notifications(ask).await.unwrap().into_inner().notifications
}

/// Waits until these have been told to the citizen and sent, oldest first.
pub async fn told(world: &World, kinds: &[&str]) -> Vec<pb::Notification> {
    let probe = async || {
        let mut all = list(world, "citizen").await;
        all.reverse();
        let sent = all.iter().all(|notification| notification.targets.iter().all(|target| target.send_time.is_some()));
        (sent && all.iter().map(|notification| notification.kind.as_str()).eq(kinds.iter().copied())).then_some(all)
    };
    world.until(probe).await
}

/// What lies in the folder of a channel.
fn spooled(world: &World, channel: &str) -> Vec<Value> {
    let folder = world.env.data_dir.join("notifications").join(channel);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap()).collect()
}

pub async fn each_step_is_told_once_and_says_nothing_of_the_person(world: World) {
    let submitted = world.submitted().await;
    world.accept(&submitted.id).await.unwrap();
    let all = told(&world, &["Submitted", "Accepted"]).await;
    assert_eq!((&all[1].application_id, &all[1].item_name), (&submitted.id, &submitted.item_name));
    assert!(all[1].text.contains("已于2026-03-02受理"), "{}", all[1].text);
    for text in all.iter().map(|notification| &notification.text) {
        assert!(!text.contains("张建国") && !text.contains("138"), "{text}");
    }
    let world = world.restart().await;
    let again = told(&world, &["Submitted", "Accepted"]).await;
    assert_eq!(
        again.iter().map(|notification| &notification.id).collect::<Vec<_>>(),
        all.iter().map(|notification| &notification.id).collect::<Vec<_>>()
    );
    let messages = spooled(&world, "sms");
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message["to"].as_str().unwrap().contains('*')), "{messages:?}");
    assert_eq!(spooled(&world, "app").len(), 2);
}

pub async fn who_wants_it_elsewhere_is_told_there(world: World) {
    let save = |contact: pb::Contact| pb::SaveContactRequest { request_id: new_request_id(), contact: Some(contact) };
    let mut client = notifications(&world, "citizen");
    let wrong = pb::Contact { phone: "12".into(), ..Default::default() };
    assert_eq!(fields(&client.save_contact(save(wrong)).await.unwrap_err())[0].0, "contact.phone");
    let wrong = pb::Contact { mail: "zhang at home".into(), ..Default::default() };
    assert_eq!(fields(&client.save_contact(save(wrong)).await.unwrap_err())[0].0, "contact.mail");
    let chosen = pb::Contact { no_sms: true, no_push: true, mail: "zhang@example.cn".into(), ..Default::default() };
    client.save_contact(save(chosen.clone())).await.unwrap();
    assert_eq!(client.get_contact(pb::GetContactRequest {}).await.unwrap().into_inner(), chosen);
    assert_eq!(
        reason(&notifications(&world, "clerk").save_contact(save(chosen)).await.unwrap_err()),
        "ACTION_NOT_PERMITTED"
    );
    world.submitted().await;
    let all = told(&world, &["Submitted"]).await;
    let channels: Vec<_> = all[0].targets.iter().map(pb::NotificationTarget::channel).collect();
    assert_eq!(channels, [pb::NotificationChannel::Mail]);
    assert_eq!((spooled(&world, "sms").len(), spooled(&world, "mail").len()), (0, 1));
}

pub async fn a_notification_is_its_addressees_alone(world: World) {
    world.submitted().await;
    let notification = told(&world, &["Submitted"]).await.remove(0);
    for other in ["citizen2", "clerk", "supervisor"] {
        assert!(list(&world, other).await.is_empty(), "{other}");
    }
    let read = || pb::ReadNotificationRequest { id: notification.id.clone(), request_id: new_request_id() };
    let refused = notifications(&world, "citizen2").read_notification(read()).await.unwrap_err();
    assert_eq!(reason(&refused), "NOTIFICATION_NOT_FOUND");
    assert!(notifications(&world, "citizen").read_notification(read()).await.unwrap().into_inner().read_time.is_some());
    let unread = pb::ListNotificationsRequest { unread: true, ..Default::default() };
    assert!(
        notifications(&world, "citizen")
            .list_notifications(unread)
            .await
            .unwrap()
            .into_inner()
            .notifications
            .is_empty()
    );
}

pub async fn who_is_erased_is_told_nothing_more(world: World) {
    let submitted = world.submitted().await;
    told(&world, &["Submitted"]).await;
    world.erase_citizen().await;
    let accept = pb::RefuseApplicationRequest {
        id: submitted.id.clone(),
        request_id: new_request_id(),
        ground: pb::RefusalGround::NoPermissionNeeded.into(),
        reason: "依法不需要取得行政许可".into(),
        ..Default::default()
    };
    world.as_("clerk").refuse_application(accept).await.unwrap();
    // what comes after it in the feed is told: so was all before it
    let mut create = create(PLAIN);
    create.applicant = Some(person("李秀英", CITIZEN2));
    create.form = Some(struct_of(serde_json::json!({"subject": "一"})));
    let other = world.as_("citizen2").create_application(create).await.unwrap().into_inner();
    let submit = pb::SubmitApplicationRequest { id: other.id, request_id: new_request_id(), ..Default::default() };
    world.as_("citizen2").submit_application(submit).await.unwrap();
    world.until(async || (!list(&world, "citizen2").await.is_empty()).then_some(())).await;
    let entries = world.ledger().feed(0, 500).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.kind == "NotificationComposed").count(), 2, "one each");
}

pub async fn a_draft_tells_nobody_anything(world: World) {
    let mut create = create(PLAIN);
    (create.applicant, create.agent) = (Some(person("李秀英", CITIZEN2)), Some(citizen()));
    let draft = world.as_("citizen").create_application(create).await.unwrap().into_inner();
    world.withdraw(&draft.id).await.unwrap();
    // what comes after it in the feed is told: so was all before it
    let submitted = world.submitted().await;
    told(&world, &["Submitted"]).await;
    world.accept(&submitted.id).await.unwrap();
    told(&world, &["Submitted", "Accepted"]).await;
    assert!(list(&world, "citizen2").await.is_empty());
}

pub async fn who_was_too_late_has_not_withdrawn(world: World) {
    let submitted = world.submitted().await;
    world.as_("clerk").request_correction(correction(&submitted.id)).await.unwrap();
    told(&world, &["Submitted", "CorrectionRequested"]).await;
    world.day(2026, 4, 2);
    let late = told(&world, &["Submitted", "CorrectionRequested", "Withdrawn"]).await.pop().unwrap();
    assert!(late.text.contains("未在期限内补正，视为撤回"), "{}", late.text);
}

pub async fn a_result_is_told_once_though_its_decision_comes_later(world: World) {
    let accepted = world.accepted().await;
    let mut approval = world.by_service("approval");
    approval.record_conclusion(concluded(&accepted.id, "decided", "")).await.unwrap();
    approval.record_conclusion(concluded(&accepted.id, "issued", "2026-000001")).await.unwrap();
    let kinds = ["Submitted", "Accepted", "Concluded", "ResultIssued"];
    told(&world, &kinds).await;
    let mut document = concluded(&accepted.id, "document", "2026-000001");
    document.conclusion.as_mut().unwrap().document_number = "广卫许决〔2026〕1号".into();
    approval.record_conclusion(document).await.unwrap();
    assert_eq!(world.read("citizen", &accepted.id).await.conclusion.unwrap().document_number, "广卫许决〔2026〕1号");
    // the next is told: so was the document
    world.submitted().await;
    told(&world, &[&kinds[..], &["Submitted"]].concat()).await;
}

async fn provider(world: World, router: Router) -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/sms", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let file = world.config.data_dir.join("notifications.toml");
    std::fs::write(file, format!("[sms]\naddress = \"{address}\"\n")).unwrap();
    world.restart().await
}

pub async fn what_a_provider_will_never_take_is_written_down(world: World) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let refuse = move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(StatusCode::UNPROCESSABLE_ENTITY)
    };
    let world = provider(world, Router::new().route("/sms", post(refuse))).await;
    world.submitted().await;
    let failed = async || {
        let all = list(&world, "citizen").await;
        let target = all.first()?.targets.iter().find(|target| target.channel() == pb::NotificationChannel::Sms)?;
        target.fail_time.map(|_| target.send_time)
    };
    assert_eq!(world.until(failed).await, None);
    world.until(async || world.ledger().parked().await.unwrap().is_empty().then_some(())).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1, "asked of nobody again");
}

/// Counts who gave up waiting.
struct GivenUp(Arc<AtomicU32>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub async fn a_provider_that_hangs_holds_up_no_other_channel(world: World) {
    let given_up = Arc::new(AtomicU32::new(0));
    let count = given_up.clone();
    let hang = move || {
        let waiting = GivenUp(count.clone());
        async move {
            std::future::pending::<()>().await;
            drop(waiting);
            StatusCode::OK
        }
    };
    let world = provider(world, Router::new().route("/sms", post(hang))).await;
    world.submitted().await;
    world.until(async || (spooled(&world, "app").len() == 1).then_some(())).await;
    assert_eq!(given_up.load(Ordering::SeqCst), 0, "pushed while the telephone was still being tried");
}

/// A provider that fails first, then takes a message and loses its answer, and then goes right.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<(u32, BTreeMap<String, u32>)>>);

async fn take(State(desk): State<Desk>, Json(message): Json<Value>) -> StatusCode {
    let mut told = desk.0.lock().unwrap();
    told.0 += 1;
    if told.0 == 1 {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = message["id"].as_str().unwrap().to_owned();
    assert!(message["to"].as_str().unwrap().starts_with("138"), "{message}");
    *told.1.entry(id).or_default() += 1;
    if told.0 == 2 { StatusCode::BAD_GATEWAY } else { StatusCode::NO_CONTENT }
}

pub async fn a_provider_that_fails_is_asked_again_with_the_same_id(world: World) {
    let desk = Desk::default();
    let world = provider(world, Router::new().route("/sms", post(take)).with_state(desk.clone())).await;
    world.submitted().await;
    told(&world, &["Submitted"]).await;
    let (asked, taken) = desk.0.lock().unwrap().clone();
    assert_eq!((asked, taken.len(), taken.values().copied().max()), (3, 1, Some(2)), "one message, twice");
}
