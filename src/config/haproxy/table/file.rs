//! How the rows look as text.
//!
//! ```text
//! # a comment
//! @tls = TLS comes in a later version                       a reason that rows share
//! [frontend, listen]                                        where the rows below may stand
//! name | usage | versions | support | what it does
//! ```
//!
//! An empty cell is `-`. Versions: `-` (before 2.4 until today), `2.6..` (since 2.6), `..3.3` (gone in 3.3), `2.6..3.3`. Support: `full`,
//! `partial: why`, `ignored: why`, `refused: why`; `@tls` stands for a shared reason; `restart` behind the first word says
//! that a change takes effect at the next start.

use super::{Place, Places, Reload, Row, Support};

/// The rows of a text.
///
/// # Errors
/// The first line that is no row, and why.
pub fn rows(text: &'static str) -> Result<Vec<Row>, String> {
    let (mut rows, mut reasons, mut places) = (Vec::new(), Vec::new(), Places::default());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(heading) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let named = |name: &str| Place::by_name(name.trim()).ok_or_else(|| format!("no place: {name}"));
            places = heading.split(',').map(named).collect::<Result<_, _>>()?;
        } else if let Some(reason) = line.strip_prefix('@') {
            let (name, why) = reason.split_once('=').ok_or_else(|| format!("no reason: {line}"))?;
            reasons.push((name.trim(), why.trim()));
        } else {
            rows.push(row(line, places, &reasons).map_err(|why| format!("{why}: {line}"))?);
        }
    }
    Ok(rows)
}

type Reasons = [(&'static str, &'static str)];

fn row(line: &'static str, places: Places, reasons: &Reasons) -> Result<Row, &'static str> {
    let mut cells = line.split(" | ").map(str::trim);
    let mut cell = || cells.next().ok_or("too few cells");
    let (name, usage, versions, support, doc) = (cell()?, cell()?, cell()?, cell()?, cell()?);
    if cells.next().is_some() || name.is_empty() || doc.is_empty() || places == Places::default() {
        return Err("not a row");
    }
    let (since, removed) = match versions.split_once("..") {
        Some((since, removed)) => (Some(since), Some(removed)),
        None if versions == "-" => (None, None),
        None => return Err("no versions"),
    };
    let (support, reload) = self::support(support, reasons)?;
    Ok(Row {
        name,
        places,
        usage,
        since: since.filter(|version| !version.is_empty()),
        removed: removed.filter(|version| !version.is_empty()),
        support,
        reload,
        doc,
    })
}

fn support(cell: &'static str, reasons: &Reasons) -> Result<(Support, Reload), &'static str> {
    let (words, why) = cell.split_once(':').unwrap_or((cell, ""));
    let (kind, reload) = match words.trim().split_once(' ') {
        Some((kind, "restart")) => (kind, Reload::Restart),
        Some(_) => return Err("no support"),
        None => (words.trim(), Reload::Live),
    };
    let why = match why.trim().strip_prefix('@') {
        Some(name) => reasons.iter().find(|(known, _)| *known == name).ok_or("unknown reason")?.1,
        None => why.trim(),
    };
    let support = match (kind, why.is_empty()) {
        ("full", true) => Support::Full,
        ("partial", false) => Support::Partial(why),
        ("ignored", false) => Support::Ignored(why),
        ("refused", false) => Support::Refused(why),
        _ => return Err("no support, or no reason"),
    };
    Ok((support, reload))
}
