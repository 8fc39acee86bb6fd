use yiwang_intake::application::MAX_ATTACHMENTS;
use yiwang_ledger::StreamId;
use yiwang_proto::intake::v1 as pb;
use yiwang_standards::sm;

use crate::world::{CITIZEN2, HYGIENE, World, citizen, create, hygiene_form, metadata, pdf, person, reason, update};

async fn draft(world: &World) -> String {
    world.draft(HYGIENE, hygiene_form()).await.id
}

pub async fn a_file_comes_back_as_it_was(world: World) {
    let (id, bytes) = (draft(&world).await, pdf(5_000));
    let file = world.upload(&id, "floor_plan", bytes.clone()).await.unwrap();
    assert_eq!(
        (file.file_name.as_str(), file.media_type.as_str(), file.size),
        ("平面图.pdf", "application/pdf", bytes.len() as i64)
    );
    assert_eq!(file.sm3, sm::to_hex(&sm::sm3(&bytes)));
    assert_eq!(world.download("citizen", &id, &file.id).await.unwrap(), (file, bytes));
}

pub async fn a_file_of_many_chunks_comes_back_as_it_was(world: World) {
    let (id, bytes) = (draft(&world).await, pdf(1_500_000));
    let file = world.upload(&id, "floor_plan", bytes.clone()).await.unwrap();
    assert!(world.download("citizen", &id, &file.id).await.unwrap().1 == bytes);
}

pub async fn a_cut_off_upload_leaves_nothing(world: World) {
    let (id, bytes) = (draft(&world).await, pdf(400_000));
    let said = pb::AttachmentMetadata { size: 500_000, ..metadata(&id, "floor_plan") };
    let parts = bytes.chunks(100_000).map(<[u8]>::to_vec).collect();
    let refused = world.upload_parts(said, parts).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_INCOMPLETE");
    assert!(world.attachment_files().is_empty(), "{:?}", world.attachment_files());
    assert!(world.read("citizen", &id).await.attachments.is_empty());
}

pub async fn a_file_of_a_wrong_kind_is_refused(world: World) {
    let id = draft(&world).await;
    let program = world.upload(&id, "floor_plan", b"\x7fELF\x02\x01\x01 and more".to_vec()).await.unwrap_err();
    assert_eq!(reason(&program), "ATTACHMENT_TYPE_NOT_ALLOWED");
    let said = pb::AttachmentMetadata { media_type: "image/png".into(), ..metadata(&id, "floor_plan") };
    let other = world.upload_parts(said, vec![pdf(100)]).await.unwrap_err();
    assert_eq!(reason(&other), "ATTACHMENT_TYPE_MISMATCH");
    assert!(world.attachment_files().is_empty());
}

pub async fn a_file_that_is_too_large_is_refused(world: World) {
    let id = draft(&world).await;
    let refused = world.upload(&id, "floor_plan", pdf(3_000_000)).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_TOO_LARGE");
    assert!(world.attachment_files().is_empty());
}

pub async fn a_wrong_hash_is_refused(world: World) {
    let id = draft(&world).await;
    let said = pb::AttachmentMetadata { sm3: "00".repeat(32), ..metadata(&id, "floor_plan") };
    let refused = world.upload_parts(said, vec![pdf(100)]).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_HASH_MISMATCH");
    assert!(world.attachment_files().is_empty());
}

pub async fn an_empty_file_is_refused(world: World) {
    let id = draft(&world).await;
    let refused = world.upload_parts(metadata(&id, "floor_plan"), Vec::new()).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_EMPTY");
}

pub async fn a_repeated_upload_is_one_file(world: World) {
    let (id, bytes) = (draft(&world).await, pdf(700));
    let said = metadata(&id, "floor_plan");
    let first = world.upload_parts(said.clone(), vec![bytes.clone()]).await.unwrap();
    assert_eq!(world.upload_parts(said.clone(), vec![bytes]).await.unwrap(), first);
    assert_eq!((world.read("citizen", &id).await.attachments.len(), world.attachment_files().len()), (1, 1));
    let other = world.upload_parts(said, vec![pdf(701)]).await.unwrap_err();
    assert_eq!(reason(&other), "REQUEST_ID_REUSED");
    assert_eq!(world.attachment_files().len(), 1);
}

