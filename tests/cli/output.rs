//! Where the answers of commands go.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::PROGRAM;

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(PROGRAM).arg("schema").stdout(writer).output().expect("the program starts");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn words_are_explained_as_they_are_seen() {
    for (words, said) in [
        ("leastconn", "`balance leastconn`"),
        ("balance leastconn", "the server with the fewest connections"),
        ("show stat", "runtime socket, for level user and above"),
        ("Server Weight", "on `server` lines"),
        ("%[src,lower]", "the client's address"),
        ("%ST", "format tag: status code"),
        ("-m", "how patterns match"),
        ("-dW", "takes warnings for errors"),
        ("-dM", "nothing here"),
        (".elif", "another condition"),
        ("timeout", "timeout client"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let output = Command::new(PROGRAM).arg("explain").args(&words).output().expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(said), "{words:?}: {text}");
    }
    let output = Command::new(PROGRAM).args(["explain", "nonsense"]).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_answer_that_cannot_be_printed_is_a_failure_with_its_reason() {
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let command = Command::new(PROGRAM).arg("schema").stdout(full).stderr(Stdio::piped()).spawn();
    let output = command.and_then(std::process::Child::wait_with_output).expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said, "vipgate: cannot print the answer: No space left on device (os error 28)\n");
}
