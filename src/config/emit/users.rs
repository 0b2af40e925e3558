//! Users that rules let in.

use crate::model::rules::{Password, Userlist};

use super::text::{Text, list, scalar};
use super::{EmitError, name};

pub(super) fn userlists(out: &mut Text, lists: &[Userlist]) -> Result<(), EmitError> {
    if !lists.is_empty() {
        out.line(0, "userlists:");
    }
    for userlist in lists {
        out.line(1, &format!("{}:", name(&userlist.name)?));
        for user in &userlist.users {
            out.line(2, &format!("{}:", scalar(&user.name)));
            match &user.password {
                Some(Password::Crypted(text)) => out.pair(3, "password", scalar(text)),
                Some(Password::Plain(text)) => out.pair(3, "password", format_args!("{{clear: {}}}", scalar(text))),
                None => {}
            }
            list(out, 3, "groups", &user.groups);
        }
    }
    Ok(())
}
