//! From a request for help to the agent who has it in hand, in two steps that each happen once: it is given into an agent's hands, who takes
//! no more than they do; then the engagement names them. What was authorised follows: the mandate by which the agent acts, and the
//! applications that they see by it. The same code runs in the handlers and in the relay `agents`, which completes what a crash between the
//! steps left.

use yiwang_ledger::{Audiences, Call, Committed, Context, Ledger, Personal, Refusal, StreamId};

use crate::agent::choose::{Wanted, choose};
use crate::agent::{self, Agent};
use crate::application::{self, Actor, Application};
use crate::catalogue::import::all_tagged;
use crate::directory::above;
use crate::engagement::{self, Engagement, Helper, Stage};
use crate::limit::legal_date;
use crate::mandate::{self, Grant, Mandate};

/// How often somebody else may be faster.
const ATTEMPTS: usize = 5;

/// An agent, as an engagement remembers them.
pub fn helper(agent: &Agent) -> Helper {
    let own = &agent.registered;
    Helper { account: own.account.clone(), name: own.name.clone(), organ: own.organ.clone() }
}

/// The agents of a place and of the regions that it lies in.
///
/// # Errors
/// Those of the ledger.
pub async fn serving(ledger: &Ledger, wanted: &Wanted) -> Result<Vec<(u64, Agent)>, Refusal> {
    let mut all = Vec::new();
    for region in above(&wanted.region) {
        let found = all_tagged::<Agent>(ledger, &[("serves", region)]).await?;
        all.extend(found.into_iter().map(|read| (read.version, (*read.state).clone())));
    }
    Ok(all)
}

/// Assigns by the rule whatever still waits; where nobody is free, it waits on.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn complete(ledger: &Ledger, id: StreamId, trace: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let read = ledger.get::<Engagement>(id, &Audiences::all()).await?;
        let Some(waiting) = read.filter(|read| read.state.stage == Stage::Waiting) else { return Ok(()) };
        let wanted = &waiting.state.asked.wanted;
        let agents = serving(ledger, wanted).await?;
        let today = legal_date(ledger.host().now());
        // what a crash left in somebody's hands is theirs
        let holder = agents.iter().find(|(_, agent)| agent.open.contains(&id)).map(|(_, agent)| agent);
        let chosen = holder.or_else(|| choose(wanted, agents.iter().map(|(_, agent)| agent), None, today));
        let Some(chosen) = chosen.cloned() else { return Ok(()) };
        let version = agents.iter().find(|(_, agent)| *agent == chosen).map_or(0, |(version, _)| *version);
        let key = format!("{id}.{}.{version}", agent::stream(&chosen.registered.account));
        match give(ledger, &chosen.registered.account, id, false, Call::system(format!("give.{key}"), trace)).await {
            Ok(_) => {}
            // somebody was faster: look again
            Err(refusal) if matches!(refusal.reason, "AGENT_FULL" | "AGENT_AWAY" | "AGENT_NOT_FOUND") => continue,
            Err(refusal) => return Err(refusal),
        }
        let named = helper(&chosen);
        let rule = move |engagement: &Engagement, _: &Context| {
            engagement::decide::assign(engagement, &named, None, &Actor::system())
        };
        let call = Call::system(format!("assign.{key}.{}", waiting.version), trace);
        return match ledger.execute::<Engagement>(id, call, rule).await {
            Ok(_) => empower(ledger, id, trace).await,
            Err(refusal) if refusal.reason == "ENGAGEMENT_NOT_AT_STAGE" => follow(ledger, id, trace).await,
            Err(refusal) => Err(refusal),
        };
    }
    Ok(())
}

/// Gives an engagement into an agent's hands.
///
/// # Errors
/// As [`agent::give`], and those of the ledger.
pub async fn give(
    ledger: &Ledger,
    account: &str,
    id: StreamId,
    beyond: bool,
    call: Call,
) -> Result<Committed<Agent>, Refusal> {
    let rule = move |agent: &Agent, cx: &Context| agent::give(agent, id, beyond, cx);
    ledger.execute::<Agent>(agent::stream(account), call, rule).await
}

/// What stands in the agents' hands is what the engagement says: whoever it went to has it, nobody else, and nobody at all once the agent
/// has done their part.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn settle(ledger: &Ledger, id: StreamId, trace: &str) -> Result<(), Refusal> {
    let Some(read) = ledger.get::<Engagement>(id, &Audiences::all()).await? else { return Ok(()) };
    let now = read.state.helper().filter(|_| read.state.stage == Stage::InHand).map(|helper| helper.account.clone());
    for holder in all_tagged::<Agent>(ledger, &[("has", id.to_string())]).await? {
        if now.as_deref() == Some(holder.state.registered.account.as_str()) {
            continue;
        }
        let call = Call::system(format!("leave.{id}.{}.{}", holder.stream, holder.version), trace);
        ledger.execute::<Agent>(holder.stream, call, move |agent: &Agent, _: &Context| agent::leave(agent, id)).await?;
    }
    let Some(account) = now else { return Ok(()) };
    let stream = agent::stream(&account);
    // who had reported has it back, whatever they have taken meanwhile
    let call = Call::system(format!("back.{id}.{stream}.{}", read.version), trace);
    let rule = move |agent: &Agent, _: &Context| {
        let had = agent.open.contains(&id);
        Ok(if had { Vec::new() } else { vec![agent::Event::EngagementGiven { engagement: id }] })
    };
    ledger.execute::<Agent>(stream, call, rule).await.map(drop)
}

