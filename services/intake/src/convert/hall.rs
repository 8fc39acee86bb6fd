//! Halls and presences, as the contracts bring and show them.

use yiwang_kit::wire;
use yiwang_ledger::Refusal;
use yiwang_proto::catalogue::v1 as pb;

use super::{ask, region};
use crate::hall::{Absence, Hall, Presence, Way};

const WRONG: &str = "FIELD_INVALID";

/// A hall that is to be published.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn hall(message: Option<&pb::Hall>) -> Result<Hall, Refusal> {
    let message = message.ok_or_else(|| Refusal::field("hall", WRONG, "缺少大厅", "the hall is needed"))?;
    let code = ask::text("hall.hall_code", &message.hall_code, 1, 36, WRONG)?;
    if !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let (zh, en) = ("代码由字母、数字和连字符组成", "a code is letters, digits and hyphens");
        return Err(Refusal::field("hall.hall_code", WRONG, zh, en));
    }
    Ok(Hall {
        code,
        name: ask::text("hall.name", &message.name, 1, 100, WRONG)?,
        region: region("hall.region_code", &message.region_code)?,
        address: ask::text("hall.address", &message.address, 1, 200, WRONG)?,
        hours: ask::text("hall.hours", &message.hours, 1, 200, WRONG)?,
    })
}

/// A hall.
pub fn hall_shown(version: u64, hall: &Hall) -> pb::Hall {
    pb::Hall {
        hall_code: hall.code.clone(),
        etag: wire::etag(version),
        name: hall.name.clone(),
        region_code: hall.region.clone(),
        address: hall.address.clone(),
        hours: hall.hours.clone(),
    }
}

/// How an item is to be registered in a hall.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn presence(message: &pb::RegisterPresenceRequest, hall: &Hall, item: &str) -> Result<Presence, Refusal> {
    let way = match message.way() {
        pb::PresenceWay::In => Way::In,
        pb::PresenceWay::Seasonal => {
            Way::Seasonal { from: message.season_from.trim().to_owned(), until: message.season_until.trim().to_owned() }
        }
        pb::PresenceWay::Entrusted => {
            Way::Entrusted { organ: ask::text("receiving_organ", &message.receiving_organ, 0, 100, WRONG)? }
        }
        pb::PresenceWay::Out => Way::Out { reason: ask::text("reason", &message.reason, 0, 300, WRONG)? },
        pb::PresenceWay::Unspecified => {
            return Err(Refusal::field("way", WRONG, "请指明进驻方式", "name the way it is present"));
        }
    };
    Ok(Presence {
        hall: hall.code.clone(),
        item: item.to_owned(),
        region: hall.region.clone(),
        way,
        authorised: message.authorised,
    })
}

/// A presence.
pub fn presence_shown(version: u64, presence: &Presence) -> pb::Presence {
    let mut shown = pb::Presence {
        hall_code: presence.hall.clone(),
        item_code: presence.item.clone(),
        authorised: presence.authorised,
        etag: wire::etag(version),
        ..Default::default()
    };
    match &presence.way {
        Way::Unknown => {}
        Way::In => shown.set_way(pb::PresenceWay::In),
        Way::Seasonal { from, until } => {
            shown.set_way(pb::PresenceWay::Seasonal);
            (shown.season_from, shown.season_until) = (from.clone(), until.clone());
        }
        Way::Entrusted { organ } => {
            shown.set_way(pb::PresenceWay::Entrusted);
            shown.receiving_organ.clone_from(organ);
        }
        Way::Out { reason } => {
            shown.set_way(pb::PresenceWay::Out);
            shown.reason.clone_from(reason);
        }
    }
    shown
}

/// One line of the board.
pub fn absence(line: &Absence) -> pb::Absence {
    pb::Absence {
        kind: match line.hall {
            None => pb::AbsenceKind::Absent.into(),
            Some(_) => pb::AbsenceKind::NotAuthorised.into(),
        },
        item_code: line.item.clone(),
        item_name: line.name.clone(),
        department: line.department.clone(),
        hall_code: line.hall.clone().unwrap_or_default(),
    }
}