pub async fn a_repeated_upload_is_answered_after_receipt_too(world: World) {
    let id = draft(&world).await;
    let said = metadata(&id, "floor_plan");
    let first = world.upload_parts(said.clone(), vec![pdf(700)]).await.unwrap();
    world.submit(&id).await.unwrap();
    assert_eq!(world.upload_parts(said, vec![pdf(700)]).await.unwrap(), first);
}

pub async fn the_last_file_that_fits_is_answered_again(world: World) {
    let id = draft(&world).await;
    for _ in 1..MAX_ATTACHMENTS {
        world.upload(&id, "floor_plan", pdf(10)).await.unwrap();
    }
    let said = metadata(&id, "floor_plan");
    let last = world.upload_parts(said.clone(), vec![pdf(10)]).await.unwrap();
    assert_eq!(world.upload_parts(said, vec![pdf(10)]).await.unwrap(), last);
    let refused = world.upload(&id, "floor_plan", pdf(10)).await.unwrap_err();
    assert_eq!((reason(&refused), world.attachment_files().len()), ("TOO_MANY_ATTACHMENTS".into(), MAX_ATTACHMENTS));
}

pub async fn no_file_comes_before_its_applicant(world: World) {
    let draft = world.as_("citizen").create_application(create(HYGIENE)).await.unwrap().into_inner();
    let refused = world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap_err();
    assert_eq!((reason(&refused), world.attachment_files().len()), ("APPLICANT_MISSING".into(), 0));
}

pub async fn an_applicant_with_files_is_not_exchanged(world: World) {
    let id = draft(&world).await;
    let file = world.upload(&id, "floor_plan", pdf(100)).await.unwrap();
    let other = || pb::UpdateApplicationRequest { applicant: Some(person("李秀英", CITIZEN2)), ..update(&id) };
    let refused = world.as_("citizen").update_application(other()).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICANT_HAS_FILES");
    let request_id = yiwang_kit::new_request_id();
    let remove =
        pb::RemoveAttachmentRequest { id: id.clone(), request_id, attachment_id: file.id, ..Default::default() };
    world.as_("citizen").remove_attachment(remove).await.unwrap();
    world.as_("citizen").update_application(other()).await.unwrap();
}

pub async fn what_came_at_the_window_is_erased_with_its_applicant(world: World) {
    let draft = world.as_("clerk").create_application(create(HYGIENE)).await.unwrap().into_inner();
    let filled = pb::UpdateApplicationRequest { applicant: Some(citizen()), ..update(&draft.id) };
    world.as_("clerk").update_application(filled).await.unwrap();
    let file = world.upload_as("clerk", metadata(&draft.id, "floor_plan"), vec![pdf(100)]).await.unwrap();
    world.erase_citizen().await;
    let gone = world.download("clerk", &draft.id, &file.id).await.unwrap_err();
    assert_eq!(reason(&gone), "ATTACHMENT_ERASED");
    assert_eq!(world.read("clerk", &draft.id).await.attachments[0].file_name, "（已删除）");
}

pub async fn a_material_that_is_none_is_not_found(world: World) {
    let id = draft(&world).await;
    let refused = world.upload(&id, "tea", pdf(100)).await.unwrap_err();
    assert_eq!(reason(&refused), "MATERIAL_NOT_FOUND");
}

pub async fn no_plain_bytes_lie_in_the_folder(world: World) {
    let id = draft(&world).await;
    world.upload(&id, "floor_plan", pdf(300_000)).await.unwrap();
    let planted = b"PLANTED-PLAIN-BYTES";
    for (path, bytes) in world.folder_bytes() {
        assert!(!bytes.windows(planted.len()).any(|window| window == planted), "{}", path.display());
    }
    assert_eq!(world.attachment_files().len(), 1);
}

