//! 帮办代办 in the asker's name: an authorisation is a mandate, and who acts without one is refused, whatever else they are.

use yiwang_kit::new_request_id;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::mandate_service_client::MandateServiceClient;
use yiwang_proto::party::v1::Party;

use crate::engagements::{
    AGENT, Result, TOWN_AGENT, VILLAGE, WINDOW_AGENT, accept, ask, authorise, hand_over, help, helper, read, register,
    withdraw, written,
};
use crate::world::{CITIZEN2, HYGIENE, PLAIN, World, citizen, create, person, reason};

/// The citizen asks for help with the plain item; it is in the hands of the agent of the county.
async fn asked(world: &World, account: &str) -> pb::Engagement {
    register(world, "coordinator", account, "511602", 3).await.unwrap();
    let plain = pb::AskForHelpRequest { item_codes: vec![PLAIN.into()], ..help(VILLAGE) };
    let one = ask(world, "citizen", plain).await.unwrap();
    assert_eq!(helper(&one), account);
    one
}

async fn begin(world: &World, who: &str, item: &str, applicant: Party) -> Result<pb::Application> {
    let request = pb::CreateApplicationRequest { applicant: Some(applicant), ..create(item) };
    world.as_(who).create_application(request).await.map(tonic::Response::into_inner)
}

async fn submit(world: &World, who: &str, id: &str) -> Result<pb::Application> {
    let ask = pb::SubmitApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    world.as_(who).submit_application(ask).await.map(tonic::Response::into_inner)
}

async fn take_back(world: &World, who: &str, id: &str) -> Result<pb::Application> {
    let ask = pb::WithdrawApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    world.as_(who).withdraw_application(ask).await.map(tonic::Response::into_inner)
}

async fn seen(world: &World, who: &str, id: &str) -> Result<pb::Application> {
    let ask = pb::GetApplicationRequest { id: id.into() };
    world.as_(who).get_application(ask).await.map(tonic::Response::into_inner)
}

fn mandates(world: &World, who: &str) -> MandateServiceClient<yiwang_kit::Link> {
    MandateServiceClient::new(world.link(who))
}

/// What an account's try to begin the citizen's application comes to; empty where it may.
async fn refused(world: &World, who: &str, item: &str) -> String {
    begin(world, who, item, citizen()).await.err().map(|status| reason(&status)).unwrap_or_default()
}

