//! How a server is chosen, and what is hashed for it (HAProxy's `balance`, `hash-type`, `hash-balance-factor`).

/// A load-balancing algorithm, as in HAProxy's `balance`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Balance {
    /// Weighted, smooth, weights change at run time.
    RoundRobin,
    /// Weighted round robin with a fixed map.
    StaticRr,
    /// Fewest connections in proportion to the weight.
    LeastConn,
    /// Hash of the client's address.
    Source,
    /// Power of N random draws (HAProxy's `random(2)`).
    Random {
        /// Draws, 1-.
        draws: u32,
    },
    /// The first server with a free slot, by number.
    First,
    /// Hash of the request target.
    Uri(UriPart),
    /// Hash of a parameter of the query string, or of a POST's body as far as it came with the head.
    UrlParam {
        /// Its name.
        name: String,
    },
    /// Hash of a request field's first value.
    Header {
        /// Its name.
        name: String,
        /// Of a host name only the part before the last dot, up to the one before.
        is_domain_only: bool,
    },
    /// Hash of a cookie of the RDP protocol, in tcp mode, where rules have waited for it.
    RdpCookie {
        /// Its name.
        name: String,
    },
    /// Hash of a sample expression in HAProxy's language.
    Expression(String),
    /// Hash of what converters in HAProxy's language make of a message, in log mode.
    LogHash(String),
    /// The first server, as long as it is usable; then the next that is.
    Sticky,
}

impl Balance {
    /// Whether its map is made once, so that weights cannot change and servers cannot come at run time: those of
    /// `static-rr` and of hashes that are not consistent.
    pub fn is_static(&self, hashing: &Hashing) -> bool {
        match self {
            Balance::StaticRr => true,
            Balance::RoundRobin | Balance::LeastConn | Balance::Random { .. } | Balance::First | Balance::Sticky => {
                false
            }
            _ => hashing.method == HashMethod::MapBased,
        }
    }
}

/// What of a request target is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UriPart {
    /// At most so many bytes.
    pub length: Option<u32>,
    /// At most so many directories.
    pub depth: Option<u32>,
    /// The query string, too.
    pub is_whole: bool,
    /// Without scheme and authority.
    pub is_path_only: bool,
}

impl Balance {
    /// Whether the choice is a hash's, so that a server that is full is waited for.
    pub fn is_hash(&self) -> bool {
        !matches!(
            self,
            Balance::RoundRobin
                | Balance::StaticRr
                | Balance::LeastConn
                | Balance::Random { .. }
                | Balance::First
                | Balance::Sticky
        )
    }
}

/// What becomes of a hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hashing {
    /// How it leads to a server.
    pub method: HashMethod,
    /// How it is made.
    pub function: HashFunction,
    /// Whether its bits are mixed once more.
    pub has_avalanche: bool,
    /// With `consistent`: a server takes at most this share of the average load, in percent, 101-65535; `None` any.
    pub balance_factor: Option<u32>,
    /// With `consistent`: which servers are passed over.
    pub affinity: Affinity,
}

/// Which servers consistent hashes pass over (HAProxy's `hash-preserve-affinity`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Affinity {
    /// None: a full one is waited for.
    #[default]
    Always,
    /// Those that have as many connections as they may.
    MaxConn,
    /// Those that have as many, and as many waiting requests, where both are limited.
    MaxQueue,
}

/// HAProxy's `hash-type`, first argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HashMethod {
    /// A server that goes moves most keys.
    #[default]
    MapBased,
    /// A server that goes moves its own keys only.
    Consistent,
}

/// HAProxy's `hash-type`, second argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HashFunction {
    /// That of the SDBM library.
    #[default]
    Sdbm,
    /// Daniel J. Bernstein's.
    Djb2,
    /// Made for short keys.
    Wt6,
    /// The polynomial of Ethernet and gzip.
    Crc32,
    /// The key is a number.
    None,
}

/// What stands for a server where hashes are consistent (HAProxy's `hash-key`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HashKey {
    /// Its number.
    #[default]
    Id,
    /// Its number, mixed.
    Id32,
    /// Its `guid`; its number where it has none.
    Guid,
    /// Its address.
    Address,
    /// Its address and port.
    AddressAndPort,
}
