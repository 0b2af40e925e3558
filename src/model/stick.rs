//! Stick tables: what is remembered of clients (HAProxy manual §4.2, `stick-table`).

use std::time::Duration;

/// Most elements of an array of counters or tags (HAProxy's limit).
pub const MAX_ARRAY: usize = 100;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// That of its frontend, backend or listen section; `peers/table` of a table in a peers section.
    pub name: String,
    /// What its entries are found by.
    pub key: KeyType,
    /// Entries at most, 1-.
    pub size: usize,
    /// Life of an entry since it was last used; `None` is for ever.
    pub expire: Option<Duration>,
    /// Whether a full table refuses new entries instead of forgetting the oldest.
    pub nopurge: bool,
    /// How `stick` rules name a server.
    pub server_key: ServerKey,
    /// What is kept of a key, in the order of [`DataType`], each at most once.
    pub stores: Vec<Stored>,
    /// Name of a table that gets what peers say of this one.
    pub write_to: Option<String>,
    /// By how much rates of bytes are divided, 1-1024.
    pub bytes_factor: u32,
}

/// The type of a table's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// IPv4 addresses.
    Ip,
    /// IPv6 addresses.
    Ipv6,
    /// Numbers of 32 bits.
    Integer,
    /// Texts, cut to so many bytes.
    String(usize),
    /// Bytes, cut or filled with zeros to so many.
    Binary(usize),
}

impl KeyType {
    /// The word of the language.
    pub fn name(self) -> &'static str {
        match self {
            KeyType::Ip => "ip",
            KeyType::Ipv6 => "ipv6",
            KeyType::Integer => "integer",
            KeyType::String(_) => "string",
            KeyType::Binary(_) => "binary",
        }
    }
}

/// How `stick` rules name a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerKey {
    /// By its name.
    #[default]
    Name,
    /// By its address and port.
    Address,
}

/// Something kept for each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What.
    pub what: DataType,
    /// Elements of an array, 1-100; 1 for what is none.
    pub elements: usize,
    /// Over which rates are taken; zero for what is none.
    pub period: Duration,
}

/// What can be kept for a key. The order is that in which HAProxy shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum DataType {
    ServerId,
    Gpt0,
    Gpc0,
    Gpc0Rate,
    ConnCnt,
    ConnRate,
    ConnCur,
    SessCnt,
    SessRate,
    HttpReqCnt,
    HttpReqRate,
    HttpErrCnt,
    HttpErrRate,
    BytesInCnt,
    BytesInRate,
    BytesOutCnt,
    BytesOutRate,
    Gpc1,
    Gpc1Rate,
    ServerKey,
    HttpFailCnt,
    HttpFailRate,
    Gpt,
    Gpc,
    GpcRate,
    GlitchCnt,
    GlitchRate,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number of 32 bits with a sign.
    Signed,
    /// A number of 32 bits that wraps.
    Count,
    /// A number of 64 bits.
    Bytes,
    /// Events in a period.
    Rate,
    /// A text.
    Text,
}

/// How many types of data there are.
pub const DATA_TYPES: usize = 27;

impl DataType {
    /// Every type, with the word of the language, its form and whether it is an array.
    pub const ALL: [(DataType, &'static str, Form, bool); DATA_TYPES] = [
        (DataType::ServerId, "server_id", Form::Signed, false),
        (DataType::Gpt0, "gpt0", Form::Count, false),
        (DataType::Gpc0, "gpc0", Form::Count, false),
        (DataType::Gpc0Rate, "gpc0_rate", Form::Rate, false),
        (DataType::ConnCnt, "conn_cnt", Form::Count, false),
        (DataType::ConnRate, "conn_rate", Form::Rate, false),
        (DataType::ConnCur, "conn_cur", Form::Count, false),
        (DataType::SessCnt, "sess_cnt", Form::Count, false),
        (DataType::SessRate, "sess_rate", Form::Rate, false),
        (DataType::HttpReqCnt, "http_req_cnt", Form::Count, false),
        (DataType::HttpReqRate, "http_req_rate", Form::Rate, false),
        (DataType::HttpErrCnt, "http_err_cnt", Form::Count, false),
        (DataType::HttpErrRate, "http_err_rate", Form::Rate, false),
        (DataType::BytesInCnt, "bytes_in_cnt", Form::Bytes, false),
        (DataType::BytesInRate, "bytes_in_rate", Form::Rate, false),
        (DataType::BytesOutCnt, "bytes_out_cnt", Form::Bytes, false),
        (DataType::BytesOutRate, "bytes_out_rate", Form::Rate, false),
        (DataType::Gpc1, "gpc1", Form::Count, false),
        (DataType::Gpc1Rate, "gpc1_rate", Form::Rate, false),
        (DataType::ServerKey, "server_key", Form::Text, false),
        (DataType::HttpFailCnt, "http_fail_cnt", Form::Count, false),
        (DataType::HttpFailRate, "http_fail_rate", Form::Rate, false),
        (DataType::Gpt, "gpt", Form::Count, true),
        (DataType::Gpc, "gpc", Form::Count, true),
        (DataType::GpcRate, "gpc_rate", Form::Rate, true),
        (DataType::GlitchCnt, "glitch_cnt", Form::Count, false),
        (DataType::GlitchRate, "glitch_rate", Form::Rate, false),
    ];

    /// By the word of the language.
    pub fn by_name(name: &str) -> Option<DataType> {
        DataType::ALL.iter().find(|(_, known, ..)| *known == name).map(|(what, ..)| *what)
    }

    /// The word of the language.
    pub fn name(self) -> &'static str {
        DataType::ALL[self as usize].1
    }

    /// The form of its values.
    pub fn form(self) -> Form {
        DataType::ALL[self as usize].2
    }

    /// Whether there may be several of them.
    pub fn is_array(self) -> bool {
        DataType::ALL[self as usize].3
    }
}

impl Table {
    /// Adds what `stick` rules need to remember a server.
    pub fn remember_servers(&mut self) {
        for what in [DataType::ServerId, DataType::ServerKey] {
            if !self.stores.iter().any(|stored| stored.what == what) {
                self.stores.push(Stored { what, elements: 1, period: Duration::ZERO });
            }
        }
        self.stores.sort_by_key(|stored| stored.what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_types_is_in_their_order() {
        for (number, (what, name, ..)) in DataType::ALL.iter().enumerate() {
            assert_eq!(*what as usize, number);
            assert_eq!(DataType::by_name(name), Some(*what));
        }
    }
}
