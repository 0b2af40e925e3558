//! Users that rules let in.

use crate::config::yaml::tree::Entry;
use crate::config::yaml::value;
use crate::model::rules::{Password, User, Userlist};

use super::{list, read, text};

pub fn userlist(entry: &Entry) -> Userlist {
    Userlist { name: entry.key.value.clone(), users: entry.value.entries().iter().map(user).collect() }
}

fn user(entry: &Entry) -> User {
    let password = entry.value.value("password");
    let clear = read(password.and_then(|password| password.value("clear")), text);
    let crypted = || read(password, value::password).map(|password| password.value);
    User {
        name: entry.key.value.clone(),
        password: clear.map(|clear| Password::Plain(clear.value)).or_else(crypted),
        groups: list(entry.value.value("groups"), text).into_iter().map(|group| group.value).collect(),
    }
}
