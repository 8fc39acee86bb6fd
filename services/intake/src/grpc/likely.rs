//! 猜您要办: what the holder's situation makes likely.

use std::collections::{BTreeMap, BTreeSet};

use yiwang_kit::{Caller, CallerKind, Fault, Incoming, Resource, wire};
use yiwang_ledger::{ListQuery, Refusal, StreamId, SubjectId, Tag};
use yiwang_proto::catalogue::v1 as pb;

use super::catalogue::{Catalogue, offset};
use super::{day, public};
use crate::application::{Application, Phase};
use crate::catalogue::details::Served;
use crate::catalogue::facts::Fetch;
use crate::catalogue::import::all_tagged;
use crate::catalogue::likely::{self, Held, OpenStage, Situation};
use crate::catalogue::{self as items, Item, ItemFacts};
use crate::convert::{ask, count, details, item as show, region};
use crate::fetching::{Answer, Query};
use crate::joint::{Joint, Standing};
use crate::theme::{Theme, ThemeFacts};

/// So many of somebody's newest applications and joint applications are looked at.
const NEWEST: u32 = 200;
/// So many kinds of licences are asked for.
const LICENSES: usize = 20;
/// So many items that one licence is used for.
const USES: u32 = 50;

/// What somebody is, by their account: a person, or any body that is not one.
fn served_by(kind: CallerKind) -> BTreeSet<Served> {
    match kind {
        CallerKind::Person => BTreeSet::from([Served::Person]),
        CallerKind::Company => {
            BTreeSet::from([Served::Enterprise, Served::Institution, Served::Association, Served::Other])
        }
        CallerKind::Staff | CallerKind::Partner | CallerKind::Service | CallerKind::Anonymous => BTreeSet::new(),
    }
}

