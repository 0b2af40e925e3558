//! Ways of matching.

use crate::rule::sample::Kind;

/// A matching method, as after `-m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The sample exists.
    Found,
    /// The sample is true or not zero.
    Bool,
    /// A number or range of numbers.
    Int,
    /// As `Int`, with values such as `3.1` for `major.minor`.
    Version,
    /// The length of the sample.
    Len,
    /// An address or network.
    Ip,
    /// Bytes, given in hexadecimal.
    Bin,
    /// The whole text.
    Str,
    /// Start of the text.
    Beg,
    /// End of the text.
    End,
    /// Anywhere in the text.
    Sub,
    /// Whole parts between slashes.
    Dir,
    /// Whole parts between dots, slashes, colons and question marks.
    Dom,
    /// A regular expression.
    Reg,
}

const NAMES: [(&str, Method); 14] = [
    ("found", Method::Found),
    ("bool", Method::Bool),
    ("int", Method::Int),
    ("len", Method::Len),
    ("ip", Method::Ip),
    ("bin", Method::Bin),
    ("str", Method::Str),
    ("beg", Method::Beg),
    ("end", Method::End),
    ("sub", Method::Sub),
    ("dir", Method::Dir),
    ("dom", Method::Dom),
    ("reg", Method::Reg),
    ("regm", Method::Reg),
];

impl Method {
    /// By its word.
    pub fn by_name(name: &str) -> Option<Method> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }

    /// The words.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, method)| *method == self).map_or("int", |(name, _)| name)
    }

    /// The method that a type has when none is named; `None` if one has to be.
    pub fn default_of(kind: Kind) -> Option<Method> {
        match kind {
            Kind::Bool => Some(Method::Bool),
            Kind::Int => Some(Method::Int),
            Kind::Addr | Kind::Ipv4 | Kind::Ipv6 => Some(Method::Ip),
            Kind::Str => Some(Method::Str),
            Kind::Bin | Kind::Any | Kind::Method => None,
        }
    }

    /// Whether names of fetches can end in it, as `path_beg` does.
    pub fn is_of_suffix(self) -> bool {
        matches!(self, Method::Beg | Method::Dir | Method::Dom | Method::End | Method::Len | Method::Reg | Method::Sub)
    }

    /// The type that samples are turned into before they are compared.
    pub fn takes(self) -> Kind {
        match self {
            Method::Found => Kind::Any,
            Method::Bool | Method::Int | Method::Version => Kind::Int,
            Method::Ip => Kind::Addr,
            Method::Bin => Kind::Bin,
            _ => Kind::Str,
        }
    }
}
