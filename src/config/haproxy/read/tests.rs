use super::*;

fn read(text: &str) -> (Vec<Section>, Vec<Diagnostic>) {
    let (mut environment, problems) = (Environment::default(), Problems::default());
    let sections = file(&Source::new("a.cfg", text), 0, Default::default(), &mut environment, &problems);
    (sections, problems.into_sorted())
}

/// Sections and their lines as text, one line each.
fn shown(text: &str) -> String {
    let (sections, problems) = read(text);
    assert_eq!(problems, [], "{text}");
    let line = |line: &Line| line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let lines = |section: &Section| std::iter::once(&section.head).chain(&section.lines).map(line).collect::<Vec<_>>();
    sections.iter().flat_map(lines).collect::<Vec<_>>().join("\n")
}

fn said(text: &str) -> Vec<String> {
    read(text).1.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn lines_belong_to_the_section_before_them() {
    assert_eq!(
        shown("global\n daemon # x\n\n\tlog a b\nlisten x\nbind :80\n"),
        "global\ndaemon\nlog a b\nlisten x\nbind :80"
    );
}

#[test]
fn only_the_branch_that_holds_counts() {
    let text = |one: &str, two: &str| {
        format!("global\n.if {one}\na\n.if 1\nb\n.else\nc\n.endif\n.elif {two}\nd\n.else\ne\n.endif\nf\n")
    };
    assert_eq!(shown(&text("1", "1")), "global\na\nb\nf");
    assert_eq!(shown(&text("0", "1")), "global\nd\nf");
    assert_eq!(shown(&text("0", "0")), "global\ne\nf");
}

#[test]
fn masked_conditions_are_not_evaluated() {
    assert_eq!(shown("global\n.if 0\n.if nonsense\n.endif\n.endif\n.if 1\n.elif nonsense\n.endif\n"), "global");
}

#[test]
fn masked_lines_may_use_variables_that_are_not_set() {
    assert_eq!(shown("global\n.if \"$A\"\nx \"$A\"\n.endif\na\n"), "global\na");
    assert_eq!(said("global\nx \"$A\"\n"), ["argument at position 3 is empty and marks the end of the argument list"]);
}

#[test]
fn variables_are_set_for_the_lines_after() {
    assert_eq!(
        shown("global\nsetenv A 1\npresetenv A 2\nx \"$A\"\nunsetenv A\ny \"${A-3}\"\n"),
        "global\nsetenv A 1\npresetenv A 2\nx 1\nunsetenv A\ny 3"
    );
}

#[test]
fn conditions_see_expanded_variables() {
    assert_eq!(shown("global\nsetenv A on\n.if streq(\"$A\",on)\nx\n.endif\n"), "global\nsetenv A on\nx");
}

#[test]
fn messages_have_their_severity_and_an_alert_ends_reading() {
    let (sections, problems) = read("global\n.notice 'a'\n.warning \"b c\"\n.diag d\n.alert e\nx\n");
    let severities: Vec<_> = problems.iter().map(|problem| (problem.severity, problem.message.as_str())).collect();
    assert_eq!(severities, [(Severity::Notice, "'a'"), (Severity::Warning, "'b c'"), (Severity::Error, "'e'")]);
    assert!(sections[0].lines.is_empty());
}

#[test]
fn broken_blocks_are_errors() {
    for (text, message) in [
        (".endif\n", "lone '.endif' with no matching '.if'"),
        (".else\n", "lone '.else' with no matching '.if'"),
        (".elif 1\n", "lone '.elif' with no matching '.if'"),
        (".if 1\n", "non-terminated '.if' block"),
        (".if 1\n.else\n.else\n", "'.else' after '.else' is not permitted"),
        (".if 1\n.else\n.elif 1\n", "'.elif' after '.else' is not permitted"),
        (".if 1\n.else x\n", "Unexpected argument 'x' for '.else'"),
        (".if foo(1)\n.endif\n", "unparsable conditional expression 'foo(1)' in '.if' at position 1"),
    ] {
        assert_eq!(said(&format!("global\n{text}"))[0], message);
    }
    assert_eq!(said(&format!("global\n{}", ".if 1\n".repeat(100)))[0], "too many nested '.if', max is 100");
}

#[test]
fn text_before_a_section_and_a_missing_end_of_line_are_errors() {
    assert_eq!(said("frontned x\nbind :80\n"), ["unknown keyword 'frontned' out of section"]);
    assert_eq!(said("global"), ["Missing LF on last line, file might have been truncated at position 7"]);
    assert_eq!(said("global\na\0b\n"), ["Stray NUL character at position 2"]);
}

#[test]
fn a_file_of_nonsense_is_given_up() {
    let text = format!("global\n{}", "'\n".repeat(200));
    assert_eq!(said(&text).len(), MOST_ERRORS + 1);
}

#[test]
fn no_precedes_options_only() {
    assert_eq!(read("defaults\nno option httplog\ndefault option a\n").0[0].lines[0].modifier, Modifier::No);
    assert!(said("defaults\nno timeout client\n")[0].starts_with("'no' may only precede option"));
}