pub async fn a_damaged_file_is_noticed(world: World) {
    let id = draft(&world).await;
    let file = world.upload(&id, "floor_plan", pdf(300_000)).await.unwrap();
    let path = world.attachment_files().pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = world.download("citizen", &id, &file.id).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::DataLoss, "ATTACHMENT_DAMAGED".into()));
}

pub async fn an_upload_after_acceptance_is_refused(world: World) {
    let accepted = world.accepted().await;
    let refused = world.upload(&accepted.id, "floor_plan", pdf(100)).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_PHASE");
}

pub async fn a_message_of_more_than_256_kilobytes_is_refused(world: World) {
    let id = draft(&world).await;
    let whole = |length: usize| vec![pdf(262_144)[..length].to_vec()];
    let refused = world.upload_parts(metadata(&id, "floor_plan"), whole(262_145)).await.unwrap_err();
    assert_eq!((reason(&refused), world.attachment_files().len()), ("CHUNK_TOO_LARGE".into(), 0));
    world.upload_parts(metadata(&id, "floor_plan"), whole(262_144)).await.unwrap();
}

pub async fn an_upload_without_a_request_id_is_refused_before_its_bytes(world: World) {
    let id = draft(&world).await;
    let said = pb::AttachmentMetadata { request_id: String::new(), ..metadata(&id, "floor_plan") };
    // the bytes are no file that would be taken: they are not looked at
    let refused = world.upload_parts(said, vec![b"\x7fELF\x02\x01\x01".repeat(10_000)]).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_MISSING");
}

pub async fn a_file_that_was_taken_out_goes_away_though_the_store_fails_at_first(world: World) {
    let id = draft(&world).await;
    let file = world.upload(&id, "floor_plan", pdf(100)).await.unwrap();
    let path = world.attachment_files().pop().unwrap();
    // a folder in its place, which is not taken away like a file
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let request_id = yiwang_kit::new_request_id();
    let remove = pb::RemoveAttachmentRequest { id, request_id, attachment_id: file.id, ..Default::default() };
    world.as_("citizen").remove_attachment(remove).await.unwrap();
    let parked = world.until(async || world.ledger().parked().await.unwrap().pop()).await;
    assert_eq!(parked.reader, "files");
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    world.until(async || world.attachment_files().is_empty().then_some(())).await;
}

pub async fn what_a_crash_left_is_settled_at_the_next_start(world: World) {
    let id = draft(&world).await;
    let file = world.upload(&id, "floor_plan", pdf(100)).await.unwrap();
    let folder = world.env.data_dir.join("attachments");
    let incoming = folder.join("incoming");
    // as if the process had died before the move, and once before the entry
    std::fs::create_dir_all(&incoming).unwrap();
    std::fs::rename(folder.join(&id).join(&file.id), incoming.join(format!("{id}.{}", file.id))).unwrap();
    std::fs::write(incoming.join(format!("{id}.{}", StreamId::named("no", "entry"))), b"sealed").unwrap();
    let world = world.restart().await;
    assert_eq!(world.attachment_files(), [folder.join(&id).join(&file.id)]);
    assert_eq!(world.download("citizen", &id, &file.id).await.unwrap().1, pdf(100));
}

/// Replicas share one store: what nobody has named yet may be on its way at another one.
pub async fn what_another_replica_may_be_uploading_is_left_alone(mut world: World) {
    let id = draft(&world).await;
    let folder = world.env.data_dir.join("attachments");
    world.config.storage.url = Some(format!("file://{}", folder.display()));
    let coming = folder.join("incoming").join(format!("{id}.{}", StreamId::named("another", "replica")));
    std::fs::create_dir_all(folder.join("incoming")).unwrap();
    std::fs::write(&coming, b"sealed").unwrap();
    let world = world.restart().await;
    assert_eq!(world.attachment_files(), [coming]);
}
