//! The table: what was asked, what came back, what should have.

use std::fmt;

use yiwang_tests::api::Answer;

/// One case.
struct Row {
    case: String,
    status: String,
    reason: String,
    wanted: String,
}

/// All cases, in order.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// An answer over HTTP, and what it should be.
    pub fn http(&mut self, case: &str, answer: &Answer, status: u16, reason: &str) {
        let fields = answer.body["fields"].as_array().into_iter().flatten();
        let fields: Vec<String> =
            fields.take(3).map(|field| format!("{}: {}", text(field, "field"), text(field, "reason"))).collect();
        let shown = if fields.is_empty() {
            answer.reason().to_owned()
        } else {
            format!("{} ({})", answer.reason(), fields.join(", "))
        };
        let right = answer.status == status && answer.reason() == reason;
        self.push(case, answer.status.to_string(), shown, right, format!("{status} {reason}"));
    }

    /// An answer that names a field at fault, with its reason.
    pub fn field(&mut self, case: &str, answer: &Answer, reason: &str, field: &str, why: &str) {
        self.http(case, answer, 400, reason);
        let named = answer.body["fields"].as_array().into_iter().flatten();
        let right = named.clone().any(|at| text(at, "field") == field && text(at, "reason") == why);
        if let (false, Some(row)) = (right, self.0.last_mut()) {
            row.wanted = format!("400 {reason} ({field}: {why})");
        }
    }

    /// Anything else, such as how a process ended.
    pub fn other(&mut self, case: &str, status: &str, reason: &str, right: bool, wanted: &str) {
        self.push(case, status.to_owned(), reason.to_owned(), right, wanted.to_owned());
    }

    /// Whether a group of cases was asked to its end: what a case stands on may have failed.
    pub fn whole(&mut self, group: &str, asked: anyhow::Result<()>) {
        if let Err(error) = asked {
            self.push(group, "-".to_owned(), format!("{error:#}"), false, "all cases of the group".to_owned());
        }
    }

    fn push(&mut self, case: &str, status: String, reason: String, right: bool, wanted: String) {
        let wanted = if right { String::new() } else { wanted };
        self.0.push(Row { case: case.to_owned(), status, reason, wanted });
    }

    /// How many cases there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The cases that came out otherwise.
    pub fn unlike(&self) -> Vec<String> {
        let wrong = self.0.iter().filter(|row| !row.wanted.is_empty() || row.status == "500");
        wrong.map(|row| format!("{}: {} {}, wanted {}", row.case, row.status, row.reason, row.wanted)).collect()
    }
}

fn text<'a>(value: &'a serde_json::Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>3}  {:<64} {:<7} reason", "", "case", "status")?;
        for (number, row) in (1..).zip(&self.0) {
            let mark = if row.wanted.is_empty() { "" } else { "   <- wanted " };
            writeln!(f, "{number:>3}  {:<64} {:<7} {}{mark}{}", row.case, row.status, row.reason, row.wanted)?;
        }
        let errors = self.0.iter().filter(|row| row.status == "500").count();
        write!(f, "{} cases, {} otherwise than wanted, {errors} with status 500", self.0.len(), self.unlike().len())
    }
}
