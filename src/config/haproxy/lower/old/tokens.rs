//! A regular expression as pieces: enough to see where groups, fields and spaces are. Nothing is matched here.

/// A piece of an expression, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `(`
    Open,
    /// `(?:` and its like, which count for no group.
    OpenUncounted,
    Close,
    /// `[...]`
    Class,
    /// `\d`
    Escape,
    Dot,
    Caret,
    Dollar,
    Bar,
    /// `*`, `+`, `?`, `{2,3}`, with `?` behind it.
    Quantifier,
    Literal,
}

impl Token<'_> {
    /// Whether it is one space and nothing else can be.
    pub fn is_space(&self) -> bool {
        matches!((self.kind, self.text), (Kind::Literal, " ") | (Kind::Escape, "\\ ") | (Kind::Class, "[ ]" | "[\\ ]"))
    }

    /// Whether it is a space or another white one.
    pub fn is_white(&self) -> bool {
        const WHITE: [&str; 5] = ["[ \\t]", "[\\ \\t]", "[\t ]", "[[:space:]]", "[[:blank:]]"];
        self.is_space() || matches!(self.kind, Kind::Class if WHITE.contains(&self.text)) || self.text == "\\s"
    }

    /// The character that it stands for, and no other.
    pub fn character(&self) -> Option<char> {
        match self.kind {
            Kind::Literal => self.text.chars().next(),
            Kind::Escape => self.text.chars().nth(1).filter(|c| !c.is_ascii_alphanumeric()),
            _ => None,
        }
    }
}

/// The pieces of an expression, in order.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut list, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let (length, kind) = match first {
            '\\' => (1 + rest[1..].chars().next().map_or(0, char::len_utf8), Kind::Escape),
            '[' => (class(rest), Kind::Class),
            '(' if rest.starts_with("(?") => {
                (rest.find([':', ')']).map_or(rest.len(), |end| end + 1), Kind::OpenUncounted)
            }
            '(' => (1, Kind::Open),
            ')' => (1, Kind::Close),
            '.' => (1, Kind::Dot),
            '^' => (1, Kind::Caret),
            '$' => (1, Kind::Dollar),
            '|' => (1, Kind::Bar),
            '*' | '+' | '?' => (quantifier(rest, 1), Kind::Quantifier),
            '{' if repetition(rest).is_some() => (quantifier(rest, repetition(rest).unwrap_or(1)), Kind::Quantifier),
            other => (other.len_utf8(), Kind::Literal),
        };
        let (text, after) = rest.split_at(length.min(rest.len()));
        list.push(Token { text, kind });
        rest = after;
    }
    list
}

/// Length of `{2}` or `{2,3}`.
fn repetition(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let is_one =
        inner.starts_with(|c: char| c.is_ascii_digit()) && inner.chars().all(|c| c.is_ascii_digit() || c == ',');
    is_one.then_some(end + 1)
}

/// With the `?` that makes it take as little as it can.
fn quantifier(text: &str, length: usize) -> usize {
    if text[length..].starts_with('?') { length + 1 } else { length }
}

/// Length of `[...]`: a `]` that comes first is one of its characters.
fn class(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1 + usize::from(bytes.get(1) == Some(&b'^'));
    at += usize::from(bytes.get(at) == Some(&b']'));
    while let Some(byte) = bytes.get(at) {
        match byte {
            b']' => return at + 1,
            b'\\' => at += 2,
            b'[' if bytes.get(at + 1) == Some(&b':') => at += text[at..].find(":]").map_or(1, |end| end + 2),
            _ => at += 1,
        }
    }
    text.len()
}

/// Where the group that opens at `open` closes.
pub fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open | Kind::OpenUncounted => depth += 1,
            Kind::Close => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Places outside of every group.
pub fn outside<'t>(tokens: &'t [Token<'t>]) -> impl Iterator<Item = (usize, &'t Token<'t>)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| match token.kind {
        Kind::Open | Kind::OpenUncounted => {
            depth += 1;
            false
        }
        Kind::Close => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    })
}

/// The pieces as they were written.
pub fn text(tokens: &[Token<'_>]) -> String {
    tokens.iter().map(|token| token.text).collect()
}

/// How many groups they count.
pub fn groups(tokens: &[Token<'_>]) -> usize {
    tokens.iter().filter(|token| token.kind == Kind::Open).count()
}

/// The same expression for a text of many lines that end in CR LF: nothing of it matches beyond the line that it began in.
/// `None` where a piece of it could.
pub fn within_lines(tokens: &[Token<'_>]) -> Option<String> {
    let mut out = "(?m)".to_owned();
    for token in tokens {
        match (token.kind, token.text) {
            (Kind::Dot, _) => out.push_str("[^\\r\\n]"),
            (Kind::Dollar, _) => out.push_str("\\r$"),
            (Kind::Escape, "\\s") => out.push_str("[ \\t]"),
            (Kind::Escape, "\\D") => out.push_str("[^0-9\\r\\n]"),
            (Kind::Escape, "\\W") => out.push_str("[^0-9A-Za-z_\\r\\n]"),
            (Kind::Escape, "\\r" | "\\n" | "\\A" | "\\z" | "\\Z" | "\\R" | "\\v") => return None,
            (Kind::Class, class) if ["\\W", "\\D", "\\S", "\\n", "\\r", "[:^"].iter().any(|it| class.contains(it)) => {
                return None;
            }
            (Kind::Class, class) => {
                let class = class.replace("\\s", " \\t").replace("[:space:]", " \\t");
                match class.strip_prefix("[^") {
                    Some(rest) => out.extend(["[^\\r\\n", if rest.starts_with(']') { "\\" } else { "" }, rest]),
                    None => out.push_str(&class),
                }
            }
            (Kind::OpenUncounted, open) if open != "(?:" => return None,
            (_, text) => out.push_str(text),
        }
    }
    Some(out)
}