/// What stands in the agents' hands and what they may do, as the engagement says.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn follow(ledger: &Ledger, id: StreamId, trace: &str) -> Result<(), Refusal> {
    empower(ledger, id, trace).await?;
    settle(ledger, id, trace).await
}

/// 授权 has its effect: the mandate that stands by it is granted, every other one of the engagement ends, and the agent sees the applications
/// that it covers.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn empower(ledger: &Ledger, id: StreamId, trace: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let Some(read) = ledger.get::<Engagement>(id, &Audiences::all()).await? else { return Ok(()) };
        let stands = read.state.mandate(id, ledger.vault());
        for old in all_tagged::<Mandate>(ledger, &[("engagement", id.to_string())]).await? {
            if old.state.ended.is_some() || stands.as_ref().is_some_and(|(stream, _)| *stream == old.stream) {
                continue;
            }
            let reason =
                Personal::new(&read.state.asked.subject, "mandate.reason", "代办授权已更换、交接、撤回或者届满");
            let rule = move |one: &Mandate, _: &Context| mandate::end(one, &reason, &Actor::system());
            ledger.execute::<Mandate>(old.stream, Call::system(format!("end.{}", old.stream), trace), rule).await?;
        }
        let grant = stands.map(|(stream, grant)| (stream, Box::new(grant)));
        if let Some((stream, grant)) = grant.clone() {
            let by = read.state.authorisation.as_ref().map(|given| given.by.clone()).unwrap_or_default();
            let rule = move |one: &Mandate, _: &Context| mandate::begin(one, &grant, &by);
            ledger.execute::<Mandate>(stream, Call::system(format!("begin.{stream}"), trace), rule).await?;
        }
        for application in &read.state.applications {
            show_to(ledger, *application, id, grant.as_ref().map(|(_, grant)| &**grant), trace).await?;
        }
        // what was decided meanwhile counts
        let now = ledger.get::<Engagement>(id, &Audiences::all()).await?;
        if now.is_none_or(|now| now.version == read.version) {
            return Ok(());
        }
    }
    Ok(())
}

/// An application is seen by the agent whose mandate covers it, and by nobody else of the engagement.
async fn show_to(
    ledger: &Ledger,
    application: StreamId,
    engagement: StreamId,
    grant: Option<&Grant>,
    trace: &str,
) -> Result<(), Refusal> {
    let Some(read) = ledger.get::<Application>(application, &Audiences::all()).await? else { return Ok(()) };
    let covers = grant.filter(|grant| grant.covers_item(&read.state.item.code));
    let account = covers.and_then(|grant| Some(grant.helping.as_ref()?.account.clone()));
    if read.state.helpers.get(&engagement) == account.as_ref() {
        return Ok(());
    }
    let call = Call::system(format!("helper.{engagement}.{application}.{}", read.version), trace);
    let rule = move |app: &Application, _: &Context| application::decide::help(app, engagement, account.as_deref());
    ledger.execute::<Application>(application, call, rule).await.map(drop)
}

/// An application that an agent began in the asker's name is the engagement's, or, where that takes no more, nobody's to help with.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn link(ledger: &Ledger, engagement: StreamId, application: StreamId, trace: &str) -> Result<(), Refusal> {
    let rule = move |one: &Engagement, _: &Context| engagement::decide::link(one, application, &Actor::system());
    let call = Call::system(format!("link.{engagement}.{application}"), trace);
    match ledger.execute::<Engagement>(engagement, call, rule).await {
        Ok(_) => Ok(()),
        Err(refusal) if matches!(refusal.reason, "ENGAGEMENT_NOT_AT_STAGE" | "FIELD_INVALID") => {
            show_to(ledger, application, engagement, None, trace).await
        }
        Err(refusal) => Err(refusal),
    }
}

/// Whoever has an engagement in their hands is named by it, or has it no longer: what a crash between the two left. False where it may be that
/// the second step is being made just now.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn given(ledger: &Ledger, agent: StreamId, id: StreamId, young: bool, trace: &str) -> Result<bool, Refusal> {
    let holder = ledger.get::<Agent>(agent, &Audiences::all()).await?.map(|read| read.state);
    let Some(holder) = holder.filter(|holder| holder.open.contains(&id)) else { return Ok(true) };
    let read = ledger.get::<Engagement>(id, &Audiences::all()).await?;
    let named = read.is_some_and(|read| {
        read.state.stage == Stage::InHand
            && read.state.helper().is_some_and(|helper| helper.account == holder.registered.account)
    });
    if named || young {
        return Ok(named);
    }
    complete(ledger, id, trace).await?;
    follow(ledger, id, trace).await?;
    Ok(true)
}

/// Whoever became free is asked for what waits in their region, the oldest first.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn refill(ledger: &Ledger, agent: StreamId, trace: &str) -> Result<(), Refusal> {
    let Some(read) = ledger.get::<Agent>(agent, &Audiences::all()).await? else { return Ok(()) };
    let today = legal_date(ledger.host().now());
    if !read.state.on_duty(today) || read.state.is_full() {
        return Ok(());
    }
    let waiting = all_tagged::<Engagement>(ledger, &[("waits_in", read.state.registered.region.clone())]).await?;
    for engagement in waiting.iter().rev() {
        complete(ledger, engagement.stream, trace).await?;
    }
    Ok(())
}