pub async fn an_agent_applies_under_the_authorisation_and_not_without_it(world: World) {
    let one = asked(&world, AGENT).await;
    assert_eq!(refused(&world, "agent", PLAIN).await, "MANDATE_MISSING");
    let given = authorise(&world, &one.id, written("2026-03-10", false)).await.unwrap().authorisation.unwrap();
    assert_eq!(given.account, AGENT);
    let draft = begin(&world, "agent", PLAIN, citizen()).await.unwrap();
    assert_eq!(read(&world, "citizen", &one.id).await.unwrap().application_ids, std::slice::from_ref(&draft.id));
    let second = begin(&world, "agent", PLAIN, citizen()).await.unwrap();
    seen(&world, "agent", &second.id).await.unwrap();
    let submitted = submit(&world, "agent", &draft.id).await.unwrap();
    assert_eq!(submitted.authority(), pb::HandingAuthority::Agent);
    let mandate = pb::GetMandateRequest { id: submitted.mandate_id.clone() };
    let mandate = mandates(&world, "citizen").get_mandate(mandate).await.unwrap().into_inner();
    assert_eq!((mandate.kind(), mandate.in_force, mandate.items), (pb::MandateKind::Helper, true, vec![PLAIN.into()]));
    // neither another act, nor another matter, nor another agent
    assert_eq!(reason(&take_back(&world, "agent", &draft.id).await.unwrap_err()), "MANDATE_MISSING");
    assert_eq!(refused(&world, "agent", HYGIENE).await, "MANDATE_MISSING");
    assert_eq!(refused(&world, "town_agent", PLAIN).await, "MANDATE_MISSING");
    assert_eq!(
        reason(&begin(&world, "agent", PLAIN, person("李秀英", CITIZEN2)).await.unwrap_err()),
        "MANDATE_MISSING"
    );
    assert_eq!(reason(&seen(&world, "town_agent", &draft.id).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    // what was done stays done, and nothing more is done or seen
    withdraw(&world, "citizen", &one.id).await.unwrap();
    assert_eq!(refused(&world, "agent", PLAIN).await, "MANDATE_MISSING");
    for one in [&draft.id, &second.id] {
        assert_eq!(reason(&seen(&world, "agent", one).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    }
    assert_eq!(seen(&world, "citizen", &draft.id).await.unwrap().phase(), pb::ApplicationPhase::Submitted);
}

pub async fn a_clerk_who_is_the_agent_acts_as_the_agent(world: World) {
    let one = asked(&world, WINDOW_AGENT).await;
    let at_window = begin(&world, "clerk", PLAIN, citizen()).await.unwrap();
    // the window of whoever is not the agent is open to all, and the agent's to whoever is not the asker
    let other = begin(&world, "window_agent", PLAIN, person("李秀英", CITIZEN2)).await.unwrap();
    assert_eq!(submit(&world, "window_agent", &other.id).await.unwrap().authority(), pb::HandingAuthority::Window);
    assert_eq!(reason(&submit(&world, "window_agent", &at_window.id).await.unwrap_err()), "MANDATE_MISSING");
    assert_eq!(refused(&world, "window_agent", PLAIN).await, "MANDATE_MISSING");
    assert_eq!(crate::joints::refused(&world, "window_agent").await, "MANDATE_MISSING");
    assert_eq!(crate::joints::refused(&world, "clerk").await, "");
    authorise(&world, &one.id, written("2026-03-10", false)).await.unwrap();
    let draft = begin(&world, "window_agent", PLAIN, citizen()).await.unwrap();
    assert_eq!(submit(&world, "window_agent", &draft.id).await.unwrap().authority(), pb::HandingAuthority::Agent);
    // nobody accepts what they have handed in for somebody
    let accept =
        pb::AcceptApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let own = world.as_("window_agent").accept_application(accept).await.unwrap_err();
    assert_eq!(reason(&own), "OWN_APPLICATION");
    withdraw(&world, "citizen", &one.id).await.unwrap();
    assert_eq!(reason(&submit(&world, "window_agent", &at_window.id).await.unwrap_err()), "MANDATE_MISSING");
    assert_eq!(submit(&world, "clerk", &at_window.id).await.unwrap().authority(), pb::HandingAuthority::Window);
}

pub async fn an_authorisation_goes_with_its_days_and_its_agent(world: World) {
    let one = asked(&world, AGENT).await;
    register(&world, "coordinator", TOWN_AGENT, "511602", 3).await.unwrap();
    authorise(&world, &one.id, written("2026-03-10", false)).await.unwrap();
    assert_eq!(refused(&world, "agent", PLAIN).await, "");
    hand_over(&world, "agent", &one.id, TOWN_AGENT).await.unwrap();
    accept(&world, "town_agent", &one.id).await.unwrap();
    // 民法典 art. 169: the asker has not agreed to a substitute
    assert_eq!(refused(&world, "agent", PLAIN).await, "MANDATE_MISSING");
    assert_eq!(refused(&world, "town_agent", PLAIN).await, "MANDATE_MISSING");
    authorise(&world, &one.id, written("2026-03-10", true)).await.unwrap();
    assert_eq!(refused(&world, "town_agent", PLAIN).await, "");
    hand_over(&world, "town_agent", &one.id, AGENT).await.unwrap();
    accept(&world, "agent", &one.id).await.unwrap();
    assert_eq!((refused(&world, "agent", PLAIN).await, refused(&world, "town_agent", PLAIN).await).0, "");
    assert_eq!(refused(&world, "town_agent", PLAIN).await, "MANDATE_MISSING");
    world.day(2026, 3, 11);
    assert_eq!(refused(&world, "agent", PLAIN).await, "MANDATE_MISSING");
}

pub async fn the_principal_revokes_the_mandate_itself_and_no_authorisation_lacks_its_matter(world: World) {
    let one = asked(&world, AGENT).await;
    let long = authorise(&world, &one.id, written("2030-03-10", false)).await.unwrap_err();
    assert_eq!(reason(&long), "PERIOD_INVALID");
    authorise(&world, &one.id, written("2026-03-10", true)).await.unwrap();
    let listed =
        mandates(&world, "agent").list_mandates(pb::ListMandatesRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.mandates.len(), 1);
    let revoke = pb::RevokeMandateRequest {
        id: listed.mandates[0].id.clone(),
        request_id: new_request_id(),
        reason: "本人自己办".into(),
        ..Default::default()
    };
    mandates(&world, "citizen").revoke_mandate(revoke).await.unwrap();
    assert_eq!(refused(&world, "agent", PLAIN).await, "MANDATE_MISSING");
    let no_item = pb::AskForHelpRequest {
        item_codes: Vec::new(),
        authorisation: Some(written("2026-03-10", false)),
        ..help(VILLAGE)
    };
    assert_eq!(reason(&ask(&world, "citizen", no_item).await.unwrap_err()), "ITEMS_MISSING");
}
