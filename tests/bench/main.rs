//! `./dev bench`: vipgate beside the packaged haproxy and nginx, on loopback, in one run.
//!
//! The proxies are started once, with equivalent configurations and one worker each, and pinned to core 0; generator and
//! static backend live in this process, pinned to core 1. A relay that does nothing runs beside them as the floor.
//! Rounds are short and interleaved A..Z, Z..A. Figures are medians; a ratio is the median of the ratios of each round,
//! so that a machine that is slow for a second is slow for all.
//! CPU per request is the figure to read: it counts every thread of the proxy, and on a busy generator core
//! requests per second are only a lower bound for the faster proxy. Every response's status and length are checked.
//!
//! Read `rows.rs` for what is measured, `haproxy_cfg.rs` and `targets.rs` for the configurations, `measure.rs` for how.

// A benchmark looks at the clock and waits: it is neither a test nor the product.
#![allow(clippy::disallowed_methods)]

mod options;
mod rows;
mod targets;
mod haproxy_cfg;
mod process;
mod measure;
mod server;
mod relay;
mod client;
mod idle;
mod table;

use std::process::ExitCode;

use options::{Options, Work};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((relay::WORD, addresses)) = arguments.split_first().map(|(word, rest)| (word.as_str(), rest)) {
        return match relay::run(addresses) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("{message}");
                ExitCode::FAILURE
            }
        };
    }
    let options = match Options::from_arguments(arguments.into_iter()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("bench: {message}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    let result = match options.work {
        Work::Rows => rows::run(&options),
        Work::Idle { connections } => idle::run(&options, connections),
    };
    match result {
        Ok(outcome) if outcome.is_clean() => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("bench: some requests failed, see the errors column");
            ExitCode::FAILURE
        }
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}
