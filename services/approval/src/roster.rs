//! 岗位名册: the officers of an organ, what each of them handles, and who stands in for whom (A角, B角). One stream an organ, kept by its
//! head. Nobody has to be on it to review or decide: that is the policies'. It says to whom tasks are given (decision 64).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Decision, Index, Kind, Meta, Refusal, StreamId, Tag};

use crate::case::Officer;
use crate::case::task::DECISION;

/// An organ has at most so many posts on its roster.
pub const MOST: usize = 300;
/// They name at most so many items between them.
pub const MOST_ITEMS: usize = 2_000;

/// What an officer does with cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// 审查.
    Review,
    /// 决定.
    Decide,
}

/// 离岗.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Last day; none: until they say that they are back.
    pub until: Option<NaiveDate>,
}

/// 岗位.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Name: they act in office.
    pub name: String,
    /// What they do.
    pub duties: BTreeSet<Duty>,
    /// 实施编码 of the items that they handle; none: all of the organ's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub items: BTreeSet<String>,
    /// B角: account of who stands in for them; empty for nobody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stand_in: String,
    /// 离岗; none: on duty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
}

impl Post {
    /// Whether they are away on a day.
    pub fn is_away(&self, day: NaiveDate) -> bool {
        self.away.as_ref().is_some_and(|away| away.until.is_none_or(|last| day <= last))
    }
}

/// 名册.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    /// 机关编码.
    pub organ: String,
    /// 行政区划.
    pub region: String,
    /// The posts, by their accounts.
    pub posts: BTreeMap<String, Post>,
}

/// What happens to a roster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// Put on, or changed.
    PostSet {
        /// The organ.
        organ: String,
        /// Its region.
        region: String,
        /// The account.
        account: String,
        /// As it is from now on; whether they are away is not said by it.
        post: Box<Post>,
        /// By whom.
        by: Officer,
    },
    /// Taken off.
    PostRemoved {
        /// The account.
        account: String,
        /// By whom.
        by: Officer,
    },
    /// 离岗, 在岗.
    DutySet {
        /// The account.
        account: String,
        /// None: on duty.
        away: Option<Away>,
        /// By whom.
        by: Officer,
    },
}

impl Aggregate for Roster {
    const KIND: &'static str = "roster";
    type Event = Event;

    fn evolve(&mut self, event: &Event, _: &Meta) {
        match event {
            Event::PostSet { organ, region, account, post, .. } => {
                self.organ.clone_from(organ);
                self.region.clone_from(region);
                let away = self.posts.get(account).and_then(|known| known.away.clone());
                self.posts.insert(account.clone(), Post { away, ..post.as_ref().clone() });
            }
            Event::PostRemoved { account, .. } => drop(self.posts.remove(account)),
            Event::DutySet { account, away, .. } => {
                self.posts.entry(account.clone()).and_modify(|post| post.away.clone_from(away));
            }
        }
    }

