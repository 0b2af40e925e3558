//! Bytes on the wire: frames captured from a real keepalived (`frames/`, one hex file each with its decode in `#` lines)
//! and properties.

mod golden;
mod properties;