impl Catalogue {
    pub(super) async fn likely(
        &self,
        incoming: Incoming<pb::SuggestItemsRequest>,
    ) -> Result<pb::SuggestItemsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "SuggestItems", &Resource { kind: "Item", ..Resource::default() })?;
        let size = wire::page_size(message.page_size)?;
        let mut situation = said(caller, message)?;
        let mut complete = true;
        // an officer's, a partner's or a service's own applications are nobody's situation here
        let subject =
            caller.subject.as_ref().filter(|_| matches!(caller.kind, CallerKind::Person | CallerKind::Company));
        if let Some(subject) = subject {
            self.look_up(caller, subject, &mut situation).await?;
            complete = self.licenses(subject, &incoming.trace, &mut situation).await?;
        }
        let whole = format!("{situation:?}");
        let today = self.today();
        let mut themes: Vec<ThemeFacts> = Vec::new();
        if situation.asks_of_themes() {
            let in_force = all_tagged::<Theme>(&self.ledger, &[(Tag::AUDIENCE, "public".to_owned())]).await?;
            themes.extend(in_force.iter().map(|read| read.state.facts.clone()));
        }
        let mut wishes = likely::of_themes(&situation, &themes);
        for held in &situation.held {
            let (yields, takes) = self.around(held, today).await?;
            wishes.extend(likely::of_license(held, &yields, &takes, today));
        }
        let mut known: BTreeMap<String, Item> = BTreeMap::new();
        for code in wishes.iter().map(|(code, _)| code).collect::<BTreeSet<_>>() {
            if let Some(read) = self.ledger.get::<Item>(items::stream(code), &public()).await? {
                known.insert(code.clone(), (*read.state).clone());
            }
        }
        let all = likely::chosen(&situation, wishes, &known, today);
        let proof = self.ledger.vault().keyed_hash(&[b"likely", whole.as_bytes()]).to_string();
        let proof = &proof[..16];
        let start = offset(&message.page_token, proof)?;
        let end = start.saturating_add(size as usize).min(all.len());
        let one = |likely: &likely::Likely| pb::SuggestedItem {
            item: known.get(&likely.item).map(|item| show::summary(item, today)),
            reasons: likely.reasons.iter().map(details::likely_reason).collect(),
        };
        Ok(pb::SuggestItemsResponse {
            items: all.get(start..end).unwrap_or_default().iter().map(one).collect(),
            next_page_token: if end < all.len() { format!("{proof}.{end}") } else { String::new() },
            total_size: count(all.len()),
            licenses_unknown: !complete,
        })
    }

    /// What the platform holds about this very caller: their applications and their chains.
    async fn look_up(&self, caller: &Caller, subject: &SubjectId, situation: &mut Situation) -> Result<(), Refusal> {
        let newest = |filters| ListQuery { filters, page_size: NEWEST, page_token: String::new() };
        let query = newest(vec![(Tag::AUDIENCE, subject.audience())]);
        for read in self.ledger.list::<Application>(&query, &caller.audiences()).await?.items {
            let app = &read.state;
            // whoever acts for another has not the other's situation
            if app.identified_applicant().is_none_or(|party| party.subject != *subject) {
                continue;
            }
            let (code, name) = (app.item.code.clone(), app.item.name.clone());
            match (&app.phase, &app.conclusion) {
                (_, Some(end)) if end.granted => drop(situation.granted.insert(code, name)),
                (Phase::Submitted { .. } | Phase::CorrectionRequested, _) | (Phase::Accepted(_), None) => {
                    situation.running.insert(code, name);
                }
                _ => {}
            }
        }
        for read in self.ledger.list::<Joint>(&newest(Vec::new()), &caller.audiences()).await?.items {
            let joint = &read.state;
            if joint.whose.as_ref().is_none_or(|whose| whose.applicant.subject != *subject) {
                continue;
            }
            let open = joint.members.iter().filter(|member| member.standing == Standing::Open);
            situation.open.extend(open.map(|member| OpenStage {
                theme: joint.theme.code.clone(),
                theme_name: joint.theme.name.clone(),
                item: member.plan.item.clone(),
            }));
        }
        Ok(())
    }

    /// The licences that came of what was granted and are in force; false where the licence service is away.
    async fn licenses(&self, subject: &SubjectId, trace: &str, situation: &mut Situation) -> Result<bool, Refusal> {
        let mut kinds: BTreeMap<String, String> = BTreeMap::new();
        for code in situation.granted.keys() {
            let read = self.ledger.get::<Item>(items::stream(code), &public()).await?;
            let result =
                read.map(|read| read.state.facts.result.clone()).filter(|result| !result.license_type_code.is_empty());
            kinds.extend(result.map(|result| (result.license_type_code, result.name)));
        }
        for (type_code, name) in kinds.into_iter().take(LICENSES) {
            let id = StreamId::named("likely", &format!("{subject}/{type_code}")).to_string();
            let query = Query {
                subject: subject.to_string(),
                document_kind: String::new(),
                document_number: String::new(),
                name: String::new(),
                what: type_code.clone(),
                id,
                trace: trace.to_owned(),
            };
            match self.sources.fetch(&Fetch::License(type_code.clone()), &query).await {
                Ok(Answer::Found(found)) => situation.held.push(Held { type_code, name, valid_to: found.valid_to }),
                Ok(Answer::Missed(_)) => {}
                Err(reason) => {
                    tracing::warn!(%reason, "what is likely is reckoned without licences");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The items that give such a licence, those of the same main item and organ where it is to be renewed, and those that ask for it.
    async fn around(&self, held: &Held, today: chrono::NaiveDate) -> Result<(Vec<ItemFacts>, Vec<ItemFacts>), Refusal> {
        let tagged = async |tag: &'static str, value: &str| -> Result<Vec<ItemFacts>, Refusal> {
            let filters = vec![(tag, value.to_owned()), ("status", "IN_FORCE".to_owned())];
            let query = ListQuery { filters, page_size: USES, page_token: String::new() };
            let page = self.ledger.list::<Item>(&query, &public()).await?;
            Ok(page.items.iter().map(|read| read.state.facts.clone()).collect())
        };
        let takes = tagged("takes", &held.type_code).await?;
        let mut yields = Vec::new();
        if likely::ends_soon(held, today) {
            yields = tagged("yields", &held.type_code).await?;
            let mains: BTreeSet<String> =
                yields.iter().map(|facts| facts.main_item.clone()).filter(|main| !main.is_empty()).collect();
            let givers: BTreeSet<String> = yields.iter().map(|facts| facts.department_code.clone()).collect();
            for main in mains {
                let same = tagged("main", &items::main_tag(&main)).await?;
                yields.extend(same.into_iter().filter(|facts| givers.contains(&facts.department_code)));
            }
        }
        Ok((yields, takes))
    }
}

/// What the caller says.
fn said(caller: &Caller, message: &pb::SuggestItemsRequest) -> Result<Situation, Refusal> {
    ask::few("licenses", &message.licenses, LICENSES)?;
    let held = |(place, said): (usize, &pb::HeldLicense)| {
        let at = |field: &str| format!("licenses[{place}].{field}");
        Ok(Held {
            type_code: ask::text(&at("type_code"), &said.type_code, 1, 36, "FIELD_INVALID")?,
            name: ask::text(&at("name"), &said.name, 1, 100, "FIELD_INVALID")?,
            valid_to: day(&at("valid_to"), &said.valid_to)?,
        })
    };
    let served = match details::served_of(message.served()) {
        Some(group) => BTreeSet::from([group]),
        None => served_by(caller.kind),
    };
    Ok(Situation {
        served,
        region: match message.region_code.trim() {
            "" => String::new(),
            code => region("region_code", code)?,
        },
        life_event: ask::text("life_event", &message.life_event, 0, 50, "FIELD_INVALID")?,
        held: message.licenses.iter().enumerate().map(held).collect::<Result<_, Refusal>>()?,
        ..Situation::default()
    })
}
