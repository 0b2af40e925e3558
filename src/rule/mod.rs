//! Rules: HAProxy's expression language, compiled at load and evaluated over a [`Transaction`].
//!
//! x

mod error;
mod words;
pub mod sample;
pub mod argument;
pub mod stage;
pub mod facts;
pub mod variable;
pub mod userlist;
pub mod reference;
pub mod pattern;
pub mod transaction;
pub mod scope;
pub mod fetch;
pub mod converter;
pub mod expression;
pub mod acl;
pub mod condition;
pub mod format;
pub mod action;

pub use error::{RuleError, Support, Warning};

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
