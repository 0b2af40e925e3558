//! What an answer of a name server is worth.

use std::net::IpAddr;

use crate::model::naming::Lack;
use crate::state::naming::Tally;
use crate::wire::dns::{Answer, Code, Data, Kind};

/// A record that somebody can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An address of the name.
    Address(IpAddr),
    /// A machine of the service.
    Service {
        /// Its name.
        target: String,
        /// Its port.
        port: u16,
        /// 0-65535.
        weight: u16,
        /// Its address, if the answer tells that, too.
        address: Option<IpAddr>,
    },
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The name does not exist.
    Nx,
    /// The name server refuses.
    Refused,
    /// It answers another question, or something else.
    Invalid,
    /// It has no record.
    Empty,
    /// It ends with an alias.
    Alias,
    /// It did not find room.
    Truncated,
    /// Any other.
    Other,
}

impl Fault {
    /// What it is counted as.
    pub fn tally(self) -> Tally {
        match self {
            Fault::Nx => Tally::Nx,
            Fault::Refused => Tally::Refused,
            Fault::Invalid => Tally::Invalid,
            Fault::Empty => Tally::Empty,
            Fault::Alias => Tally::AliasError,
            Fault::Truncated => Tally::Truncated,
            Fault::Other => Tally::Other,
        }
    }

    /// What a server lacks its address for, if that goes on.
    pub fn lack(self) -> Lack {
        match self {
            Fault::Nx => Lack::Nx,
            Fault::Refused => Lack::Refused,
            Fault::Invalid | Fault::Empty | Fault::Alias | Fault::Truncated | Fault::Other => Lack::Other,
        }
    }
}

/// What an answer to the question for records of that kind says.
///
/// # Errors
/// Why it is none.
pub fn judge(answer: &Answer, name: &str, kind: Kind) -> Result<Vec<Found>, Fault> {
    match answer.code {
        Code::Done => {}
        Code::NoSuchName => return Err(Fault::Nx),
        Code::Refused => return Err(Fault::Refused),
        Code::Failed => return Err(Fault::Other),
    }
    if answer.question.as_deref() != Some(name) {
        return Err(Fault::Invalid);
    }
    // What found room in the answer for a service can be used.
    if answer.is_truncated && kind != Kind::Srv {
        return Err(Fault::Truncated);
    }
    if answer.records.is_empty() {
        return Err(Fault::Empty);
    }
    let mut owner = name;
    let mut found = Vec::new();
    for (number, record) in answer.records.iter().enumerate() {
        if kind != Kind::Srv && record.owner != owner {
            return Err(if number == 0 { Fault::Invalid } else { Fault::Alias });
        }
        match &record.data {
            Data::Address(address) => found.push(Found::Address(*address)),
            Data::Alias(_) if number + 1 == answer.records.len() => return Err(Fault::Alias),
            Data::Alias(target) => owner = target,
            Data::Service { weight, port, target } => {
                let of_target = |record: &&crate::wire::dns::Record| record.owner == *target;
                let address = answer.additional.iter().filter(of_target).find_map(|record| match record.data {
                    Data::Address(address) => Some(address),
                    _ => None,
                });
                found.push(Found::Service { target: target.clone(), port: *port, weight: *weight, address });
            }
            Data::Other => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dns::Record;

    fn answer(records: Vec<Record>) -> Answer {
        let question = Some("web.test".to_owned());
        Answer { id: 1, code: Code::Done, is_truncated: false, question, records, additional: Vec::new() }
    }

    fn record(owner: &str, data: Data) -> Record {
        Record { owner: owner.to_owned(), data }
    }

    fn address(last: u8) -> Data {
        Data::Address([192, 0, 2, last].into())
    }

    #[test]
    fn an_alias_leads_to_its_addresses() {
        let alias = record("web.test", Data::Alias("b.test".into()));
        let found = judge(&answer(vec![alias.clone(), record("b.test", address(1))]), "web.test", Kind::A);
        assert_eq!(found, Ok(vec![Found::Address([192, 0, 2, 1].into())]));
        let elsewhere = judge(&answer(vec![alias.clone(), record("c.test", address(1))]), "web.test", Kind::A);
        assert_eq!(elsewhere, Err(Fault::Alias));
        assert_eq!(judge(&answer(vec![alias]), "web.test", Kind::A), Err(Fault::Alias));
    }

    #[test]
    fn what_answers_something_else_is_no_answer() {
        let good = answer(vec![record("web.test", address(1))]);
        assert_eq!(judge(&good, "other.test", Kind::A), Err(Fault::Invalid));
        assert_eq!(judge(&answer(vec![record("x.test", address(1))]), "web.test", Kind::A), Err(Fault::Invalid));
        assert_eq!(judge(&answer(vec![]), "web.test", Kind::A), Err(Fault::Empty));
        let code = |code| Answer { code, ..good.clone() };
        assert_eq!(judge(&code(Code::NoSuchName), "web.test", Kind::A), Err(Fault::Nx));
        assert_eq!(judge(&code(Code::Refused), "web.test", Kind::A), Err(Fault::Refused));
        assert_eq!(judge(&code(Code::Failed), "web.test", Kind::A), Err(Fault::Other));
    }

    #[test]
    fn a_truncated_answer_counts_for_services_alone() {
        let service = Data::Service { weight: 7, port: 80, target: "a.test".into() };
        let mut cut = Answer { is_truncated: true, ..answer(vec![record("web.test", service)]) };
        cut.additional = vec![record("b.test", address(2)), record("a.test", address(1))];
        let address = Some([192, 0, 2, 1].into());
        let found = Found::Service { target: "a.test".into(), port: 80, weight: 7, address };
        assert_eq!(judge(&cut, "web.test", Kind::Srv), Ok(vec![found]));
        assert_eq!(judge(&cut, "web.test", Kind::A), Err(Fault::Truncated));
    }
}
