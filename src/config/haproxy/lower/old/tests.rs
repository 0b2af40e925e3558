use super::search::{Field, Names, names};
use super::target::Target;
use super::tokens::{tokens, within_lines};

fn field(search: &str, string: &str) -> Result<(String, String, String), &'static str> {
    let read = Field::read(search).ok_or("no field")?;
    read.and_then(|field| field.replaced(string, "http-request")).map_err(|_| "lost")
}

#[test]
fn a_search_that_names_a_field_is_about_its_value() {
    for (search, string, name, pattern, value) in [
        ("^Host:", "Host: x", "Host", "", "x"),
        ("^Host: (.*)", "Host: x", "Host", "^(.*)", "x"),
        ("^Host:\\ (.*)\\.old$", "host: \\1.new", "Host", "^(.*)\\.old$", "\\1.new"),
        ("^Host:[ \\t]*a", "Host:b", "Host", "^a", "b"),
        ("^Host:.*a", "Host: b", "Host", "^.*a", "b"),
        (
            "^(Location:) http://([^/]*)/(.*)$",
            "\\1 https://\\2/\\3",
            "Location",
            "^http://([^/]*)/(.*)$",
            "https://\\1/\\2",
        ),
        ("^(Host): (a)", "\\1: \\2b", "Host", "^(a)", "\\1b"),
        ("^(Host: )(a)", "\\1\\2b", "Host", "^(a)", "\\1b"),
        ("^(Set-Cookie:.*)", "\\1; Secure", "Set-Cookie", "^(.*)", "\\1; Secure"),
        ("^(Set-Cookie: a=.*)b", "\\1; Secure", "Set-Cookie", "^(a=.*)b", "\\1; Secure"),
        ("^X:(.*)", "X: a\\1b\\1", "X", "^(.*)", "a \\1b \\1"),
        ("^X:(.*)", "X:\\1", "X", "^(.*)", "\\1"),
    ] {
        let expected = (name.to_owned(), pattern.to_owned(), value.to_owned());
        assert_eq!(field(search, string), Ok(expected), "{search} {string}");
    }
    for search in ["Host:", "^Host", "^.*: a", "^Host: a|^B: c", "^(Host|Via): a", "^[hH]ost: a", "^GET /: a"] {
        assert_eq!(field(search, "Host: x"), Err("no field"), "{search}");
    }
    for (search, string) in [
        ("^Host:a", "Host: x"),
        ("^Host: *  a", "Host: x"),
        ("^Host: a", "Via: x"),
        ("^Host: a", "x"),
        ("^(Host:) a", "Host: x"),
        ("^(Host:) a", "\\1 x\\1"),
        ("^(Host): a", "\\1 x"),
    ] {
        assert_eq!(field(search, string), Err("lost"), "{search} {string}");
    }
}

#[test]
fn names_are_deleted_and_values_are_not() {
    let read = |search: &str| names(search, "http-request").ok();
    for (search, name) in
        [("^Server:.*", "Server"), ("^Server:", "Server"), ("^Server: (.*)", "Server"), ("^A-b: .*$", "A-b")]
    {
        assert_eq!(read(search), Some(Names::One(name.to_owned())), "{search}");
    }
    for (search, pattern) in
        [("^X-.*:", "^X-"), ("^X-[a-z]*:.*", "^X-[a-z]*$"), ("^X-(A|B):", "^X-(A|B)$"), ("^[Ss]erver:", "^[Ss]erver$")]
    {
        assert_eq!(read(search), Some(Names::Pattern(pattern.to_owned())), "{search}");
    }
    for search in ["Server:", "^Server", "^Set-Cookie: a=", "^.*a:", "^[^a]*:", "^A:|^B:"] {
        assert_eq!(read(search), None, "{search}");
    }
}

#[test]
fn targets_are_rewritten_where_method_and_version_stay() {
    for (search, string, pattern, target) in [
        ("^([^\\ :]*)\\ /static/(.*)", "\\1 /\\2", "^/static/(.*)", "/\\1"),
        ("^([^ :]*) /a/(.*)$", "\\1  /b/\\2", "^/a/(.*)", "/b/\\1"),
        ("^(.*) /a([^ ]*)(.*)", "\\1 /b\\2\\3", "^/a([^ ]*)(.*)", "/b\\1\\2"),
        ("^GET /a(.*) HTTP/1.[01]$", "GET /b\\1 HTTP/1.1", "^/a(.*)$", "/b\\1"),
        ("^(GET|POST) /a (HTTP.*)", "\\1 /b \\2", "^/a$", "/b"),
        ("^GET /a.*", "GET /b HTTP/1.0", "^/a.*", "/b"),
    ] {
        let read = Target::read(search, string).unwrap_or_else(|lost| panic!("{search}: {lost:?}"));
        assert_eq!((read.pattern.as_str(), read.string.as_str()), (pattern, target), "{search}");
    }
    for (search, string) in [
        ("/a(.*)", "/b\\1"),
        ("^/a(.*)", "/b\\1"),
        ("^([^ ]*) /a(.*)", "GET /b\\2"),
        ("^([^ ]*) /a(.*)", "\\1 /b"),
        ("^([^ ]*) /a(.*)", "\\1 \\2/b"),
        ("^([^ ]*) /a$", "\\1 /b"),
        ("^([^ ]*) /a(.*)", "\\1 /b\\1\\2"),
        ("^GET /a(.*)", "POST /b\\1"),
        ("^([^ ]*) /a|b(.*)", "\\1 /\\2"),
    ] {
        assert!(Target::read(search, string).is_err(), "{search} {string}");
    }
}

#[test]
fn a_search_of_many_lines_stays_within_each() {
    let block = "host: a\r\nx-evil: b c\r\nlast: z\r\n\r\n";
    for (search, is_found) in [
        ("a$", true),
        ("^x-evil", true),
        ("a.x", false),
        ("a[^q]x", false),
        ("a\\sx", false),
        ("b\\sc$", true),
        ("c.*last", false),
        ("[^]]:", true),
        ("a\\Wx", false),
        ("^z", false),
    ] {
        let pattern = within_lines(&tokens(search)).expect("it can be carried");
        let regex = regex::Regex::new(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert_eq!(regex.is_match(block), is_found, "{search} as {pattern}");
    }
    for search in ["(?=a)b", "a\\r", "[\\W]", "[[:^alpha:]]"] {
        assert_eq!(within_lines(&tokens(search)), None, "{search}");
    }
}
