use super::*;

#[test]
fn every_row_can_be_read() {
    for (name, text) in FILES {
        let rows = file::rows(text);
        assert!(rows.as_ref().is_ok_and(|rows| !rows.is_empty()), "{name}: {:?}", rows.err());
    }
}

#[test]
fn no_word_has_two_rows_in_one_place() {
    let mut seen: Vec<(&str, Places)> = Vec::new();
    for row in rows() {
        let twice = seen.iter().any(|(name, places)| *name == row.name && places.meets(row.places));
        assert!(!twice, "{}", row.name);
        seen.push((row.name, row.places));
    }
}

#[test]
fn places_have_names_that_lead_back() {
    for row in rows() {
        for place in row.places.iter() {
            assert_eq!(Place::by_name(place.name()), Some(place));
        }
    }
}

#[test]
fn longest_name_wins() {
    let find = |place: Place, words: &[&str]| find(words, place).map(|(row, count)| (row.name, count));
    assert_eq!(find(Place::Frontend, &["timeout", "client", "3s"]), Some(("timeout client", 2)));
    assert_eq!(find(Place::Backend, &["server", "a", "b"]), Some(("server", 1)));
    assert_eq!(find(Place::Frontend, &["capture", "request", "header", "x"]), Some(("capture request header", 3)));
    assert_eq!(find(Place::HttpRequest, &["set-var(txn.a)", "src"]), Some(("set-var", 1)));
    assert_eq!(find(Place::Frontend, &["server", "a"]), None);
}

#[test]
fn people_find_rows_by_name_place_or_end() {
    let names = |words: &str| lookup(words).iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names("timeout client"), ["timeout client", "timeout client"]);
    assert_eq!(names("server weight"), ["weight"]);
    assert_eq!(names("http-request set-header"), ["set-header"]);
    assert_eq!(names("httplog"), ["option httplog"]);
    assert!(names("nonsense").is_empty());
}

#[test]
fn unknown_words_have_a_suggestion() {
    let suggest = |place, words: &[&str]| suggestion(words, rows_of(place));
    assert_eq!(suggest(Place::Global, &["maxcon"]), Some("maxconn"));
    assert_eq!(suggest(Place::Frontend, &["timeout", "clint"]), Some("timeout client"));
    assert_eq!(suggest(Place::Backend, &["option", "httpcheck"]), Some("option httpchk"));
    assert_eq!(suggest(Place::Frontend, &["zzzzzz"]), None);
}

#[test]
fn actions_are_supported_as_the_proxy_carries_them_out() {
    use crate::rule::Stage;
    use crate::rule::action::ACTIONS;
    use crate::rule::{Support as Carried, carried};
    let sets = [
        (Place::HttpRequest, Stage::HttpRequest),
        (Place::HttpResponse, Stage::HttpResponse),
        (Place::HttpAfterResponse, Stage::HttpAfterResponse),
        (Place::TcpConnection, Stage::TcpConnection),
        (Place::TcpSession, Stage::TcpSession),
        (Place::TcpContent, Stage::TcpRequest),
    ];
    for (place, stage) in sets {
        for action in ACTIONS.iter().filter(|action| action.stages.contains(&stage)) {
            let words: Vec<&str> = std::iter::once(action.name).chain(action.usage.split(' ')).collect();
            let Some((row, _)) = find(&words, place) else {
                // Unknown words are errors too.
                assert!(matches!(carried::action(action), Carried::Refused(_)), "{} {}", place.name(), action.name);
                continue;
            };
            let is_same = match (row.support, carried::action(action)) {
                (Support::Full, Carried::Full) | (Support::Refused(_), Carried::Refused(_)) => true,
                (Support::Partial(here), Carried::Partial(there)) => here == there,
                _ => false,
            };
            assert!(is_same, "{} {}: {:?}", place.name(), row.name, row.support);
        }
    }
}

#[test]
fn every_shared_reason_is_the_reason_of_a_row() {
    for (file, text) in FILES {
        let (reasons, rows): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('@'));
        for name in reasons.iter().filter_map(|reason| reason.split_once(" =")).map(|(name, _)| name) {
            assert!(rows.iter().any(|row| row.contains(&format!(": {name} |"))), "{file}: nobody gives {name}");
        }
    }
}
