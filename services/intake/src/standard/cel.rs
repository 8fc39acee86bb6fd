//! Conditions in CEL, bounded before they run: so many characters, so deep, no loop within a loop, and within a loop nothing that
//! goes through a list or a text itself, but for what is written out or is the loop's own element. So an evaluation does at most
//! (nodes of the expression)² × (length of the form) steps, the square where a list of the form's own parts is written out; the
//! form is bounded by `MAX_FORM_BYTES`. Patterns are written out, never taken from the form.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr};
use cel::{Program, Value};
use moka::sync::Cache;

/// No expression is longer, in characters.
pub const MOST: usize = 500;
/// No expression is deeper.
const DEPTH: usize = 30;
/// What the longest and worst text needs, many times over; a page that is not touched costs nothing.
const STACK: usize = 64 << 20;

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
    let program = parsed(text)?;
    if depth(program.expression(), None).is_none_or(|depth| depth > DEPTH) {
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

/// Parses on a stack of its own: the parser goes down a dozen calls for each bracket and each `?`, and further where it tries to
/// recover from what is no expression. Each text is parsed once.
fn parsed(text: &str) -> Result<Program, Wrong> {
    let parse = || Program::compile(text).map_err(|_| Wrong::Invalid);
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse);
        // no thread, or a panic in it: the text says nothing
        parser.map_err(|_| Wrong::Invalid)?.join().map_err(|_| Wrong::Invalid)?
    })
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
const COUNTED: [&str; 9] = ["_&&_", "_||_", "!_", "_?_:_", "_-_", "_*_", "-_", "_[_]", "@not_strictly_false"];
/// What stops at the end of the shorter side.
const ORDERED: [&str; 4] = ["_<_", "_<=_", "_>_", "_>=_"];
/// What goes through all that it is given.
const WHOLE: [&str; 2] = ["_+_", "size"];

/// Whether what an expression yields within a loop is small, or is a part of the loop's own element, so that going through it costs no
/// more than the list that is gone through anyway.
fn is_light(expr: &IdedExpr, own: &ComprehensionExpr) -> bool {
    match &expr.expr {
        Expr::Literal(_) => true,
        Expr::Ident(name) => *name == own.iter_var || *name == own.accu_var,
        Expr::Select(select) => is_light(&select.operand, own),
        // a number, or a truth
        Expr::Call(call) if call.func_name == "size" || ORDERED.contains(&call.func_name.as_str()) => true,
        other => children(other).into_iter().all(|(child, _)| is_light(child, own)),
    }
}

/// Whether a call within a loop has a bound (see the module's page).
fn is_bounded(call: &CallExpr, own: &ComprehensionExpr) -> bool {
    let name = call.func_name.as_str();
    let mut given = call.target.as_deref().into_iter().chain(&call.args);
    let written = || call.args.iter().any(|arg| matches!(arg.expr, Expr::Literal(_) | Expr::List(_)));
    match name {
        name if COUNTED.contains(&name) => true,
        name if ORDERED.contains(&name) => given.any(|one| is_light(one, own)),
        name if WHOLE.contains(&name) => given.all(|one| is_light(one, own)),
        // what is compared with a word costs no more than the word
        "_==_" | "_!=_" if call.args.iter().any(|arg| matches!(arg.expr, Expr::Literal(_))) => true,
        // `_==_`, `@in`, `contains` and the like
        _ => written() && given.all(|one| is_light(one, own)),
    }
}

/// How deep an expression is; none where its cost has no bound (see the module's page).
fn depth(expr: &IdedExpr, within: Option<&ComprehensionExpr>) -> Option<usize> {
    let own = match &expr.expr {
        Expr::Comprehension(_) if within.is_some() => return None,
        // conditions ask, they build nothing
        Expr::Map(_) | Expr::Struct(_) => return None,
        Expr::Comprehension(all) => Some(&**all),
        _ => within,
    };
    if let Expr::Call(call) = &expr.expr {
        let pattern = call.args.iter().any(|arg| matches!(arg.expr, Expr::Literal(_)));
        if (call.func_name == "matches" && !pattern) || within.is_some_and(|own| !is_bounded(call, own)) {
            return None;
        }
    }
    let mut deepest = 0;
    for (child, step) in children(&expr.expr) {
        deepest = deepest.max(depth(child, if step { own } else { within })?);
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

/// What an expression says; none where it cannot be evaluated.
pub fn asked(text: &str, about: &About<'_>) -> Option<bool> {
    let program = compile(text).ok()?;
    let mut context = cel::Context::default();
    context.add_variable_from_value("form", value(about.form));
    context.add_variable("applicant", about.applicant).ok()?;
    context.add_variable("materials", about.materials).ok()?;
    match program.execute(&context) {
        Ok(Value::Bool(said)) => Some(said),
        _ => None,
    }
}

/// Whether an expression holds; one that cannot be evaluated does not.
pub fn holds(text: &str, about: &About<'_>) -> bool {
    asked(text, about) == Some(true)
}

/// Whether a condition of a theme holds for answers; one that cannot be evaluated does not.
pub fn holds_for(text: &str, answers: &serde_json::Value) -> bool {
    let Ok(program) = compile_of(text, ANSWERS) else { return false };
    let mut context = cel::Context::default();
    context.add_variable_from_value("answers", value(answers));
    matches!(program.execute(&context), Ok(Value::Bool(true)))
}
