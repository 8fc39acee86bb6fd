//! What is derived from an engagement's state: who sees it, by what it is listed, when the timer looks.

use yiwang_ledger::{Index, Tag, Timestamp};
use yiwang_standards::calendar;

use super::meeting::Task;
use super::{Engagement, Stage};
use crate::agent::county;
use crate::directory::above;

/// The tasks of all meetings with their places.
pub(super) fn tasks(engagement: &Engagement) -> impl Iterator<Item = (usize, usize, &Task)> {
    let meetings = engagement.meetings.iter().enumerate();
    meetings.flat_map(|(meeting, held)| held.tasks.iter().enumerate().map(move |(task, one)| (meeting, task, one)))
}

fn due_at(engagement: &Engagement) -> Option<Timestamp> {
    let authorised = engagement.authorisation.as_ref().filter(|_| engagement.stage.is_open()).map(|given| given.until);
    let open = tasks(engagement).filter(|(.., task)| task.is_open() && !task.overdue);
    let last = authorised.into_iter().chain(open.map(|(.., task)| task.until)).min()?;
    Some(Timestamp(calendar::start_of_day_micros(last.succ_opt()?)))
}

pub(super) fn index(engagement: &Engagement) -> Index {
    let wanted = &engagement.asked.wanted;
    Index {
        region: wanted.region.clone(),
        organisation: engagement.helper().map(|helper| helper.organ.code.clone()).unwrap_or_default(),
        owner: engagement.asked.subject.to_string(),
        item: wanted.items.first().cloned().unwrap_or_default(),
        status: engagement.stage.name().to_owned(),
        due_at: due_at(engagement),
    }
}

/// The asker; the agent, and the one it is offered to; the windows, where one entered it; the departments that were invited; the
/// coordinator and the supervision of the county.
fn audiences(engagement: &Engagement) -> Vec<String> {
    let asked = &engagement.asked;
    let county = county(&asked.wanted.region);
    let mut all = vec![format!("coordination:{county}"), format!("region:{county}")];
    if asked.is_known() {
        all.push(asked.subject.audience());
    }
    if asked.for_another {
        all.push(format!("window:{county}"));
    }
    let assigned = engagement.assignments.last().map(|assigned| &assigned.helper);
    let helpers = assigned.into_iter().chain(engagement.offered().map(|offer| &offer.to));
    all.extend(helpers.map(|helper| format!("agent:{}", helper.account)));
    let invited = engagement.meetings.iter().flat_map(|meeting| &meeting.invited);
    all.extend(invited.map(|organ| format!("org:{}", organ.code)));
    all
}

pub(super) fn tags(engagement: &Engagement) -> Vec<Tag> {
    if engagement.stage == Stage::Absent {
        return Vec::new();
    }
    let sort = Tag::newest_first(engagement.asked_at);
    let tag = |name, value: &str| Tag::new(name, value, sort.clone());
    let wanted = &engagement.asked.wanted;
    let mut tags: Vec<Tag> = audiences(engagement).iter().map(|value| tag(Tag::AUDIENCE, value)).collect();
    tags.push(tag("stage", engagement.stage.name()));
    tags.push(tag("kind", wanted.kind.into()));
    tags.extend(engagement.helper().map(|helper| tag("agent", &helper.account)));
    if engagement.asked.is_known() {
        // who acts for this asker as their agent, or did, looks here
        tags.push(tag("asker", engagement.asked.subject.as_str()));
        tags.extend(engagement.assignments.iter().map(|assigned| tag("helped_by", &assigned.helper.account)));
    }
    tags.extend(engagement.applications.iter().map(|id| tag("application", &id.to_string())));
    if engagement.stage == Stage::Waiting {
        // whoever becomes free in one of these looks here
        let regions = above(&wanted.region);
        tags.extend(regions.iter().map(|region| tag("waits_in", region)));
    }
    if tasks(engagement).any(|(.., task)| task.overdue) {
        tags.push(tag("task_overdue", "yes"));
    }
    tags.sort();
    tags.dedup();
    tags
}
