//! Compares what a command prints with what a page shows: words to the letter; numbers, durations and moments by their
//! kind. `...` stands for any lines, and inside a line for any words.

/// Where the output departs from the page; `None` if it has its shape.
pub fn difference(shown: &[String], printed: &str) -> Option<String> {
    let mut printed: Vec<_> = printed.trim_end().lines().map(str::trim_end).collect();
    sort_by_time(&mut printed);
    let shown: Vec<_> = shown.iter().map(String::as_str).collect();
    if fits(&shown, &printed) {
        return None;
    }
    let first = shown.iter().filter(|line| **line != "...").find(|line| !printed.iter().any(|other| same(line, other)));
    let first = first.map_or("the order of the lines differs".to_owned(), |line| format!("no line like: {line}"));
    Some(format!("{first}\nshown:\n{}\nprinted:\n{}", shown.join("\n"), printed.join("\n")))
}

/// Puts log lines that follow each other into the order of their moments: threads write them when they come to it.
fn sort_by_time(lines: &mut [&str]) {
    let moment = |line: &str| line.split_whitespace().next().filter(|word| is_moment(word)).map(str::to_owned);
    for run in lines.chunk_by_mut(|one, other| moment(one).is_some() && moment(other).is_some()) {
        run.sort_by_key(|line| moment(line));
    }
}

/// Whether the pieces are the same, where `...` stands for any number of them.
fn fits(shown: &[&str], printed: &[&str]) -> bool {
    matches(shown, printed, &same)
}

fn same(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (kinds(shown), kinds(printed));
    matches(&borrowed(&shown), &borrowed(&printed), &|one, other| one == other)
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn matches(shown: &[&str], printed: &[&str], same: &dyn Fn(&str, &str) -> bool) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..], same)),
        Some((piece, rest)) => {
            printed.split_first().is_some_and(|(other, after)| same(piece, other) && matches(rest, after, same))
        }
    }
}

/// The words of a line, with what varies from run to run replaced. `1 of 2` and `priority 100` are facts and stay.
fn kinds(line: &str) -> Vec<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let is = |index: Option<usize>, known: &[&str]| {
        index.and_then(|index| words.get(index)).is_some_and(|word| known.contains(word))
    };
    let is_fact = |index: usize| {
        is(index.checked_sub(1), &["of", "priority", "(configured", "configuration"]) || is(Some(index + 1), &["of"])
    };
    words.iter().enumerate().map(|(index, word)| if is_fact(index) { (*word).to_owned() } else { kind(word) }).collect()
}

/// What a word is: `42` is N, `1.3s` and `4m05s` are T; names and addresses stay.
fn kind(word: &str) -> String {
    let body = word.trim_end_matches([',', '.', ':', ')', ';']);
    let tail = &word[body.len()..];
    let body = match body.strip_prefix('(') {
        Some(inner) => return format!("({}", kind(&format!("{inner}{tail}"))),
        None => body,
    };
    if !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("N{tail}");
    }
    if is_moment(word) {
        return "moment".to_owned();
    }
    // `0/0/0/1/1` of the access log.
    if body.contains('/') && body.bytes().all(|byte| byte.is_ascii_digit() || b"/-".contains(&byte)) {
        return body.split('/').map(|_| "N").collect::<Vec<_>>().join("/");
    }
    // A client's port.
    if let Some((address, Ok(32_768..))) = body.rsplit_once(':').map(|(address, port)| (address, port.parse::<u16>())) {
        return format!("{address}:N");
    }
    if is_duration(body) {
        return format!("T{tail}");
    }
    // `pid=123`, `took=4ms`
    match word.split_once('=') {
        Some((name, value)) if !value.is_empty() => format!("{name}={}", kind(value)),
        _ => word.to_owned(),
    }
}

/// `2026-11-21T16:52:34.991638Z` or `[21/Nov/2026:16:52:35.712]`.
fn is_moment(word: &str) -> bool {
    let is_iso = word.ends_with('Z') && word.contains('T') && word.starts_with(|letter: char| letter.is_ascii_digit());
    is_iso || (word.starts_with('[') && word.matches(':').count() == 3)
}

/// `12ms`, `3.2s`, `4m05s`, `2h10m`, `3d4h`.
fn is_duration(word: &str) -> bool {
    let mut rest = word;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let unit = ["ms", "s", "m", "h", "d"].into_iter().find(|unit| rest[digits..].starts_with(unit));
        let Some(unit) = unit.filter(|_| digits > 0) else { return false };
        rest = &rest[digits + unit.len()..];
        parts += 1;
    }
    parts > 0
}
