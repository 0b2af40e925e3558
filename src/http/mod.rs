//! HTTP/1 messages without I/O: a head is a list of ranges over the bytes as received, a body is a length rule.
//!
//! Decides how a message is delimited (RFC 9112 §6) and refuses whatever two parsers could read differently. Never
//! reads a socket, never allocates once its storage has grown, never changes order or bytes of what it keeps.
//! Read [`head`] first, then [`parse`], [`framing`], [`chunked`], [`message`] for what rules change and [`edit`] for what a
//! proxy writes.

pub mod head;
mod decimal;
mod grammar;
mod target;
mod normal;
pub mod parse;
mod fault;
pub mod framing;
pub mod chunked;
pub mod edit;
pub mod line;
mod message;
mod names;
mod reason;

pub use chunked::{ChunkScanner, data_length, write_data};
pub use decimal::{write_address, write_number, write_padded};
pub use edit::{
    ConnectionField, RequestEdit, write_edited_request, write_edited_response, write_request, write_response,
};
pub use fault::place_of_fault;
pub use framing::{Body, BodyError, BodyFraming};
pub use grammar::{are_field_values, blank_controls, is_whole_token as is_token};
pub use head::{Field, FieldKind, Head, Leniency, Method, Span, Version};
pub use line::{FieldLine, FieldLines};
pub use message::{Edits, FieldView, Message};
pub use names::NameCases;
pub use normal::normalized;
pub use parse::{HeadError, Parsed, is_head_complete, parse_request, parse_response};
pub use reason::reason_phrase;
pub use target::path_and_query;

#[cfg(test)]
mod tests;
