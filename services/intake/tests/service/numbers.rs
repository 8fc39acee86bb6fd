//! 编号: whatever comes at once and whatever fails in between, the numbers of an organ, a kind and a year are 1 to n.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tonic::{IntoRequest, Request, Status};
use yiwang_kit::new_request_id;
use yiwang_proto::document::v1::Document;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::document_service_client::DocumentServiceClient;
use yiwang_proto::party::v1::{DocumentKind, Party};

use crate::world::{BENEFIT, PLAIN, World, benefit_form, create, struct_of};

/// What is done with an application, once all are handed in.
#[derive(Clone, Copy, Debug)]
enum Act {
    Submit,
    Correct,
    Resubmit,
    Accept,
    Refuse,
    Withdraw,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
enum How {
    Once,
    /// Twice at the same time, with one request id.
    Twice,
    /// Given up in the middle, after so many microseconds, and sent again with the same request id.
    CutOff(u16),
    /// By somebody who may not.
    Forbidden,
    /// Without what it needs.
    Empty,
    /// Its request id once more, with another content.
    OtherContent,
}

/// One application: which organ's, and what is done with it.
#[derive(Clone, Debug)]
struct Story {
    benefit: bool,
    acts: Vec<(Act, How)>,
}

fn stories() -> impl Strategy<Value = Vec<Story>> {
    let act = prop_oneof![
        3 => Just(Act::Submit), 2 => Just(Act::Correct), 2 => Just(Act::Resubmit), 4 => Just(Act::Accept),
        1 => Just(Act::Refuse), 1 => Just(Act::Withdraw),
    ];
    let how = prop_oneof![
        3 => Just(How::Once), 2 => Just(How::Twice), 3 => (50..30_000_u16).prop_map(How::CutOff),
        1 => Just(How::Forbidden), 1 => Just(How::Empty), 1 => Just(How::OtherContent),
    ];
    // most are handed in, so that there is something to number
    let acts = (any::<bool>(), how.clone(), proptest::collection::vec((act, how), 0..6));
    let story = acts.prop_map(|(benefit, how, mut acts)| {
        acts.insert(0, (Act::Submit, how));
        Story { benefit, acts }
    });
    proptest::collection::vec(story, 8..20)
}

/// Sends a request; what is refused is part of the mix.
async fn send<T: Clone, R>(
    how: How,
    request: T,
    other: T,
    call: impl AsyncFn(Request<T>) -> Result<R, Status>,
) -> Vec<Result<R, Status>> {
    match how {
        How::Twice => {
            let (first, second) = tokio::join!(call(request.clone().into_request()), call(request.into_request()));
            vec![first, second]
        }
        How::CutOff(micros) => {
            let cut = tokio::time::timeout(Duration::from_micros(micros.into()), call(request.clone().into_request()));
            let first = cut.await.ok();
            first.into_iter().chain([call(request.into_request()).await]).collect()
        }
        How::OtherContent => {
            let first = call(request.into_request()).await;
            vec![first, call(other.into_request()).await]
        }
        How::Once | How::Forbidden | How::Empty => vec![call(request.into_request()).await],
    }
}

/// Carries one act out; how many answers were refusals.
async fn act(world: &World, id: &str, act: Act, how: How) -> usize {
    let account = if matches!(how, How::Forbidden) { "citizen2" } else { "clerk" };
    let (clerk, id, request_id) = (world.as_(account), id.to_owned(), new_request_id());
    let empty = matches!(how, How::Empty);
    let id_or = || if empty { String::new() } else { id.clone() };
    macro_rules! sent {
        ($call:ident, $request:expr, $field:ident: $other:expr) => {{
            let request = $request;
            let mut other = request.clone();
            other.$field = $other;
            let answers = send(how, request, other, async |request| clerk.clone().$call(request).await).await;
            answers.iter().filter(|answer| answer.is_err()).count()
        }};
    }
    match act {
        Act::Submit => {
            let request = pb::SubmitApplicationRequest { id: id_or(), request_id, ..Default::default() };
            sent!(submit_application, request, consent_sensitive: true)
        }
        Act::Correct => {
            let point =
                pb::CorrectionPoint { text: "请写明事由".into(), field: "/subject".into(), ..Default::default() };
            let points = if empty { Vec::new() } else { vec![point] };
            let request = pb::RequestCorrectionRequest { id: id.clone(), request_id, points, ..Default::default() };
            sent!(request_correction, request, points: Vec::new())
        }
        Act::Resubmit => {
            let request = pb::ResubmitApplicationRequest { id: id_or(), request_id, ..Default::default() };
            sent!(resubmit_application, request, note: "补".into())
        }
        Act::Accept => {
            let request = pb::AcceptApplicationRequest { id: id_or(), request_id, ..Default::default() };
            sent!(accept_application, request, note: "另".into())
        }
        Act::Refuse => {
            let request = pb::RefuseApplicationRequest {
                id: id.clone(),
                request_id,
                ground: pb::RefusalGround::NoPermissionNeeded.into(),
                reason: if empty { String::new() } else { "依法不需要取得行政许可".into() },
                ..Default::default()
            };
            sent!(refuse_application, request, reason: "其他理由".into())
        }
        Act::Withdraw => {
            let request = pb::WithdrawApplicationRequest { id: id_or(), request_id, ..Default::default() };
            sent!(withdraw_application, request, reason: "另".into())
        }
    }
}

/// A draft at the window, of somebody of its own.
async fn begun(world: &World, benefit: bool) -> pb::Application {
    static PASSPORTS: AtomicU32 = AtomicU32::new(1_000_000);
    let mut request = create(if benefit { BENEFIT } else { PLAIN });
    request.applicant = Some(Party {
        name: "JOHN SMITH".into(),
        document_kind: DocumentKind::Passport.into(),
        document_number: format!("E1{}", PASSPORTS.fetch_add(1, Ordering::Relaxed)),
        phone: "13900139000".into(),
        ..Default::default()
    });
    request.form = Some(if benefit { benefit_form() } else { struct_of(json!({"subject": "补办"})) });
    world.as_("clerk").create_application(request).await.unwrap().into_inner()
}

/// What was issued on an application, and its case number.
async fn issued(world: &World, id: &str) -> (Vec<Document>, String) {
    let ask = pb::ListDocumentsRequest { application_id: id.into(), page_size: 100, ..Default::default() };
    let documents = DocumentServiceClient::new(world.link("clerk")).list_documents(ask).await;
    (documents.unwrap().into_inner().documents, world.read("clerk", id).await.case_number)
}

/// Every number there is, by its register: all that stands before the serial. A case number also has the day, which is no
/// part of its register.
async fn registers(world: &World, all: &[pb::Application]) -> BTreeMap<String, Vec<u64>> {
    let mut registers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for application in all {
        let (documents, case) = issued(world, &application.id).await;
        for document in documents {
            let (register, serial) = document.number.split_at(document.number.len() - 6);
            registers.entry(register.to_owned()).or_default().push(serial.parse().unwrap());
        }
        if !case.is_empty() {
            let (front, serial) = case.split_at(case.len() - 6);
            let register = format!("case {}", &front[..front.len() - 4]);
            registers.entry(register).or_default().push(serial.parse().unwrap());
        }
    }
    registers
}

/// Registers whose numbers are not 1 to n, each once.
fn at_fault(registers: &BTreeMap<String, Vec<u64>>) -> Vec<(&String, &Vec<u64>)> {
    let whole = |serials: &Vec<u64>| {
        let (count, once) = (serials.len() as u64, serials.iter().copied().collect::<BTreeSet<_>>());
        once.into_iter().eq(1..=count)
    };
    registers.iter().filter(|(_, serials)| !whole(serials)).collect()
}

/// 编号连续不重: generated mixes of applications of two organs, all at once, in three years, with refusals, calls that are cut off and
/// request ids that come again. A call cut off between the two steps of a paper is completed by the relay: so they are waited for.
pub async fn whatever_comes_at_once_numbers_are_one_to_n(world: World) {
    let (mut all, mut refused, mut runner) = (Vec::new(), 0, TestRunner::default());
    for year in 2026..2029 {
        if year > 2026 {
            // what is open of the year before is accepted by the law while the new year's come in
            world.day(year, 3, 2);
        }
        let stories = stories().new_tree(&mut runner).unwrap().current();
        let drafts = join_all(stories.iter().map(|story| begun(&world, story.benefit))).await;
        let told = stories.iter().zip(&drafts).map(async |(story, draft)| {
            let mut refused = 0;
            for (what, how) in &story.acts {
                refused += act(&world, &draft.id, *what, *how).await;
            }
            refused
        });
        refused += join_all(told).await.into_iter().sum::<usize>();
        all.extend(drafts);
        for _ in 0..250 {
            if at_fault(&registers(&world, &all).await).is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let registers = registers(&world, &all).await;
        assert!(at_fault(&registers).is_empty(), "{:?} by {stories:?}", at_fault(&registers));
    }
    let registers = registers(&world, &all).await;
    let kinds: BTreeSet<_> = registers.keys().map(|register| register[..2].to_owned()).collect();
    assert!(kinds.len() >= 4 && registers.len() >= 12 && refused > 10, "{refused} refused, {registers:?}");
}
