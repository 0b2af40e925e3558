//! The printed tables: Markdown, one line for each row, so that a run can be pasted into a note.

use crate::measure::median;
use crate::options::Options;
use crate::rows::{Cell, Row};
use crate::targets::Target;

/// Prints versions and settings, without which the figures mean little.
pub fn print_setting(options: &Options) {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!(
        "Kernel {}, {} rounds of {} ms after {} ms, medians; proxies on core {}, generator and backend on core {}.",
        kernel.trim(),
        options.rounds,
        options.measured.as_millis(),
        options.warm_up.as_millis(),
        crate::process::PROXY_CORE,
        crate::process::LOAD_CORE
    );
    println!("{}; {}.\n", version(&options.haproxy), version(&options.nginx));
}

fn version(program: &std::path::Path) -> String {
    let output = std::process::Command::new(program).arg("-v").output();
    let bytes = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_string()
}

/// Prints the head of the table.
pub fn print_header(targets: &[Target]) {
    let names: Vec<&str> = targets.iter().map(|target| target.name).collect();
    let first = names[0];
    let ratios: String = names[1..].iter().map(|name| format!(" CPU {first}/{name} |")).collect();
    let rates: String = names[1..].iter().map(|name| format!(" rate {first}/{name} |")).collect();
    let names = names.join(" / ");
    println!(
        "| row | CPU us per request: {names} |{ratios} requests/s: {names} |{rates} syscalls per request: {names} | aim | errors |"
    );
    let columns = 6 + 2 * (targets.len() - 1);
    println!("|{}", "--|".repeat(columns));
}

/// The median of the ratios round by round: what slows the machine down for a second slows all proxies of a round.
fn ratio(first: &[f64], second: &[f64]) -> f64 {
    let ratios: Vec<f64> =
        first.iter().zip(second).filter(|(_, second)| **second > 0.0).map(|(first, second)| first / second).collect();
    median(&ratios)
}

/// CPU microseconds per request that rules may cost in all.
const RULES_AIM: f64 = 2.0;

/// Prints what rules alone cost.
pub fn print_rules(targets: &[Target], cells: &[Option<Cell>]) {
    let measured = targets.iter().zip(cells).filter_map(|(target, cell)| Some((target.name, cell.as_ref()?)));
    let costs: Vec<(&str, f64)> = measured.map(|(name, cell)| (name, median(&cell.rules))).collect();
    let texts: Vec<String> = costs.iter().map(|(name, cost)| format!("{name} {cost:.2}")).collect();
    let verdict = match costs.iter().find(|(name, _)| *name == "vipgate") {
        Some((_, cost)) if *cost <= RULES_AIM => ", met",
        Some(_) => ", missed",
        None => "",
    };
    println!(
        "\n12 header rules and 3 conditions cost, in us of CPU per request: {} (aim {RULES_AIM:.1}{verdict}).\n",
        texts.join(", ")
    );
}

/// Prints one row.
pub fn print_row(row: &Row, targets: &[Target], cells: &[Option<Cell>]) {
    let all = |show: &dyn Fn(&Cell) -> String| {
        let texts: Vec<String> = cells.iter().map(|cell| cell.as_ref().map_or("-".into(), show)).collect();
        texts.join(" / ")
    };
    let ratios = |values: fn(&Cell) -> &[f64]| -> String {
        let one = |other| match (&cells[0], other) {
            (Some(first), Some(other)) => format!(" {:.2} |", ratio(values(first), values(other))),
            _ => " - |".into(),
        };
        cells[1..].iter().map(|other| one(other.as_ref())).collect()
    };
    let aim = match (row.aim, cells.first(), cells.get(1)) {
        (Some(aim), Some(Some(first)), Some(Some(second))) if targets[0].name == "vipgate" => {
            let verdict = if ratio(&first.cpu, &second.cpu) <= aim { "met" } else { "missed" };
            format!("{aim:.2} {verdict}")
        }
        (Some(aim), ..) => format!("{aim:.2}"),
        (None, ..) => "-".into(),
    };
    let errors: Vec<String> = targets
        .iter()
        .zip(cells)
        .flat_map(|(target, cell)| {
            let errors = cell.iter().flat_map(|cell| &cell.errors);
            errors.map(|(why, count)| format!("{} {count} x {why}", target.name)).collect::<Vec<_>>()
        })
        .collect();
    let errors = if errors.is_empty() { "none".into() } else { errors.join("; ") };
    println!(
        "| {} | {} |{} {} |{} {} | {aim} | {errors} |",
        row.name,
        all(&|cell| format!("{:.2}", median(&cell.cpu))),
        ratios(|cell| &cell.cpu),
        all(&|cell| format!("{:.0}", median(&cell.rate))),
        ratios(|cell| &cell.rate),
        all(&|cell| cell.syscalls.map_or("-".into(), |calls| format!("{calls:.2}"))),
    );
}
