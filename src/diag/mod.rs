//! diag.
