//! Conditions in CEL, bounded before they run: so many characters, so deep, no loop within a loop, and within a loop nothing that
//! goes through a list or a text itself, but for what is written out. So an evaluation does at most (nodes of the expression) ×
//! (length of the form) steps; the form is bounded by `MAX_FORM_BYTES`. Patterns are written out, never taken from the form.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, IdedExpr};
use cel::{Program, Value};
use moka::sync::Cache;

/// No expression is longer, in characters.
pub const MOST: usize = 500;
/// No expression is deeper.
const DEPTH: usize = 30;

/// What is wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It does not compile, or speaks of what is not there.
    Invalid,
    /// It is longer than [`MOST`].
    TooLong,
    /// It is deeper than allowed, or its cost has no bound.
    TooDeep,
}

static COMPILED: LazyLock<Cache<String, Arc<Program>>> = LazyLock::new(|| Cache::new(5000));

/// What conditions of items may speak of.
pub const ITEM: &[&str] = &["form", "applicant", "materials"];
/// What conditions of themes may speak of.
pub const ANSWERS: &[&str] = &["answers"];

/// Compiles an expression, or finds it compiled.
///
/// # Errors
/// What is wrong with it.
pub fn compile(text: &str) -> Result<Arc<Program>, Wrong> {
    compile_of(text, ITEM)
}

/// The same of an expression that speaks of other things.
///
/// # Errors
/// What is wrong with it.
pub fn compile_of(text: &str, names: &[&str]) -> Result<Arc<Program>, Wrong> {
    if text.chars().count() > MOST {
        return Err(Wrong::TooLong);
    }
    let key = format!("{}\0{text}", names.concat());
    if let Some(known) = COMPILED.get(&key) {
        return Ok(known);
    }
    // the parser itself goes down one level for each bracket
    if text.bytes().filter(|byte| b"([{!-".contains(byte)).count() > 2 * DEPTH {
        return Err(Wrong::TooDeep);
    }
    let program = Program::compile(text).map_err(|_| Wrong::Invalid)?;
    if depth(program.expression(), false).is_none_or(|depth| depth > DEPTH) {
        return Err(Wrong::TooDeep);
    }
    if program
        .references()
        .variables()
        .iter()
        .any(|name| !names.contains(name) && !name.starts_with('@') && !is_bound(program.expression(), name))
    {
        return Err(Wrong::Invalid);
    }
    let program = Arc::new(program);
    COMPILED.insert(key, program.clone());
    Ok(program)
}

/// The children of an expression; a loop's step is marked.
fn children(expr: &Expr) -> Vec<(&IdedExpr, bool)> {
    match expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).map(|one| (one, false)).collect(),
        Expr::Comprehension(all) => vec![
            (&all.iter_range, false),
            (&all.accu_init, false),
            (&all.loop_cond, true),
            (&all.loop_step, true),
            (&all.result, false),
        ],
        Expr::List(list) => list.elements.iter().map(|one| (one, false)).collect(),
        Expr::Select(select) => vec![(&*select.operand, false)],
        _ => Vec::new(),
    }
}

/// What costs the same whatever it is asked about; the loop's own functions are among them.
const COUNTED: [&str; 15] = [
    "_&&_",
    "_||_",
    "!_",
    "_?_:_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "_+_",
    "_-_",
    "_*_",
    "-_",
    "_[_]",
    "size",
    "@not_strictly_false",
];

/// How deep an expression is; none where its cost has no bound (see the module's page).
fn depth(expr: &IdedExpr, in_loop: bool) -> Option<usize> {
    let looping = matches!(expr.expr, Expr::Comprehension(_));
    if looping && in_loop {
        return None;
    }
    // conditions ask, they build nothing
    if matches!(expr.expr, Expr::Map(_) | Expr::Struct(_)) {
        return None;
    }
    if let Expr::Call(call) = &expr.expr {
        let written = call.args.iter().any(|arg| matches!(arg.expr, Expr::Literal(_) | Expr::List(_)));
        // `_==_`, `@in`, `contains` and the like go through what they compare
        let goes_through = in_loop && !COUNTED.contains(&call.func_name.as_str());
        if (goes_through || call.func_name == "matches") && !written {
            return None;
        }
    }
    let mut deepest = 0;
    for (child, step) in children(&expr.expr) {
        deepest = deepest.max(depth(child, in_loop || step)?);
    }
    Some(deepest + 1)
}

/// Whether a name is a loop's own variable.
fn is_bound(expr: &IdedExpr, name: &str) -> bool {
    let own = matches!(&expr.expr, Expr::Comprehension(all) if all.iter_var == name || all.accu_var == name);
    own || children(&expr.expr).into_iter().any(|(child, _)| is_bound(child, name))
}

/// What an expression is asked about.
pub struct About<'a> {
    /// What was filled in.
    pub form: &'a serde_json::Value,
    /// `person`, `company` or empty.
    pub applicant: &'a str,
    /// Codes of the materials that are there.
    pub materials: &'a [String],
}

/// JSON as CEL has it: a whole number is an integer, so that `form.rooms == 3` is what it looks like.
fn value(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(is) => Value::Bool(*is),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.clone()),
        Json::Array(all) => Value::from(all.iter().map(value).collect::<Vec<_>>()),
        Json::Object(fields) => {
            let fields: HashMap<String, Value> = fields.iter().map(|(name, one)| (name.clone(), value(one))).collect();
            Value::from(fields)
        }
    }
}

/// Whether an expression holds; one that cannot be evaluated does not.
pub fn holds(text: &str, about: &About<'_>) -> bool {
    let Ok(program) = compile(text) else { return false };
    let mut context = cel::Context::default();
    context.add_variable_from_value("form", value(about.form));
    let given = context.add_variable("applicant", about.applicant).is_ok()
        && context.add_variable("materials", about.materials).is_ok();
    given && matches!(program.execute(&context), Ok(Value::Bool(true)))
}

/// Whether a condition of a theme holds for answers; one that cannot be evaluated does not.
pub fn holds_for(text: &str, answers: &serde_json::Value) -> bool {
    let Ok(program) = compile_of(text, ANSWERS) else { return false };
    let mut context = cel::Context::default();
    context.add_variable_from_value("answers", value(answers));
    matches!(program.execute(&context), Ok(Value::Bool(true)))
}
