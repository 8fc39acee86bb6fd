//! Due dates in sentences that a lawyer can check.

use chrono::{Datelike, NaiveDate};

use super::{DueDate, Step, Term};

impl DueDate {
    /// The computation in Chinese.
    pub fn explain_zh(&self) -> String {
        let e = &self.explanation;
        let mut text = format!(
            "自{}起{}（开始当日不计入，民法典第二百零一条），至{}届满。",
            date_zh(e.start),
            term_zh(e.term),
            date_zh(self.date)
        );
        let rolled = e.steps.iter().any(|step| matches!(step, Step::RolledForward { .. }));
        let (mut out, mut worked) = (Vec::new(), Vec::new());
        for step in &e.steps {
            match step {
                Step::Rest { name, from, to } => out.push(format!("{}放假{}", name.zh, span_zh(*from, *to))),
                Step::Weekends { days } => out.push(format!("周六、周日{days}天")),
                Step::MakeUp { name, date } => {
                    worked.push(format!("{}（{}，{}调休上班）", day_zh(*date), weekday_zh(*date), name.zh));
                }
                Step::RolledForward { from, to } => {
                    text += &format!(
                        "期间最后一日{}为休息日（{}），顺延至休息日结束的次日{}（民法典第二百零三条）。",
                        date_zh(*from),
                        out.join("、"),
                        date_zh(*to)
                    )
                }
                Step::Paused { from, to, used, left } => {
                    let days = if matches!(e.term, Term::WorkingDays(_)) { "个工作日" } else { "日" };
                    text += &format!(
                        "{}终了时暂停计时，已用{used}{days}；{}终了时恢复，余{left}{days}（暂停期间不计入）。",
                        date_zh(*from),
                        date_zh(*to)
                    )
                }
                Step::Uncovered { .. } => {}
            }
        }
        if !rolled && !out.is_empty() {
            text += &format!("其间不计入：{}。", out.join("、"));
        }
        if !rolled && !worked.is_empty() {
            text += &format!("按工作日计入：{}。", worked.join("、"));
        }
        if self.provisional {
            let years: Vec<String> = self.missing_years.iter().map(|y| format!("{y}年")).collect();
            text += &format!(
                "{}的放假安排尚未公布，暂按周六、周日休息推算，此日期为暂定，公布后重新计算。",
                years.join("、")
            );
        }
        text
    }

    /// The computation in English.
    pub fn explain_en(&self) -> String {
        let e = &self.explanation;
        let mut text = format!(
            "{} from {} (the first day not counted, Civil Code art. 201) end on {}.",
            term_en(e.term),
            e.start,
            self.date
        );
        let rolled = e.steps.iter().any(|step| matches!(step, Step::RolledForward { .. }));
        let (mut out, mut worked) = (Vec::new(), Vec::new());
        for step in &e.steps {
            match step {
                Step::Rest { name, from, to } if from == to => out.push(format!("{} on {from}", name.en)),
                Step::Rest { name, from, to } => out.push(format!("{} from {from} to {to}", name.en)),
                Step::Weekends { days } => out.push(format!("{days} day(s) of weekends")),
                Step::MakeUp { name, date } => {
                    worked.push(format!("{date} ({}, made up for {})", date.format("%A"), name.en));
                }
                Step::RolledForward { from, to } => {
                    text += &format!(
                        " The last day counted, {from}, is a rest day ({}); {to}, the day after the rest, takes its place \
                         (Civil Code art. 203).",
                        out.join(", ")
                    );
                }
                Step::Paused { from, to, used, left } => {
                    let days = if matches!(e.term, Term::WorkingDays(_)) { "working day(s)" } else { "day(s)" };
                    text += &format!(
                        " The clock stopped at the end of {from} with {used} {days} used and went on after {to} with {left} left \
                         (the pause is not counted)."
                    );
                }
                Step::Uncovered { .. } => {}
            }
        }
        if !rolled && !out.is_empty() {
            text += &format!(" Not counted: {}.", out.join(", "));
        }
        if !rolled && !worked.is_empty() {
            text += &format!(" Counted as working days: {}.", worked.join(", "));
        }
        if self.provisional {
            let years: Vec<String> = self.missing_years.iter().map(ToString::to_string).collect();
            text += &format!(
                " The rest days of {} are not published yet; weekends alone were taken as rest days, so this date is \
                 provisional and will be computed again.",
                years.join(", ")
            );
        }
        text
    }
}

fn term_zh(term: Term) -> String {
    match term {
        Term::WorkingDays(n) => format!("{n}个工作日"),
        Term::CalendarDays(n) => format!("{n}日"),
        Term::Months(n) => format!("{n}个月"),
        Term::Years(n) => format!("{n}年"),
    }
}

fn term_en(term: Term) -> String {
    match term {
        Term::WorkingDays(n) => format!("{n} working day(s)"),
        Term::CalendarDays(n) => format!("{n} calendar day(s)"),
        Term::Months(n) => format!("{n} month(s)"),
        Term::Years(n) => format!("{n} year(s)"),
    }
}

fn date_zh(date: NaiveDate) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}

fn day_zh(date: NaiveDate) -> String {
    format!("{}月{}日", date.month(), date.day())
}

fn span_zh(from: NaiveDate, to: NaiveDate) -> String {
    if from == to {
        return day_zh(from);
    }
    format!("{}至{}（{}天）", day_zh(from), day_zh(to), (to - from).num_days() + 1)
}

fn weekday_zh(date: NaiveDate) -> &'static str {
    ["周一", "周二", "周三", "周四", "周五", "周六", "周日"][date.weekday().num_days_from_monday() as usize]
}
