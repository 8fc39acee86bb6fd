//! 进度: who follows an application live.

use std::time::Duration;

use tonic::Streaming;
use yiwang_proto::intake::v1 as pb;

use crate::world::{CITIZEN2, PLAIN, World, citizen, create, pdf, person, reason, update};

async fn watch(
    world: &World,
    account: &str,
    id: &str,
    after: i32,
) -> Result<Streaming<pb::ApplicationProgress>, tonic::Status> {
    let ask = pb::WatchApplicationRequest { id: id.into(), after };
    world.as_(account).watch_application(ask).await.map(tonic::Response::into_inner)
}

/// The next step, signs of life left out; none where the stream has ended.
async fn next(stream: &mut Streaming<pb::ApplicationProgress>) -> Option<(i32, String)> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), stream.message()).await.expect("nothing came");
        let message = message.unwrap()?;
        if let Some(step) = message.step {
            return Some((message.number, step.kind));
        }
    }
}

fn step(number: i32, kind: &str) -> Option<(i32, String)> {
    Some((number, kind.to_owned()))
}

pub async fn each_step_comes_as_it_happens_and_the_end_ends_it(world: World) {
    let submitted = world.submitted().await;
    let mut live = watch(&world, "citizen", &submitted.id, 0).await.unwrap();
    assert_eq!(next(&mut live).await, step(1, "Drafted"));
    assert_eq!(next(&mut live).await, step(2, "Submitted"));
    world.accept(&submitted.id).await.unwrap();
    assert_eq!(next(&mut live).await, step(3, "Accepted"));
    assert_eq!(next(&mut live).await, step(4, "Numbered"));
    drop(live);
    // gone on with from the last step that was seen: nothing twice, nothing left out
    let mut again = watch(&world, "citizen", &submitted.id, 3).await.unwrap();
    assert_eq!(next(&mut again).await, step(4, "Numbered"));
    world.withdraw(&submitted.id).await.unwrap();
    assert_eq!(next(&mut again).await, step(5, "WithdrawalRequested"));
    assert_eq!(next(&mut again).await, step(6, "Withdrawn"));
    assert_eq!(next(&mut again).await, None);
}

/// The next message, a sign of life too.
async fn message(stream: &mut Streaming<pb::ApplicationProgress>) -> Option<pb::ApplicationProgress> {
    tokio::time::timeout(Duration::from_secs(10), stream.message()).await.expect("nothing came").unwrap()
}

pub async fn who_has_seen_all_is_told_where_it_stands(world: World) {
    let submitted = world.submitted().await;
    let mut live = watch(&world, "citizen", &submitted.id, 2).await.unwrap();
    let life = message(&mut live).await.unwrap();
    assert_eq!((life.step, life.number, life.ended), (None, 2, false));
    assert_eq!(life.phase, i32::from(pb::ApplicationPhase::Submitted));
    world.withdraw(&submitted.id).await.unwrap();
    let last = message(&mut live).await.unwrap();
    assert_eq!((last.number, last.ended), (3, true));
    // asked for again, it says at once that nothing more will come
    let mut over = watch(&world, "citizen", &submitted.id, 3).await.unwrap();
    let life = message(&mut over).await.unwrap();
    assert_eq!((life.step, life.number, life.ended), (None, 3, true));
    assert_eq!(message(&mut over).await, None);
}

pub async fn a_slip_that_is_mended_again_is_seen_again(world: World) {
    let submitted = world.submitted().await;
    let mut live = watch(&world, "citizen", &submitted.id, 2).await.unwrap();
    for size in [300, 400] {
        world.upload(&submitted.id, "floor_plan", pdf(size)).await.unwrap();
        assert_eq!(next(&mut live).await, step(3, "CorrectedOnTheSpot"));
    }
}

pub async fn who_follows_holds_up_nobody(mut world: World) {
    world.config.limits.concurrency = 4;
    let world = world.restart().await;
    let submitted = world.submitted().await;
    let (mut client, mut followed) = (world.as_("citizen"), Vec::new());
    let ask = || pb::WatchApplicationRequest { id: submitted.id.clone(), after: 0 };
    for _ in 0..8 {
        followed.push(client.watch_application(ask()).await.unwrap().into_inner());
    }
    let refused = client.watch_application(ask()).await.unwrap_err();
    assert_eq!(reason(&refused), "OVERLOADED", "so much of one caller");
    assert_eq!(world.accept(&submitted.id).await.unwrap().phase(), pb::ApplicationPhase::Accepted);
    drop(followed);
    let again = async || client.clone().watch_application(ask()).await.ok();
    world.until(again).await;
}

pub async fn nobody_follows_what_they_may_not_read(world: World) {
    let draft = world.ready().await;
    for stranger in ["citizen2", "clerk"] {
        let refused = watch(&world, stranger, &draft.id, 0).await.unwrap_err();
        assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND", "{stranger}");
    }
    assert_eq!(reason(&watch(&world, "citizen", &draft.id, -1).await.unwrap_err()), "FIELD_INVALID");
}

pub async fn who_sees_it_no_more_follows_it_no_more(world: World) {
    let mut request = create(PLAIN);
    (request.applicant, request.agent) = (Some(person("李秀英", CITIZEN2)), Some(citizen()));
    let draft = world.as_("citizen2").create_application(request).await.unwrap().into_inner();
    let mut live = watch(&world, "citizen", &draft.id, 1).await.unwrap();
    assert_eq!(message(&mut live).await.unwrap().number, 1);
    let mask = yiwang_proto::field_mask::FieldMask { paths: vec!["agent".into()] };
    let alone = pb::UpdateApplicationRequest { update_mask: Some(mask), agent: None, ..update(&draft.id) };
    world.as_("citizen2").update_application(alone).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), live.message()).await.unwrap().unwrap_err();
    assert_eq!(reason(&ended), "APPLICATION_NOT_FOUND");
}

pub async fn a_process_that_stops_says_so(world: World) {
    let submitted = world.submitted().await;
    let mut live = watch(&world, "citizen", &submitted.id, 2).await.unwrap();
    assert_eq!(message(&mut live).await.unwrap().step, None);
    world.process.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), live.message()).await.unwrap().unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (tonic::Code::Unavailable, "SHUTTING_DOWN"));
}