    fn index(&self) -> Index {
        Index { region: self.region.clone(), organisation: self.organ.clone(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        let audiences = [format!("org:{}", self.organ), format!("region:{}", self.region)];
        audiences.into_iter().map(|audience| Tag::new(Tag::AUDIENCE, audience, self.organ.clone())).collect()
    }
}

/// The stream of an organ's roster.
pub fn stream(organ: &str) -> StreamId {
    StreamId::named(Roster::KIND, organ)
}

/// 岗位: puts an officer on the roster, or what has changed of one. Who stands in for another has every duty of theirs.
pub fn set(
    roster: &Roster,
    (organ, region): (&str, &str),
    account: &str,
    post: &Post,
    by: &Officer,
) -> Decision<Event> {
    if !roster.posts.contains_key(account) && roster.posts.len() >= MOST {
        let (zh, en) = (format!("名册至多{MOST}个岗位"), format!("a roster has {MOST} posts at most"));
        return Err(Refusal::state("ROSTER_FULL", zh, en));
    }
    let others = roster.posts.iter().filter(|(other, _)| *other != account);
    if others.map(|(_, other)| other.items.len()).sum::<usize>() + post.items.len() > MOST_ITEMS {
        let (zh, en) =
            (format!("名册上的事项合计至多{MOST_ITEMS}项"), format!("{MOST_ITEMS} items at most between them"));
        return Err(Refusal::state("ROSTER_FULL", zh, en));
    }
    if !post.stand_in.is_empty() {
        let stand_in = roster.posts.get(&post.stand_in);
        let known = stand_in.is_some() || post.stand_in == account;
        if !known {
            let (zh, en) = ("B角不在本机关的名册上", "the stand-in is nobody of the roster");
            return Err(Refusal::field("stand_in", "STAND_IN_UNKNOWN", zh, en));
        }
        if post.stand_in == account || !stand_in.is_some_and(|other| other.duties.is_superset(&post.duties)) {
            let (zh, en) =
                ("B角应为他人，且有A角的全部职责", "a stand-in is another officer, with every duty of theirs");
            return Err(Refusal::field("stand_in", "STAND_IN_UNFIT", zh, en));
        }
    }
    let mut for_whom = roster.posts.iter().filter(|(_, other)| other.stand_in == account);
    if for_whom.any(|(_, other)| !post.duties.is_superset(&other.duties)) {
        return stands_in(roster, account);
    }
    // its region is the one with which it was begun
    let region = if roster.region.is_empty() { region } else { &roster.region };
    let (organ, region, account) = (organ.to_owned(), region.to_owned(), account.to_owned());
    let same = roster.posts.get(&account).is_some_and(|known| Post { away: None, ..known.clone() } == *post);
    let event = Event::PostSet { organ, region, account, post: Box::new(post.clone()), by: by.clone() };
    Ok(if same { Vec::new() } else { vec![event] })
}

/// Takes an officer off the roster.
pub fn remove(roster: &Roster, account: &str, by: &Officer) -> Decision<Event> {
    roster.post(account)?;
    if roster.posts.values().any(|other| other.stand_in == account) {
        return stands_in(roster, account);
    }
    Ok(vec![Event::PostRemoved { account: account.to_owned(), by: by.clone() }])
}

/// 在岗、离岗: by the officer, or the head.
pub fn set_duty(
    roster: &Roster,
    account: &str,
    away: Option<Away>,
    (by, head): (&Officer, bool),
    today: NaiveDate,
) -> Decision<Event> {
    let post = roster.post(account)?;
    if by.id != account && !head {
        let (zh, en) = ("只能登记本人的在岗情况", "an officer speaks of themselves");
        return Err(Refusal::new(Kind::PermissionDenied, "NOT_YOUR_DUTY", zh, en));
    }
    if away.as_ref().and_then(|away| away.until).is_some_and(|last| last < today) {
        let (zh, en) = ("离岗的最后一日不能早于今天", "the last day away is today or later");
        return Err(Refusal::field("until", "DATE_IN_THE_PAST", zh, en));
    }
    let event = Event::DutySet { account: account.to_owned(), away: away.clone(), by: by.clone() };
    Ok(if post.away == away { Vec::new() } else { vec![event] })
}

fn stands_in(roster: &Roster, account: &str) -> Decision<Event> {
    let for_whom = roster.posts.iter().filter(|(_, other)| other.stand_in == account);
    let accounts: Vec<&str> = for_whom.map(|(account, _)| account.as_str()).collect();
    let (zh, en) = ("该岗位是他人的B角，请先改定B角", "others have this post for their stand-in; change that first");
    Err(Refusal::state("POST_STANDS_IN", zh, en).with("for", accounts.join(",")))
}

impl Roster {
    fn post(&self, account: &str) -> Result<&Post, Refusal> {
        self.posts.get(account).ok_or_else(|| {
            let (zh, en) = ("名册上没有这个岗位", "nobody of that account is on the roster");
            Refusal::new(Kind::NotFound, "POST_NOT_FOUND", zh, en)
        })
    }

    /// B角: the accounts of those who are away on a day and for whom somebody stands in.
    pub fn covered_by(&self, account: &str, day: NaiveDate) -> BTreeSet<String> {
        let away = self.posts.iter().filter(|(_, post)| post.stand_in == account && post.is_away(day));
        away.map(|(account, _)| account.clone()).collect()
    }

    /// The officer to whom a task of an item may be given on a day.
    ///
    /// # Errors
    /// `POST_UNKNOWN`, `POST_UNFIT`, `OFFICER_AWAY`.
    pub fn taker(&self, account: &str, (task, item): (&str, &str), day: NaiveDate) -> Result<Officer, Refusal> {
        let Some(post) = self.posts.get(account) else {
            let (zh, en) = ("本机关的名册上没有这个岗位", "nobody of that account is on the organ's roster");
            return Err(Refusal::field("account", "POST_UNKNOWN", zh, en));
        };
        let (duty, role) = if task == DECISION { (Duty::Decide, "approver") } else { (Duty::Review, "reviewer") };
        if !post.duties.contains(&duty) || !(post.items.is_empty() || post.items.contains(item)) {
            let (zh, en) = ("该岗位不办理此类任务或者此事项", "this is none of their duties, or none of their items");
            return Err(Refusal::state("POST_UNFIT", zh, en));
        }
        if post.is_away(day) {
            let (zh, en) =
                ("该人员离岗，请分派给其B角或者他人", "they are away: give it to their stand-in, or another");
            return Err(Refusal::state("OFFICER_AWAY", zh, en).with("stand_in", post.stand_in.clone()));
        }
        let organisation = self.organ.clone();
        Ok(Officer { id: account.to_owned(), name: post.name.clone(), role: role.to_owned(), organisation })
    }
}
