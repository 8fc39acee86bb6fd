//! What the law asks of which type of item. Arts. 32, 42 and 45 of the licensing law bind 行政许可 (type 01) alone; the
//! other types have rule sets of their own, whose limits are facts of the item or marked defaults.

use super::{Item, Limit, Outcome, Remedies, ResultKind, Source, Unit};

/// 行政许可, GB/T 39046 A.1.
pub const LICENSING: i32 = 1;
/// 即办件, GB/T 39046 A.6.
pub const IMMEDIATE: i32 = 1;

/// How an item is decided, and by which limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// The legal limit where the item brings none.
    pub legal: Limit,
    /// 颁发、送达 after a grant; none where no statute asks for it.
    pub delivery: Option<Limit>,
    /// Whether the application itself is the act: nothing is examined in substance.
    pub recorded: bool,
}

/// 行政许可法 art. 42 para. 1.
pub const LICENSING_DAYS: u32 = 20;
/// 行政许可法 art. 42 para. 2: 统一、联合、集中办理.
pub const JOINT_DAYS: u32 = 45;
/// 行政许可法 art. 44.
pub const DELIVERY_DAYS: u32 = 10;
/// The later check of a promise, where the item has no limit of its own. Unverified constant: 国办发〔2020〕42号 names none.
pub const FOLLOW_UP_DAYS: u32 = 20;
/// 限期整改 after a failed check. Unverified constant.
pub const RECTIFY_DAYS: u32 = 10;
/// 行政许可法 art. 42 para. 1: the one extension, by leave of the organ's head.
pub const EXTENSION_DAYS: u32 = 10;
/// 行政许可法 art. 42 para. 2: likewise where several organs handle it together, by leave of the government's head.
pub const JOINT_EXTENSION_DAYS: u32 = 15;
/// Types other than 01 whose item brings no limit. Unverified constant.
pub const OTHER_DAYS: u32 = 20;

/// A limit that a statute sets.
pub fn statute(days: u32, basis: &str) -> Limit {
    Limit {
        days,
        unit: Unit::WorkingDay,
        basis: basis.to_owned(),
        source: Source::Statute,
        unverified: false,
        ..Limit::default()
    }
}

/// A limit that nobody has confirmed yet.
pub fn default_limit(days: u32, basis: &str) -> Limit {
    Limit {
        days,
        unit: Unit::WorkingDay,
        basis: basis.to_owned(),
        source: Source::Default,
        unverified: true,
        ..Limit::default()
    }
}

impl RuleSet {
    /// The rule set of an item.
    pub fn of(item: &Item) -> Self {
        if item.item_type == LICENSING {
            let legal = if is_joint(item) {
                statute(JOINT_DAYS, "《中华人民共和国行政许可法》第四十二条第二款")
            } else {
                statute(LICENSING_DAYS, "《中华人民共和国行政许可法》第四十二条第一款")
            };
            let delivery = Some(statute(DELIVERY_DAYS, "《中华人民共和国行政许可法》第四十四条"));
            return Self { legal, delivery, recorded: false };
        }
        if item.rules == "filing" || item.result == ResultKind::Receipt {
            return Self { legal: default_limit(0, "备案当场办结"), delivery: None, recorded: true };
        }
        Self {
            legal: default_limit(OTHER_DAYS, "事项类型默认时限，待实施机关确认"), delivery: None, recorded: false
        }
    }

    /// The legal limit that binds the case: the statute for this very matter where there is one (art. 42: 法律、法规另有规定的，
    /// 依照其规定), else the rule set's.
    pub fn legal_limit(&self, item: &Item) -> Limit {
        match &item.legal {
            // A default that only repeats the article is shown with the article.
            Some(own)
                if own.source == Source::Default
                    && (own.days, own.unit, own.start) == (self.legal.days, self.legal.unit, self.legal.start) =>
            {
                self.legal.clone()
            }
            Some(own) => own.clone(),
            None => self.legal.clone(),
        }
    }
}

/// 统一、联合、集中办理: several organs handle it together (行政许可法 art. 42 para. 2).
pub fn is_joint(item: &Item) -> bool {
    item.rules == "licensing-joint"
}

/// The extension that the licensing law provides for its own limits, in working days, with its article.
pub fn extension(item: &Item) -> Option<(u32, &'static str)> {
    match (item.item_type == LICENSING, is_joint(item)) {
        (false, _) => None,
        (true, false) => Some((EXTENSION_DAYS, "《中华人民共和国行政许可法》第四十二条第一款")),
        (true, true) => Some((JOINT_EXTENSION_DAYS, "《中华人民共和国行政许可法》第四十二条第二款")),
    }
}

/// 告知承诺: decided at once on a signed promise, checked afterwards.
pub fn by_promise(item: &Item, promise_signed: bool) -> bool {
    item.notify_promise && promise_signed
}

/// Done at once by one officer: 备案, 告知承诺, 即办件. 审查与决定分离 does not apply to it.
pub fn on_the_spot(item: &Item, promise_signed: bool) -> bool {
    RuleSet::of(item).recorded || by_promise(item, promise_signed) || item.case_kind == IMMEDIATE
}

/// 救济途径 of a refusal (see `standards::remedies`).
pub fn remedies(item: &Item) -> Remedies {
    let told = yiwang_standards::remedies::remedies(&item.organisation_name, &item.remedies);
    Remedies { zh: told.zh, en: told.en }
}

impl Outcome {
    /// Whether it is a grant.
    pub fn is_grant(&self) -> bool {
        matches!(self, Outcome::Granted { .. })
    }
}
