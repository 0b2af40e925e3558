//! Numbers and booleans. Overflow stops at the ends of 64 bits, as in HAProxy.

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;

/// The second operand: a number, or what a variable holds.
fn operand(transaction: &Transaction<'_>, arguments: &[Argument]) -> Option<i64> {
    match arguments.first()? {
        Argument::Int(value) => Some(*value),
        Argument::Variable(name) => transaction.variables.find(name)?.sample().to_int(),
        _ => None,
    }
}

macro_rules! binary {
    ($($name:ident, $calculate:expr;)*) => { $(
        pub(super) fn $name<'t>(
            transaction: &'t Transaction<'_>,
            arguments: &'t [Argument],
            sample: Sample<'t>,
        ) -> Option<Sample<'t>> {
            let calculate: fn(i64, i64) -> i64 = $calculate;
            Some(Sample::Int(calculate(sample.to_int()?, operand(transaction, arguments)?)))
        }
    )* };
}

binary! {
    add, i64::saturating_add;
    sub, i64::saturating_sub;
    mul, i64::saturating_mul;
    div, |a, b| if b == 0 { i64::MAX } else { a.saturating_div(b) };
    modulo, |a, b| a.checked_rem(b).unwrap_or(0);
    and, |a, b| a & b;
    or, |a, b| a | b;
    xor, |a, b| a ^ b;
}

macro_rules! unary {
    ($($name:ident, $calculate:expr;)*) => { $(
        pub(super) fn $name<'t>(
            _: &'t Transaction<'_>,
            _: &'t [Argument],
            sample: Sample<'t>,
        ) -> Option<Sample<'t>> {
            let calculate: fn(i64) -> Sample<'static> = $calculate;
            Some(calculate(sample.to_int()?))
        }
    )* };
}

unary! {
    neg, |a| Sample::Int(a.saturating_neg());
    complement, |a| Sample::Int(!a);
    boolean, |a| Sample::Bool(a != 0);
    not, |a| Sample::Bool(a == 0);
    odd, |a| Sample::Bool(a & 1 == 1);
    even, |a| Sample::Bool(a & 1 == 0);
    // The low 32 bits in network order.
    htonl, |a| Sample::bin((a as u32).to_be_bytes());
}

pub(super) fn iif<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let chosen = if sample.to_int()? != 0 { arguments.first() } else { arguments.get(1) };
    Some(Sample::str(chosen.map(Argument::bytes).unwrap_or_default()))
}
