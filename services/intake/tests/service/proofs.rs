//! 证明取消清单: what nobody may be asked for.

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;

use crate::directory::{ITEM, elements, passed, publish, published, ready};
use crate::world::{World, fields, reason};

pub async fn a_draft_that_became_unpublishable_goes_back_to_drafting(world: World) {
    let id = ready(&world, elements()).await;
    abolish(&world, "平面布局图").await;
    let refusal = publish(&world, "admin", &id, "").await.unwrap_err();
    assert_eq!(fields(&refusal), [("materials[0].name".to_owned(), "PROOF_ABOLISHED".to_owned())]);
    let back = pb::ReturnItemDraftRequest {
        id: id.clone(),
        request_id: new_request_id(),
        opinion: "材料已列入证明取消清单".into(),
        ..Default::default()
    };
    let returned = world.directory_as("admin").return_item_draft(back).await.unwrap().into_inner();
    assert_eq!(returned.stage(), pb::DraftStage::Drafting);
    let mut fewer = elements();
    fewer.materials[0].name = "场所示意图".into();
    passed(&world, &id, fewer).await;
    publish(&world, "admin", &id, "").await.unwrap();
}

async fn abolish(world: &World, name: &str) -> pb::AbolishProofResponse {
    let ask = pb::AbolishProofRequest {
        request_id: new_request_id(),
        region_code: "511602".into(),
        name: name.into(),
        source: "区司法局〔2026〕2号".into(),
        ..Default::default()
    };
    world.directory_as("legality").abolish_proof(ask).await.unwrap().into_inner()
}

pub async fn a_region_keeps_its_own_list_of_abolished_proofs(world: World) {
    published(&world).await;
    let listed = abolish(&world, "平面布局图").await;
    assert!(listed.asked_by.contains(&ITEM.to_owned()), "{:?}", listed.asked_by);
    let list = async |region: &str| {
        let ask = pb::GetAbolishedProofsRequest { region_code: region.into() };
        world.directory_as("citizen").get_abolished_proofs(ask).await.unwrap().into_inner().proofs
    };
    let all = list("").await.len();
    // it binds what lies below, and nobody else
    assert_eq!((list("511602001").await.len(), list("511603").await.len()), (all + 1, all));
    let restore = || pb::RestoreProofRequest {
        request_id: new_request_id(),
        region_code: "511602".into(),
        name: "平面布局图".into(),
        reason: "误列".into(),
    };
    world.directory_as("legality").restore_proof(restore()).await.unwrap();
    assert_eq!(list("511602").await.len(), all);
    let gone = world.directory_as("legality").restore_proof(restore()).await.unwrap_err();
    assert_eq!(reason(&gone), "PROOF_NOT_LISTED");
}
