//! Conditions that more is asked of: `if a b or c`, as alternatives of terms that hold together.

use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::Line;

use super::{Lost, at};

/// Alternatives beyond which nobody would read the rule.
const MOST: usize = 64;

/// A condition, or none.
#[derive(Clone, Debug)]
pub struct Conjunctions {
    /// As it was written, while nothing was added.
    written: Option<Vec<Word>>,
    alternatives: Vec<Vec<Term>>,
}

/// An ACL, by name or in braces.
#[derive(Clone, Debug)]
struct Term {
    is_negated: bool,
    words: Vec<Word>,
}

impl Conjunctions {
    /// Of `if ...`, `unless ...` or nothing.
    ///
    /// # Errors
    /// `unless` of too many alternatives.
    pub fn read(words: &[Word]) -> Result<Conjunctions, Lost> {
        let written = Some(words.to_vec());
        let Some((first, rest)) = words.split_first() else {
            return Ok(Conjunctions { written, alternatives: vec![Vec::new()] });
        };
        let mut alternatives = vec![Vec::new()];
        let mut is_negated = false;
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            if matches!(word.text.as_str(), "or" | "||") {
                alternatives.push(Vec::new());
                continue;
            }
            let bare = word.text.trim_start_matches('!');
            is_negated ^= (word.text.len() - bare.len()) % 2 == 1;
            if bare.is_empty() {
                continue;
            }
            let mut term = vec![Word { text: bare.to_owned(), span: word.span }];
            if bare == "{" {
                for inner in words.by_ref() {
                    term.push(inner.clone());
                    if inner.text == "}" {
                        break;
                    }
                }
            }
            let term = Term { is_negated: std::mem::take(&mut is_negated), words: term };
            alternatives.last_mut().into_iter().for_each(|terms: &mut Vec<Term>| terms.push(term.clone()));
        }
        if first.text == "unless" {
            alternatives = negated(&alternatives)?;
        }
        Ok(Conjunctions { written, alternatives })
    }

    /// One of these tests is asked for, too; without any the condition stays as it is.
    pub fn and(self, line: &Line, tests: &[Vec<String>]) -> Conjunctions {
        if tests.is_empty() {
            return self;
        }
        let term = |test: &Vec<String>| Term {
            is_negated: test.first().is_some_and(|word| word == "!"),
            words: test.iter().filter(|word| *word != "!").map(|word| at(line, word)).collect(),
        };
        let both = |terms: &Vec<Term>| {
            tests
                .iter()
                .map(|test| std::iter::once(term(test)).chain(terms.iter().cloned()).collect())
                .collect::<Vec<_>>()
        };
        Conjunctions { written: None, alternatives: self.alternatives.iter().flat_map(both).collect() }
    }

    /// As a line has it.
    pub fn words(self, line: &Line) -> Vec<Word> {
        if let Some(written) = self.written {
            return written;
        }
        let mut out = vec![at(line, "if")];
        for (number, terms) in self.alternatives.into_iter().enumerate() {
            out.extend((number > 0).then(|| at(line, "or")));
            for term in terms {
                let mut words = term.words.into_iter();
                let sign = if term.is_negated { "!" } else { "" };
                out.extend(words.next().map(|word| Word { text: format!("{sign}{}", word.text), span: word.span }));
                out.extend(words);
            }
        }
        out
    }
}

/// What holds where none of these does.
fn negated(alternatives: &[Vec<Term>]) -> Result<Vec<Vec<Term>>, Lost> {
    let mut out: Vec<Vec<Term>> = vec![Vec::new()];
    for terms in alternatives {
        let one = |so_far: &Vec<Term>| {
            let flipped = terms.iter().map(|term| Term { is_negated: !term.is_negated, ..term.clone() });
            flipped.map(|term| so_far.iter().cloned().chain([term]).collect()).collect::<Vec<Vec<Term>>>()
        };
        out = out.iter().flat_map(one).collect();
        if out.len() > MOST {
            return Err(Lost::new("its condition has too many alternatives", "name them by one 'acl' line"));
        }
    }
    Ok(out)
}
