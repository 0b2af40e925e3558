//! Conditional blocks within each other: which lines count (manual §2.4).

use crate::diag::Span;

/// Blocks within each other.
const DEEPEST: usize = 100;

/// The open blocks, the innermost last.
#[derive(Debug, Default)]
pub struct Blocks(Vec<Block>);

#[derive(Debug)]
struct Block {
    /// Where it begins.
    span: Span,
    branch: Branch,
    /// Whether `.else` was seen.
    has_else: bool,
}

/// What the present branch of a block does with its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branch {
    /// They count.
    Taken,
    /// They do not, a later branch may.
    Waiting,
    /// Neither they nor later branches count: one was taken, or the block itself does not count.
    Over,
}

impl Blocks {
    /// Whether lines do not count here.
    pub fn is_masked(&self) -> bool {
        self.0.last().is_some_and(|block| block.branch != Branch::Taken)
    }

    /// Whether the condition of an `.elif` here is to be evaluated.
    pub fn wants_condition(&self) -> bool {
        self.0.last().is_some_and(|block| block.branch == Branch::Waiting && !block.has_else)
    }

    /// Where the innermost open block begins.
    pub fn open(&self) -> Option<Span> {
        self.0.last().map(|block| block.span)
    }

    /// `.if`
    ///
    /// # Errors
    /// Too many blocks within each other.
    pub fn begin(&mut self, span: Span, holds: bool) -> Result<(), String> {
        if self.0.len() + 1 >= DEEPEST {
            return Err(format!("too many nested '.if', max is {DEEPEST}"));
        }
        let branch = match (self.is_masked(), holds) {
            (true, _) => Branch::Over,
            (false, true) => Branch::Taken,
            (false, false) => Branch::Waiting,
        };
        self.0.push(Block { span, branch, has_else: false });
        Ok(())
    }

    /// `.elif`
    ///
    /// # Errors
    /// It has no place here.
    pub fn otherwise_if(&mut self, holds: bool) -> Result<(), &'static str> {
        let block = self.0.last_mut().ok_or("lone '.elif' with no matching '.if'")?;
        if block.has_else {
            return Err("'.elif' after '.else' is not permitted");
        }
        block.branch = match (block.branch, holds) {
            (Branch::Waiting, true) => Branch::Taken,
            (Branch::Waiting, false) => Branch::Waiting,
            _ => Branch::Over,
        };
        Ok(())
    }

    /// `.else`
    ///
    /// # Errors
    /// It has no place here.
    pub fn otherwise(&mut self) -> Result<(), &'static str> {
        let block = self.0.last_mut().ok_or("lone '.else' with no matching '.if'")?;
        if std::mem::replace(&mut block.has_else, true) {
            return Err("'.else' after '.else' is not permitted");
        }
        block.branch = if block.branch == Branch::Waiting { Branch::Taken } else { Branch::Over };
        Ok(())
    }

    /// `.endif`
    ///
    /// # Errors
    /// Nothing is open.
    pub fn end(&mut self) -> Result<(), &'static str> {
        self.0.pop().map(drop).ok_or("lone '.endif' with no matching '.if'")
    }
}
