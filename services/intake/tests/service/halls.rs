//! 应进必进: what a hall takes, and the board of what is missing.

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::hall_service_client::HallServiceClient;

use crate::world::{FIRE, HYGIENE, World, reason};

const HALL: &str = "GA-01";

fn halls(world: &World, account: &str) -> HallServiceClient<yiwang_kit::Link> {
    HallServiceClient::new(world.link(account))
}

async fn publish(world: &World, who: &str, region: &str) -> Result<pb::Hall, tonic::Status> {
    let hall = pb::Hall {
        hall_code: HALL.into(),
        name: "区政务服务中心".into(),
        region_code: region.into(),
        address: "金安大道".into(),
        hours: "工作日9:00至17:00".into(),
        ..Default::default()
    };
    let ask = pb::PublishHallRequest { request_id: new_request_id(), hall: Some(hall), ..Default::default() };
    halls(world, who).publish_hall(ask).await.map(tonic::Response::into_inner)
}

fn presence(item: &str, way: pb::PresenceWay) -> pb::RegisterPresenceRequest {
    pb::RegisterPresenceRequest {
        hall_code: HALL.into(),
        item_code: item.into(),
        request_id: new_request_id(),
        way: way.into(),
        ..Default::default()
    }
}

async fn register(world: &World, ask: pb::RegisterPresenceRequest) -> Result<pb::Presence, tonic::Status> {
    halls(world, "admin").register_presence(ask).await.map(tonic::Response::into_inner)
}

async fn board(world: &World) -> pb::GetAbsenceBoardResponse {
    let ask = pb::GetAbsenceBoardRequest { region_code: "511602".into(), department: "区行政审批局".into() };
    HallServiceClient::new(world.process.links.get("intake")).get_absence_board(ask).await.unwrap().into_inner()
}

pub async fn who_is_not_in_a_hall_stands_on_the_board_until_it_says_why(world: World) {
    publish(&world, "admin", "511602").await.unwrap();
    let before = board(&world).await;
    assert_eq!((before.departments.len(), before.departments[0].absent), (1, 344));
    // in, without authority: on the board for that
    register(&world, presence(HYGIENE, pb::PresenceWay::In)).await.unwrap();
    let bare = board(&world).await;
    assert_eq!((bare.departments[0].absent, bare.departments[0].not_authorised), (343, 1));
    register(&world, pb::RegisterPresenceRequest { authorised: true, ..presence(HYGIENE, pb::PresenceWay::In) })
        .await
        .unwrap();
    let item = before.absences.iter().find(|line| line.item_code != HYGIENE).unwrap().item_code.clone();
    register(
        &world,
        pb::RegisterPresenceRequest { reason: "涉密事项".into(), ..presence(&item, pb::PresenceWay::Out) },
    )
    .await
    .unwrap();
    let after = board(&world).await;
    assert_eq!((after.departments[0].absent, after.departments[0].not_authorised), (342, 0));
    let ask = pb::ListPresencesRequest { hall_code: HALL.into(), ..Default::default() };
    let listed = halls(&world, "citizen").list_presences(ask).await.unwrap().into_inner().presences;
    assert_eq!(listed.len(), 2);
}

pub async fn each_way_of_being_there_says_what_belongs_to_it(world: World) {
    publish(&world, "admin", "511602").await.unwrap();
    let refused = async |ask| reason(&register(&world, ask).await.unwrap_err());
    assert_eq!(refused(presence(HYGIENE, pb::PresenceWay::Out)).await, "REASON_MISSING");
    assert_eq!(refused(presence(HYGIENE, pb::PresenceWay::Seasonal)).await, "SEASON_INVALID");
    assert_eq!(refused(presence(HYGIENE, pb::PresenceWay::Entrusted)).await, "ORGAN_MISSING");
    assert_eq!(refused(presence("no-such-item", pb::PresenceWay::In)).await, "ITEM_NOT_FOUND");
    let nowhere = pb::RegisterPresenceRequest { hall_code: "GA-99".into(), ..presence(HYGIENE, pb::PresenceWay::In) };
    assert_eq!(refused(nowhere).await, "HALL_NOT_FOUND");
    let season = pb::RegisterPresenceRequest {
        season_from: "10-01".into(),
        season_until: "03-31".into(),
        ..presence(FIRE, pb::PresenceWay::Seasonal)
    };
    let there = register(&world, season).await.unwrap();
    assert_eq!((there.season_from.as_str(), there.way()), ("10-01", pb::PresenceWay::Seasonal));
}

pub async fn a_hall_is_its_regions(world: World) {
    assert_eq!(reason(&publish(&world, "admin", "511603").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&publish(&world, "clerk", "511602").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    publish(&world, "admin", "511602").await.unwrap();
    let ask = pb::GetHallRequest { hall_code: HALL.into() };
    let hall = halls(&world, "citizen").get_hall(ask).await.unwrap().into_inner();
    assert_eq!((hall.region_code.as_str(), hall.name.as_str()), ("511602000000", "区政务服务中心"));
}
