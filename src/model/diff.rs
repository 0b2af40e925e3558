//! What changes between two models.
