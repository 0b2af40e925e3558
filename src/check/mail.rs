//! A mail about a server over SMTP (RFC 5321), as HAProxy 2.6 words it.

use crate::model::check::Mail;

/// Most bytes of an answer.
const MAX_ANSWER: usize = 4096;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Wait for more of the answer.
    Wait,
    /// Send this.
    Send(Vec<u8>),
    /// The mail is taken.
    Done,
    /// It is not; this is the answer.
    Refused(String),
}

/// A conversation with a mail server.
#[derive(Debug)]
pub struct Session {
    /// What is sent after each answer, and the answer that it waits for.
    commands: std::vec::IntoIter<(&'static str, String)>,
    expected: &'static str,
    answer: Vec<u8>,
}

impl Session {
    /// A mail that says this; the date is one of RFC 5322.
    pub fn new(mail: &Mail, text: &str, date: &str) -> Session {
        let Mail { from, to, hostname, .. } = mail;
        let from = one_line(from);
        let to = one_line(to);
        let text = one_line(text);
        // A line that is a dot alone ends the mail (RFC 5321 §4.5.2).
        let body = if text.starts_with('.') { format!(".{text}") } else { text.clone() };
        let letter = format!(
            "From: {from}\r\nTo: {to}\r\nDate: {date}\r\nSubject: [HAProxy Alert] {text}\r\n\r\n{body}\r\n.\r\n"
        );
        let commands = vec![
            ("250", format!("EHLO {}\r\n", one_line(hostname))),
            ("250", format!("MAIL FROM:<{from}>\r\n")),
            ("250", format!("RCPT TO:<{to}>\r\n")),
            ("354", "DATA\r\n".to_owned()),
            ("250", letter),
            ("221", "QUIT\r\n".to_owned()),
        ];
        Session { commands: commands.into_iter(), expected: "220", answer: Vec::new() }
    }

    /// Bytes of the server.
    pub fn received(&mut self, bytes: &[u8]) -> Step {
        self.answer.extend_from_slice(bytes);
        if self.answer.len() > MAX_ANSWER {
            return Step::Refused("an answer without an end".to_owned());
        }
        let Some(last) = last_line(&self.answer) else { return Step::Wait };
        let answer = String::from_utf8_lossy(last).trim_end().to_owned();
        self.answer.clear();
        if !answer.starts_with(self.expected) {
            return Step::Refused(answer);
        }
        match self.commands.next() {
            Some((expected, command)) => {
                self.expected = expected;
                Step::Send(command.into_bytes())
            }
            None => Step::Done,
        }
    }
}

/// The last line of a complete answer: three digits and a space; lines before it have a minus there.
fn last_line(answer: &[u8]) -> Option<&[u8]> {
    let lines = answer.strip_suffix(b"\n")?;
    let last = lines.rsplit(|byte| *byte == b'\n').next()?;
    (last.get(3) != Some(&b'-')).then_some(last)
}

fn one_line(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::log::Level;

    fn mail() -> Mail {
        Mail {
            mailers: Vec::new(),
            timeout: Duration::from_secs(10),
            from: "lb@example.org".to_owned(),
            to: "ops@example.org".to_owned(),
            level: Level::Alert,
            hostname: "lb1".to_owned(),
        }
    }

    #[test]
    fn mail_is_sent_command_by_command() {
        let mut session = Session::new(&mail(), "Server be/s is DOWN.", "Sat, 21 Nov 2026 19:00:00 +0000");
        let mut said = String::new();
        let answers = ["220 x\r\n", "250-x\r\n250 y\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n"];
        for answer in answers {
            match session.received(answer.as_bytes()) {
                Step::Send(bytes) => said.push_str(&String::from_utf8(bytes).expect("text")),
                other => panic!("{answer}: {other:?}"),
            }
        }
        assert_eq!(session.received(b"221 bye\r\n"), Step::Done);
        let expected = "EHLO lb1\r\nMAIL FROM:<lb@example.org>\r\nRCPT TO:<ops@example.org>\r\nDATA\r\n\
                        From: lb@example.org\r\nTo: ops@example.org\r\nDate: Sat, 21 Nov 2026 19:00:00 +0000\r\n\
                        Subject: [HAProxy Alert] Server be/s is DOWN.\r\n\r\nServer be/s is DOWN.\r\n.\r\nQUIT\r\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn refusal_ends_it_and_half_an_answer_waits() {
        let mut session = Session::new(&mail(), "x", "y");
        assert_eq!(session.received(b"55"), Step::Wait);
        assert_eq!(session.received(b"4 no\r\n"), Step::Refused("554 no".to_owned()));
    }

    #[test]
    fn no_text_ends_the_mail_early() {
        let mut session = Session::new(&mail(), ".\r\nQUIT", "y");
        let mut letter = Vec::new();
        for answer in ["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"] {
            let Step::Send(bytes) = session.received(answer.as_bytes()) else { panic!("{answer}") };
            letter = bytes;
        }
        let text = String::from_utf8(letter).expect("text");
        assert!(text.ends_with("\r\n\r\n..QUIT\r\n.\r\n"), "{text}");
    }
}
