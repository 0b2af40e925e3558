//! The structure of the source tree, checked: which module may use which, what may be empty, how long a file may be.
//!
//! Reads text, not syntax: comments are left out, and what the compiler would see otherwise is not worth a parser here.

mod arrows;
mod shape;
mod dependencies;
mod source;
