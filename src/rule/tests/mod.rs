//! Expressions, conditions and rules against what the packaged haproxy 2.6.12 answered (recorded in the tables).

mod converters;
mod fetches;
mod conditions;
mod names;
mod tokens;

use super::expression::Expression;
use super::fixture::World;
use super::sample::Sample;
use super::stage::Stage;

/// The value of an expression in hexadecimal, as the recorded values are: `%[expression,hex]`; empty if there is none.
fn hex(world: &mut World, stage: Stage, text: &str) -> String {
    let text = format!("{text},hex");
    world.with(
        stage,
        |scope| Expression::compile(&text, scope).unwrap_or_else(|error| panic!("{text}: {error:?}")),
        |expression, transaction| match expression.value(transaction) {
            Some(Sample::Str(text)) => String::from_utf8(text.to_vec()).unwrap(),
            Some(other) => panic!("{other:?}"),
            None => String::new(),
        },
    )
}

/// The value of an expression as text, `-` if there is none.
pub(super) fn text(world: &mut World, stage: Stage, text: &str) -> String {
    world.with(
        stage,
        |scope| Expression::compile(text, scope).unwrap_or_else(|error| panic!("{text}: {error:?}")),
        |expression, transaction| {
            let value = expression.value(transaction);
            value.map_or("-".into(), |value| String::from_utf8_lossy(&value.text()).into_owned())
        },
    )
}

/// What is wrong with an expression.
fn complaint(text: &str) -> String {
    let compile = |scope: &mut super::scope::Scope<'_>| Expression::compile(text, scope).map(drop);
    World::new().with(Stage::HttpRequest, compile, |result, _| match result {
        Ok(()) => "fine".into(),
        Err(error) => error.hint.as_ref().map_or(error.what.clone(), |hint| format!("{} ({hint})", error.what)),
    })
}
