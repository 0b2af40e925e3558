//! Virtual routers, sans-IO.

pub mod io;

pub use io::{Effective, Input, Output};
