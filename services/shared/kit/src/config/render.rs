//! Printing what is in force.

use std::fmt::Write as _;

use serde_json::Value;

use super::Config;

impl Config {
    /// The configuration in force as TOML with dotted keys, secrets as `***`, absent values commented out.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let value = serde_json::to_value(self).unwrap_or_default();
        lines(&value, &mut Vec::new(), &mut text);
        text
    }
}

fn lines(value: &Value, path: &mut Vec<String>, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                path.push(key.clone());
                lines(value, path, text);
                path.pop();
            }
        }
        Value::Null => {
            let _ = writeln!(text, "# {} =", path.join("."));
        }
        // A JSON scalar is a TOML scalar.
        scalar => {
            let _ = writeln!(text, "{} = {scalar}", path.join("."));
        }
    }
}
