//! 进度: who follows an application live.

use std::time::Duration;

use tonic::Streaming;
use yiwang_proto::intake::v1 as pb;

use crate::world::{World, reason};

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

pub async fn nobody_follows_what_they_may_not_read(world: World) {
    let draft = world.ready().await;
    for stranger in ["citizen2", "clerk"] {
        let refused = watch(&world, stranger, &draft.id, 0).await.unwrap_err();
        assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND", "{stranger}");
    }
    assert_eq!(reason(&watch(&world, "citizen", &draft.id, -1).await.unwrap_err()), "FIELD_INVALID");
    // who sees it at the window sees it no more once it is not there any more
    world.submit(&draft.id).await.unwrap();
    let mut live = watch(&world, "clerk", &draft.id, 2).await.unwrap();
    world.accept(&draft.id).await.unwrap();
    assert_eq!(next(&mut live).await, step(3, "Accepted"));
}

pub async fn a_process_that_stops_says_so(world: World) {
    let submitted = world.submitted().await;
    let mut live = watch(&world, "citizen", &submitted.id, 2).await.unwrap();
    world.process.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), live.message()).await.unwrap().unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (tonic::Code::Unavailable, "SHUTTING_DOWN"));
}
