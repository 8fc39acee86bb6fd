//! How the story is told: a line a step for people, or an object a step for machines.

use std::io::{self, Write as _};

use serde_json::{Value, json};

/// Tells the story to standard output.
pub struct Teller {
    json: bool,
    steps: u32,
}

impl Teller {
    pub fn new(json: bool) -> Self {
        Self { json, steps: 0 }
    }

    /// A new day begins.
    pub fn day(&mut self, date: &str, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(io::stdout(), "\n━━ {date}　{text}")
    }

    /// One step: who did what, and the particulars that follow from it.
    pub fn step(&mut self, who: &str, what: &str, details: &[(&str, String)]) -> io::Result<()> {
        self.steps += 1;
        let mut out = io::stdout();
        if self.json {
            let details: serde_json::Map<String, Value> =
                details.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            return writeln!(out, "{}", json!({"step": self.steps, "who": who, "what": what, "details": details}));
        }
        writeln!(out, "{:>3}. 【{who}】{what}", self.steps)?;
        for (name, value) in details {
            let mut lines = value.lines();
            writeln!(out, "      {name}：{}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(out, "        {line}")?;
            }
        }
        Ok(())
    }

    /// The end: the totals.
    pub fn end(&mut self, totals: Value) -> io::Result<()> {
        let mut out = io::stdout();
        if self.json {
            let mut last = totals;
            last["steps"] = json!(self.steps);
            return writeln!(out, "{}", json!({"totals": last}));
        }
        writeln!(out, "\n━━ 结果 totals")?;
        for (name, value) in totals.as_object().into_iter().flatten() {
            writeln!(out, "      {name}: {value}")?;
        }
        Ok(())
    }

    /// A remark for people only.
    pub fn remark(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(io::stdout(), "{text}")
    }
}
