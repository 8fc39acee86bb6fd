//! What happens beside the applications: notices of trading, erasures, and what people can read at the end.

use futures_util::future::join_all;
use tonic::Status;
use yiwang_kit::ledger::Timestamp;
use yiwang_kit::{Link, reason, timestamp};
use yiwang_proto::intake::v1 as intake;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::ledger::v1 as admin;
use yiwang_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use yiwang_proto::party::v1::DocumentKind;
use yiwang_proto::trading::v1 as trading;
use yiwang_proto::trading::v1::trading_service_client::TradingServiceClient;
use yiwang_standards::identity;

use super::acts::Acts;
use super::calls::{Ask, Desk};
use super::life::Life;
use super::people::paper;

/// A tender is published.
pub async fn notice(desk: &Desk, round: u64, now: Timestamp) {
    let request_id = format!("s{}-notice-{round}", desk.grid.dice.0);
    let message = trading::PublishNoticeRequest {
        request_id: request_id.clone(),
        trade_class: trading::TradeClass::Construction.into(),
        kind: trading::NoticeKind::Tender.into(),
        title: format!("第{round}号改造工程施工招标公告"),
        content: "招标条件、项目概况与招标范围。".into(),
        project_code: format!("GC-{round}"),
        tenderer: "广安区住房和城乡建设局".into(),
        region_code: "511602000000".into(),
        bid_deadline_time: Some(timestamp(Timestamp(now.0 + 40 * 86_400_000_000))),
        refers_to_notice_id: String::new(),
    };
    let ask = Ask { service: "trading", token: desk.officer("trader"), about: "notice", request_id: &request_id };
    let call = async |link: Link, request| TradingServiceClient::new(link).publish_notice(request).await;
    let same = |notice: &trading::Notice| format!("{} {}", notice.id, notice.notice_number);
    if let Err(status) = desk.write(ask, message, call, same).await {
        desk.grid.trouble(format!("{request_id}: {}", reason(&status)));
    }
}

/// Some who have what they came for have their data erased; their keyed hashes.
pub async fn erase(desk: &Desk, lives: &mut [Life]) -> Vec<String> {
    let erases = lives.iter_mut().map(|life| Box::pin(erase_one(desk, life)));
    join_all(erases).await.into_iter().flatten().collect()
}

async fn erase_one(desk: &Desk, life: &mut Life) -> Option<String> {
    let acts = Acts { desk, who: &life.who };
    if !life.ended || !acts.percent(0, 8, "is erased") {
        return None;
    }
    let (request_id, number) =
        (format!("s{}-{}-erase", desk.grid.dice.0, life.who.about), life.who.citizen.document.clone());
    let message = admin::EraseSubjectRequest {
        service: "intake".into(),
        request_id: request_id.clone(),
        document_kind: DocumentKind::ResidentId.into(),
        document_number: number.clone(),
        reason: "本人申请删除（个人信息保护法第四十七条）".into(),
        ..Default::default()
    };
    let ask = Ask { service: "intake", token: desk.officer("admin"), about: &life.who.about, request_id: &request_id };
    let call = async |link: Link, request| LedgerServiceClient::new(link).erase_subject(request).await;
    let same = |done: &admin::EraseSubjectResponse| format!("{:?}", done.erase_time);
    if let Err(status) = desk.write(ask, message, call, same).await {
        desk.grid.trouble(format!("{request_id}: {}", reason(&status)));
        return None;
    }
    life.erased = true;
    loop {
        let number = number.clone();
        let look = desk.grid.on_ledger("intake", |ledger| async move {
            Ok(yiwang_kit::subject(ledger.vault(), identity::DocumentKind::ResidentId, &number).to_string())
        });
        match look.await {
            Ok(subject) => return Some(subject),
            Err(_) => desk.grid.clocks.pass(500).await,
        }
    }
}

/// What a citizen reads at the end, and should not; and what cannot be read, and should.
pub async fn look(desk: &Desk, life: &Life) -> Vec<String> {
    match read_back(desk, life).await {
        Ok(findings) => findings,
        Err(status) => vec![format!("{}: cannot be read back: {}", life.who.about, reason(&status))],
    }
}

async fn read_back(desk: &Desk, life: &Life) -> Result<Vec<String>, Status> {
    let (acts, about) = (Acts { desk, who: &life.who }, &life.who.about);
    let Some(id) = life.id.as_ref().filter(|_| !life.erased) else { return Ok(Vec::new()) };
    let call = async |link: Link, request| IntakeServiceClient::new(link).list_applications(request).await;
    let listed: intake::ListApplicationsResponse =
        desk.read(acts.own("intake", ""), intake::ListApplicationsRequest::default(), call).await?;
    let mut findings = Vec::new();
    let ids: Vec<&str> = listed.applications.iter().map(|app| app.id.as_str()).collect();
    if ids != [id.as_str()] {
        findings.push(format!("a list shows what one may read: {about} lists {ids:?} and has {id}"));
    }
    for file in acts.application(id).await?.attachments {
        let expected = paper(&life.who.citizen, &file.material_code);
        let request = intake::DownloadAttachmentRequest { application_id: id.clone(), attachment_id: file.id.clone() };
        match desk.read(acts.own("intake", ""), request, download).await {
            Ok(bytes) if bytes == expected => {}
            Ok(bytes) => {
                findings.push(format!("a file that was taken is kept: {about} {}: {} bytes", file.id, bytes.len()))
            }
            Err(status) => {
                findings.push(format!("a file that was taken is kept: {about} {}: {}", file.id, reason(&status)))
            }
        }
    }
    Ok(findings)
}

async fn download(
    link: Link,
    request: tonic::Request<intake::DownloadAttachmentRequest>,
) -> Result<tonic::Response<Vec<u8>>, Status> {
    use intake::download_attachment_response::Part;
    let mut stream = IntakeServiceClient::new(link).download_attachment(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await? {
        if let Some(Part::Chunk(chunk)) = message.part {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(tonic::Response::new(bytes))
}
