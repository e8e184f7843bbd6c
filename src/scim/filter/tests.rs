//! The filter language against the examples of RFC 7644 §3.4.2.2, a second reader and arbitrary input.

use super::*;
use crate::scim::path::parse_path;
use crate::scim::schema::ResourceType;
use proptest::prelude::*;
use scim_v2::filter as other;

/// RFC 7644 §3.4.2.2 Figure 2.
const EXAMPLES: [&str; 17] = [
    r#"userName eq "bjensen""#,
    r#"name.familyName co "O'Malley""#,
    r#"userName sw "J""#,
    r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
    "title pr",
    r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
    r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
    r#"meta.lastModified lt "2011-05-13T04:42:34Z""#,
    r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
    r#"title pr and userType eq "Employee""#,
    r#"title pr or userType eq "Intern""#,
    r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
    r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
    r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
    r#"userType eq "Employee" and (emails.type eq "work")"#,
    r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
    r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
];

#[test]
fn examples_of_the_rfc_are_read_and_admitted() {
    for text in EXAMPLES {
        let filter = parse(text).expect(text);
        assert_eq!(parse(&filter.to_string()).as_ref(), Ok(&filter), "{text}");
        check(&filter, &ResourceType::user()).expect(text);
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    let shape = |text: &str| parse(text).expect(text).to_string();
    assert_eq!(shape("a pr or b pr and c pr"), "a pr or b pr and c pr");
    assert!(matches!(parse("a pr or b pr and c pr"), Ok(Filter::Or(parts)) if parts.len() == 2));
    assert!(matches!(parse("not (a pr) and b pr"), Ok(Filter::And(parts)) if matches!(parts[0], Filter::Not(_))));
    assert_eq!(shape("( a pr OR b pr )And c PR"), "(a pr or b pr) and c pr");
    assert_eq!(shape("NOT(a pr)"), "not (a pr)");
    assert_eq!(shape("a Eq TRUE"), "a eq true");
}

#[test]
fn names_that_look_like_keywords_are_names() {
    for text in ["not pr", "or pr or and pr", "note eq 1", "trueName eq true", "and.or eq null", "not.x pr"] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn entra_asks_after_the_bracket() {
    let filter = parse(r#"emails[type eq "work"].value eq "a@example.com""#).unwrap();
    assert!(matches!(&filter, Filter::ValuePath { tail: Some((sub, _)), .. } if sub == "value"));
    assert_eq!(filter.to_string(), r#"emails[type eq "work"].value eq "a@example.com""#);
}

#[test]
fn strings_are_json_strings() {
    let value = |text: &str| match parse(text) {
        Ok(Filter::Attr { test: Test::Compare(_, Literal::Str(s)), .. }) => s,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(value(r#"a eq "q\"\\\u00e9\n""#), "q\"\\é\n");
    assert_eq!(value(r#"a eq "] ) and ü""#), "] ) and ü");
    assert_eq!(value(r#"a eq"x""#), "x");
}

#[test]
fn errors_say_where() {
    for (text, offset) in [
        ("", 0),
        ("userName", 8),
        ("userName eq", 11),
        ("userName regex \"x\"", 9),
        ("a eq 'x'", 5),
        ("a eq \"x", 5),
        ("a eq \"\\x\"", 5),
        ("a pr b pr", 5),
        ("(a pr", 5),
        ("a pr)", 4),
        ("a[b pr", 6),
        ("a[b[c pr]]", 3),
        ("a.b[c pr]", 3),
        ("a eq 01", 5),
        ("a eq x", 5),
        ("a pr and", 8),
        ("1a pr", 0),
        ("ü pr", 0),
    ] {
        assert_eq!(parse(text).expect_err(text).offset, offset, "{text}");
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    let nested = |n: usize| format!("{}a pr{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
    assert!(parse(&nested(20_000)).is_err());
    assert!(parse(&"not (".repeat(12_000)).is_err());
    let chain = vec!["a pr"; 5_000].join(" or ");
    assert!(matches!(parse(&chain), Ok(Filter::Or(parts)) if parts.len() == 5_000));
    assert!(parse(&"a".repeat(MAX_LENGTH + 1)).is_err());
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,6}".prop_filter("a keyword", |n| {
        !["not", "and", "or", "pr", "true", "false", "null"].contains(&n.to_lowercase().as_str())
    })
}

fn attr_path() -> impl Strategy<Value = AttrPath> {
    let urn = prop::option::of(Just("urn:ietf:params:scim:schemas:core:2.0:User".to_owned()));
    (urn, name(), prop::option::of(name())).prop_map(|(urn, attr, sub)| AttrPath { urn, attr, sub })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(|n| Literal::Number(n.into())),
        (-1e9f64..1e9).prop_map(|n| Literal::Number(Number::from_f64(n).unwrap())),
        any::<String>().prop_map(Literal::Str),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let op = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Co,
        CompareOp::Sw,
        CompareOp::Ew,
        CompareOp::Gt,
        CompareOp::Ge,
        CompareOp::Lt,
        CompareOp::Le,
    ]);
    prop_oneof![Just(Test::Present), (op, literal()).prop_map(|(op, value)| Test::Compare(op, value))]
}

fn nest(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|f| Filter::Not(Box::new(f))),
        ]
    })
}

fn attr() -> impl Strategy<Value = Filter> {
    (attr_path(), test()).prop_map(|(path, test)| Filter::Attr { path, test })
}

fn filter(tails: bool) -> impl Strategy<Value = Filter> {
    let tail = prop::option::of((name(), test())).prop_map(move |t| t.filter(|_| tails));
    let brackets = (attr_path(), nest(attr()), tail).prop_map(|(path, filter, tail)| Filter::ValuePath {
        path: AttrPath { sub: None, ..path },
        filter: Box::new(filter),
        tail,
    });
    nest(prop_oneof![3 => attr(), 1 => brackets])
}

/// Words of the language in any order: nearer to valid filters than arbitrary text.
fn soup() -> impl Strategy<Value = String> {
    let words = vec![
        "a",
        "emails",
        "b.c",
        " ",
        " ",
        " ",
        "eq",
        "pr",
        "not",
        "and",
        "or",
        "(",
        ")",
        "[",
        "]",
        ".",
        "\"x\"",
        "1",
        "-1.5e3",
        "true",
        "null",
        "urn:x:y:a",
        "$ref",
        "\"",
        "\\",
        "ü",
        "co",
    ];
    prop::collection::vec(prop::sample::select(words), 0..16).prop_map(|w| w.concat())
}

fn flat(filter: Filter) -> Filter {
    let spread = |parts: Vec<Filter>, and: bool| {
        parts.into_iter().map(flat).flat_map(move |part| match part {
            Filter::And(inner) if and => inner,
            Filter::Or(inner) if !and => inner,
            one => vec![one],
        })
    };
    match filter {
        Filter::And(parts) => Filter::And(spread(parts, true).collect()),
        Filter::Or(parts) => Filter::Or(spread(parts, false).collect()),
        Filter::Not(inner) => Filter::Not(Box::new(flat(*inner))),
        Filter::ValuePath { path, filter, tail } => Filter::ValuePath { path, filter: Box::new(flat(*filter)), tail },
        attr => attr,
    }
}

fn from_other_attr(exp: &other::AttrExp) -> Filter {
    match exp {
        other::AttrExp::Present(path) => Filter::Attr { path: from_other_path(path), test: Test::Present },
        other::AttrExp::Comparison(path, op, value) => {
            let op = CompareOp::read(&op.to_string()).expect("the same nine operators");
            let value = match value {
                other::CompValue::False => Literal::Bool(false),
                other::CompValue::True => Literal::Bool(true),
                other::CompValue::Null => Literal::Null,
                other::CompValue::Number(n) => Literal::Number(n.clone()),
                other::CompValue::Str(s) => Literal::Str(s.clone()),
            };
            Filter::Attr { path: from_other_path(path), test: Test::Compare(op, value) }
        }
    }
}

fn from_other_path(path: &other::AttrPath) -> AttrPath {
    AttrPath { urn: path.uri.clone(), attr: path.name.clone(), sub: path.sub_attr.clone() }
}

fn from_other_inner(filter: &other::ValFilter) -> Filter {
    match filter {
        other::ValFilter::Attr(exp) => from_other_attr(exp),
        other::ValFilter::Not(inner) => Filter::Not(Box::new(from_other_inner(inner))),
        other::ValFilter::And(parts) => Filter::And(parts.as_slice().iter().map(from_other_inner).collect()),
        other::ValFilter::Or(parts) => Filter::Or(parts.as_slice().iter().map(from_other_inner).collect()),
    }
}

fn from_other(filter: &other::Filter) -> Filter {
    match filter {
        other::Filter::Attr(exp) => from_other_attr(exp),
        other::Filter::ValuePath(value) => Filter::ValuePath {
            path: from_other_path(&value.attr),
            filter: Box::new(from_other_inner(&value.filter)),
            tail: None,
        },
        other::Filter::Not(inner) => Filter::Not(Box::new(from_other(inner))),
        other::Filter::And(parts) => Filter::And(parts.as_slice().iter().map(from_other).collect()),
        other::Filter::Or(parts) => Filter::Or(parts.as_slice().iter().map(from_other).collect()),
    }
}

/// Where both readers accept a text they must understand the same.
fn assert_agreement(text: &str) {
    if let (Ok(ours), Ok(theirs)) = (parse(text), text.parse::<other::Filter>()) {
        assert_eq!(flat(ours), flat(from_other(&theirs)), "{text}");
    }
}

fn assert_path_agreement(text: &str) {
    let (Ok(ours), Ok(theirs)) = (parse_path(text, &ResourceType::user()), text.parse::<other::PatchPath>()) else {
        return;
    };
    let (attr, filter, sub) = match theirs {
        other::PatchPath::Attr(path) => (from_other_path(&path), None, None),
        other::PatchPath::Value(path) => {
            (from_other_path(&path.attr), Some(from_other_inner(&path.filter)), path.sub_attr)
        }
    };
    // A bare URN of the resource type is ours alone; the grammar takes its last part for an attribute.
    if !ours.is_whole_schema() {
        assert_eq!((ours.attr, ours.filter.map(flat), ours.sub), (attr, filter.map(flat), sub), "{text}");
    }
}

#[test]
fn the_second_reader_accepts_the_examples_too() {
    for text in EXAMPLES {
        let theirs: other::Filter = text.parse().unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(flat(parse(text).unwrap()), flat(from_other(&theirs)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn reading_never_panics(text in any::<String>(), words in soup()) {
        let user = ResourceType::user();
        for text in [&text, &words] {
            let _ = parse(text);
            let _ = parse_path(text, &user);
        }
        assert_agreement(&words);
        assert_path_agreement(&words);
    }

    #[test]
    fn printing_and_reading_is_the_identity(filter in filter(true)) {
        let text = filter.to_string();
        prop_assert_eq!(parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn both_readers_understand_the_same(filter in filter(false), inner in nest(attr()), path in attr_path()) {
        let text = filter.to_string();
        prop_assert!(parse(&text).is_ok());
        assert_agreement(&text);
        assert_path_agreement(&path.to_string());
        let bare = AttrPath { sub: None, ..path };
        assert_path_agreement(&format!("{bare}[{inner}]"));
        assert_path_agreement(&format!("{bare}[{inner}].value"));
    }
}
