//! Why a calendar file is not taken over.

use std::borrow::Cow;

use chrono::NaiveDate;

use crate::Reasoned;

/// What is wrong with a calendar file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalendarError {
    /// No `# covers:` line before the days.
    NoCoverage,
    /// The `covers` line is no list of years.
    Coverage {
        /// Line number from 1.
        line: usize,
    },
    /// A line is not `date,kind,name[,name_en]`.
    Line {
        /// Line number from 1.
        line: usize,
    },
    /// A day outside the years that the file covers.
    OutsideCoverage {
        /// The day.
        date: NaiveDate,
    },
    /// A make-up working day that is no Saturday or Sunday.
    MakeUpOnWeekday {
        /// The day.
        date: NaiveDate,
    },
    /// A covered year lacks a festival, so the file holds only part of it.
    PartialYear {
        /// The year.
        year: i32,
        /// The festival that is missing, in Chinese.
        festival: &'static str,
    },
    /// The day is given twice, or already known, as something else.
    Contradiction {
        /// The day.
        date: NaiveDate,
    },
}

impl Reasoned for CalendarError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoCoverage => "CALENDAR_COVERAGE_MISSING",
            Self::Coverage { .. } => "CALENDAR_COVERAGE_MALFORMED",
            Self::Line { .. } => "CALENDAR_LINE_MALFORMED",
            Self::OutsideCoverage { .. } => "CALENDAR_DAY_OUTSIDE_COVERAGE",
            Self::MakeUpOnWeekday { .. } => "CALENDAR_MAKE_UP_ON_WEEKDAY",
            Self::PartialYear { .. } => "CALENDAR_YEAR_PARTIAL",
            Self::Contradiction { .. } => "CALENDAR_DAY_CONTRADICTED",
        }
    }

    fn zh(&self) -> Cow<'static, str> {
        match self {
            Self::NoCoverage => "日历文件缺少“# covers: 年份”说明".into(),
            Self::Coverage { line } => format!("第{line}行的年份范围无法识别").into(),
            Self::Line { line } => format!("第{line}行应为“日期,类型,名称”").into(),
            Self::OutsideCoverage { date } => format!("{date}不在文件声明的年份之内").into(),
            Self::MakeUpOnWeekday { date } => format!("{date}不是周六或周日，不能作为调休上班日").into(),
            Self::PartialYear { year, festival } => format!("{year}年缺少{festival}的放假安排，数据不完整").into(),
            Self::Contradiction { date } => format!("{date}与已有的放假安排相矛盾").into(),
        }
    }

    fn en(&self) -> Cow<'static, str> {
        match self {
            Self::NoCoverage => "the calendar file has no \"# covers: years\" line".into(),
            Self::Coverage { line } => format!("line {line}: the covered years cannot be read").into(),
            Self::Line { line } => format!("line {line} is not \"date,kind,name\"").into(),
            Self::OutsideCoverage { date } => format!("{date} is outside the years that the file covers").into(),
            Self::MakeUpOnWeekday { date } => format!("{date} is no Saturday or Sunday to make up on").into(),
            Self::PartialYear { year, festival } => {
                format!("{year} has no rest day for {festival}: not a whole year").into()
            }
            Self::Contradiction { date } => format!("{date} contradicts what is known of it").into(),
        }
    }
}

impl std::fmt::Display for CalendarError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.zh(), self.en())
    }
}

impl std::error::Error for CalendarError {}
