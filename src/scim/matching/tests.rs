//! What filters mean, by RFC 7644 §3.4.2.2 and RFC 7643 §2.

use super::*;
use crate::scim::filter::parse;
use crate::scim::urn;
use serde_json::json;

fn alice() -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE], "id": "AbC", "externalId": "Ext", "userName": "Alice@Example.com",
        "userType": "Employee", "active": true, "nickName": "", "title": null, "roles": [],
        "name": {"familyName": "O'Malley"},
        "emails": [{"type": "work", "value": "alice@example.com", "primary": true}, {"type": "home", "value": "a@example.org"}],
        "meta": {"lastModified": "2011-05-13T04:42:34.000+00:00"},
        "x509Certificates": [{"value": "QUJD"}], "custom": {"Colour": "Red", "size": 7},
        urn::ENTERPRISE: {"department": "Sales", "manager": {"value": "m1"}}
    })
}

fn yes(text: &str) -> bool {
    matches(&parse(text).expect(text), &alice(), &ResourceType::user())
}

#[test]
fn strings_by_case_exact() {
    for text in [
        r#"userName eq "alice@example.com""#,
        r#"USERNAME sw "ALICE""#,
        r#"userName ew ".COM""#,
        r#"name.familyName co "o'mall""#,
        r#"id eq "AbC""#,
        r#"externalId ne "ext""#,
        r#"schemas eq "URN:ietf:params:scim:schemas:extension:enterprise:2.0:user""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:user:userName pr"#,
        r#"userName gt "alic""#,
        r#"userName le "ALICE@example.com""#,
        r#"custom.colour eq "red""#,
        "custom.size ge 7",
        "custom.size lt 7.5",
    ] {
        assert!(yes(text), "{text}");
    }
    for text in
        [r#"id eq "abc""#, r#"externalId eq "ext""#, r#"userName eq "alice""#, "userName eq 1", "custom.size co 7"]
    {
        assert!(!yes(text), "{text}");
    }
}

#[test]
fn absence_null_and_presence() {
    for text in [
        "title eq null",
        "roles eq null",
        "not (title pr)",
        "not (nickName pr)",
        "emails pr",
        "active pr",
        "name pr",
        "userName ne null",
        r#"title ne "x""#,
        r#"roles ne "x""#,
        "not (nothing pr)",
        "custom pr",
        r#"emails[type eq "home" and display eq null]"#,
    ] {
        assert!(yes(text), "{text}");
    }
    for text in ["title pr", "roles pr", "userName eq null", "title ne null", r#"title eq """#, r#"title lt "z""#] {
        assert!(!yes(text), "{text}");
    }
}

#[test]
fn multi_valued_match_by_any_value() {
    for text in [
        r#"emails eq "a@example.org""#,
        r#"id eq "AbC" and manager eq "m1""#,
        r#"emails.type eq "work" and emails.value eq "a@example.org""#,
        r#"emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work"].value eq "ALICE@example.com""#,
        r#"emails[type eq "home"].primary ne true"#,
        r#"emails[primary eq "True"].value sw "alice""#,
        r#"emails.type ne "work""#,
        r#"not (emails[type eq "work" and value co "@example.org"])"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "m1""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m1""#,
    ] {
        assert!(yes(text), "{text}");
    }
    for text in
        [r#"emails[type eq "work" and value co "@example.org"]"#, r#"emails[type eq "work"].value eq "a@example.org""#]
    {
        assert!(!yes(text), "{text}");
    }
}

#[test]
fn booleans_and_dates() {
    for text in [
        "active eq true",
        r#"active eq "True""#,
        "active ne false",
        r#"meta.lastModified eq "2011-05-13T06:42:34+02:00""#,
        r#"meta.lastModified gt "2011-05-13T06:42:33+02:00""#,
        r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified sw "2011-05""#,
        r#"x509Certificates eq "QUJD""#,
    ] {
        assert!(yes(text), "{text}");
    }
    for text in ["active eq false", r#"active eq "no""#, "active gt false", r#"x509Certificates eq "qujd""#] {
        assert!(!yes(text), "{text}");
    }
    let loose = json!({"active": "True"});
    assert!(matches(&parse("active eq true").unwrap(), &loose, &ResourceType::user()));
}

#[test]
fn schema_refuses_what_cannot_be_asked() {
    let kind = |text: &str| check(&parse(text).expect(text), &ResourceType::user()).err().map(|p| p.kind);
    assert_eq!(kind("hat pr"), Some(FilterProblemKind::UnknownAttribute));
    assert_eq!(kind("emails[hat pr]"), Some(FilterProblemKind::UnknownAttribute));
    assert_eq!(kind("active gt true"), Some(FilterProblemKind::Operator));
    assert_eq!(kind(r#"emails[primary lt "true"]"#), Some(FilterProblemKind::Operator));
    assert_eq!(kind(r#"x509Certificates gt "a""#), Some(FilterProblemKind::Operator));
    assert_eq!(kind(r#"active eq "maybe""#), Some(FilterProblemKind::Literal));
    assert_eq!(kind("userName eq 5"), Some(FilterProblemKind::Literal));
    assert_eq!(kind(r#"meta.created gt "soon""#), Some(FilterProblemKind::Literal));
    assert_eq!(kind(r#"name eq "a""#), Some(FilterProblemKind::Complex));
    assert_eq!(kind("userName[value pr]"), Some(FilterProblemKind::ValuePath));
    for text in [
        r#"active eq "True""#,
        "name eq null",
        "emails pr",
        r#"emails co "x""#,
        "title eq null",
        "id pr",
        r#"id eq "x" and manager eq "m1""#,
    ] {
        assert_eq!(kind(text), None, "{text}");
    }
}
