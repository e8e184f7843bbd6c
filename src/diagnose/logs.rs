//! Reads what an identity provider's log exports: Okta's System Log (JSON), Entra's provisioning log (JSON from the portal or
//! Graph, CSV from the portal). Only failures are kept, each as the text that an admin would read.
//!
//! Pure and tolerant: an export with unknown fields, of another age or cut short gives what can be read of it. Must not know
//! families or causes.

use serde_json::Value;

/// How many failures are kept of one export.
const LIMIT: usize = 100_000;

/// One failure of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// When, as the log writes it.
    pub when: Option<String>,
    /// The text, made of operation, reason and code.
    pub text: String,
    /// Person or group, as the log names it.
    pub subject: Option<String>,
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Neither JSON nor CSV.
    #[error("this is neither JSON nor CSV as {0} exports it")]
    Format(&'static str),
    /// Readable, and none of the expected records in it.
    #[error("no {0} records found in this file")]
    NoRecords(&'static str),
}

/// Okta's System Log: an array, a single event, `{"events": […]}` or one event per line.
pub fn okta(text: &str) -> Result<Vec<Entry>, LogError> {
    let records = json_records(text).ok_or(LogError::Format("Okta"))?;
    let events: Vec<&Value> = records.iter().filter(|r| r.get("eventType").is_some()).collect();
    if events.is_empty() {
        return Err(LogError::NoRecords("Okta System Log"));
    }
    Ok(events.into_iter().filter_map(okta_entry).take(LIMIT).collect())
}

fn okta_entry(event: &Value) -> Option<Entry> {
    let kind = string(event.get("eventType"))?;
    let result = string(event.pointer("/outcome/result")).unwrap_or_default();
    let failed = result.eq_ignore_ascii_case("FAILURE") || kind.ends_with("_failure") || kind.ends_with("exceeded");
    if !failed || !(kind.contains("provision") || kind.contains("integration") || kind.contains("user_management")) {
        return None;
    }
    let display = string(event.get("displayMessage")).unwrap_or_default();
    let reason = string(event.pointer("/outcome/reason")).unwrap_or_default();
    let text = match (display.is_empty(), reason.is_empty()) {
        (_, true) => format!("{display} {result} ({kind})"),
        (true, false) => format!("({kind}) {reason}"),
        // The reason comes last: the server's own words end it.
        (false, false) => format!("{display} {result} ({kind}): {reason}"),
    };
    Some(Entry { when: string(event.get("published")), text: text.trim().to_owned(), subject: okta_subject(event) })
}

fn okta_subject(event: &Value) -> Option<String> {
    let targets = event.get("target")?.as_array()?;
    let of = |kinds: &[&str]| {
        targets
            .iter()
            .find(|t| string(t.get("type")).is_some_and(|k| kinds.contains(&k.as_str())))
            .and_then(|t| string(t.get("alternateId")).or_else(|| string(t.get("displayName"))))
    };
    of(&["AppUser", "User"]).or_else(|| of(&["AppGroup", "UserGroup", "GroupPushMapping"]))
}

/// Entra's provisioning log: JSON (an array, `{"value": […]}`) or CSV with a header line.
pub fn entra(text: &str) -> Result<Vec<Entry>, LogError> {
    if let Some(records) = json_records(text) {
        let known = ["provisioningAction", "action", "statusInfo", "provisioningStatusInfo", "provisioningSteps"];
        let rows: Vec<&Value> = records.iter().filter(|r| known.iter().any(|k| member(r, k).is_some())).collect();
        if rows.is_empty() {
            return Err(LogError::NoRecords("Entra provisioning log"));
        }
        return Ok(rows.into_iter().filter_map(entra_entry).take(LIMIT).collect());
    }
    let rows = csv(text);
    let Some((header, rows)) = rows.split_first() else { return Err(LogError::Format("Entra")) };
    let columns: Vec<String> = header.iter().map(|h| plain(h)).collect();
    if !columns.iter().any(|c| c == "status" || c.starts_with("status")) || columns.len() < 2 {
        return Err(LogError::Format("Entra"));
    }
    Ok(rows.iter().filter_map(|r| entra_row(&columns, r)).take(LIMIT).collect())
}

fn entra_entry(record: &Value) -> Option<Entry> {
    let status = member(record, "provisioningStatusInfo").or_else(|| member(record, "statusInfo"));
    let status_text = status.and_then(|s| string(member(s, "status")).or_else(|| string(Some(s)))).unwrap_or_default();
    if !is_failure(&status_text) {
        return None;
    }
    let information = status.and_then(|s| member(s, "errorInformation")).or(status);
    let field = |name: &str| information.and_then(|i| string(member(i, name))).unwrap_or_default();
    let named = |side: &str| {
        let side = member(record, side)?;
        string(member(side, "displayName")).or_else(|| string(member(side, "id")))
    };
    let kind = ["sourceIdentity", "targetIdentity"]
        .iter()
        .find_map(|s| string(member(member(record, s)?, "identityType")))
        .unwrap_or_else(|| "User".to_owned());
    let action = string(member(record, "provisioningAction")).or_else(|| string(member(record, "action")));
    let mut entry = compose(
        &action.unwrap_or_default(),
        &kind,
        named("sourceIdentity").or_else(|| named("targetIdentity")),
        &[field("errorCode"), first_of(&[field("reason"), field("additionalDetails")])],
    );
    entry.when = string(member(record, "activityDateTime"));
    Some(entry)
}

fn entra_row(columns: &[String], row: &[String]) -> Option<Entry> {
    let cell = |names: &[&str]| {
        let at = names.iter().find_map(|n| columns.iter().position(|c| c == n))?;
        row.get(at).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty())
    };
    let status = cell(&["status", "statusinfostatus", "provisioningstatus", "statuscode"])
        .or_else(|| columns.iter().position(|c| c.starts_with("status")).and_then(|i| row.get(i).cloned()))?;
    if !is_failure(&status) {
        return None;
    }
    let code = cell(&["errorcode", "statuserrorcode", "statusinfoerrorcode", "statuserrorinformationerrorcode"]);
    let reason = cell(&[
        "statusreason",
        "reason",
        "errorreason",
        "errordetails",
        "errormessage",
        "statusinforeason",
        "additionaldetails",
        "statusadditionaldetails",
        "details",
    ]);
    let subject = cell(&[
        "identity",
        "sourceidentity",
        "sourceidentitydisplayname",
        "displayname",
        "sourcedisplayname",
        "targetidentity",
    ]);
    let kind = cell(&["identitytype", "sourceidentityidentitytype", "objecttype"]).unwrap_or_else(|| "User".into());
    let action = cell(&["action", "provisioningaction"]).unwrap_or_default();
    let mut entry = compose(&action, &kind, subject, &[code.unwrap_or_default(), reason.unwrap_or_default()]);
    entry.when = cell(&["date", "activitydatetime", "dateutc", "datetime", "time"]);
    Some(entry)
}

/// The text as the portal shows it; an export that holds only parts gets it put together.
fn compose(action: &str, kind: &str, subject: Option<String>, said: &[String]) -> Entry {
    let reason = said.iter().filter(|s| !s.is_empty()).cloned().collect::<Vec<_>>().join(": ");
    let verb = match plain(action).as_str() {
        "create" => "create",
        "delete" => "delete",
        "disable" | "stageddelete" => "disable",
        _ => "update",
    };
    let kind = if kind.to_lowercase().contains("group") { "Group" } else { "User" };
    let who = subject.clone().unwrap_or_default().replace('\'', "’");
    let text = if reason.contains("Failed to ") {
        reason
    } else {
        format!("Failed to {verb} {kind} '{who}' in customappsso; Error: {reason}")
    };
    Entry { when: None, text, subject }
}

fn is_failure(status: &str) -> bool {
    ["failure", "failed", "error"].contains(&plain(status).as_str())
}

fn first_of(texts: &[String]) -> String {
    texts.iter().find(|t| !t.is_empty()).cloned().unwrap_or_default()
}

/// Letters and digits, lower case: `Status.errorInformation` and `Error code` lose what differs between exports.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

fn string(value: Option<&Value>) -> Option<String> {
    value?.as_str().filter(|s| !s.trim().is_empty()).map(str::to_owned)
}

/// The records of a JSON file: the one object, the array, the array in a well-known member, or one object per line.
fn json_records(text: &str) -> Option<Vec<Value>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Ok(whole) = serde_json::from_str::<Value>(text) {
        return match whole {
            Value::Array(items) => Some(items),
            Value::Object(_) => {
                let inner = ["value", "events", "records", "logs"].iter().find_map(|n| member(&whole, n)?.as_array());
                Some(inner.cloned().unwrap_or_else(|| vec![whole]))
            }
            _ => None,
        };
    }
    if !text.starts_with('{') && !text.starts_with('[') {
        return None;
    }
    // An export that was cut short, or one event per line: what can be read counts.
    let lines: Vec<Value> =
        text.lines().filter_map(|l| serde_json::from_str(l.trim().trim_end_matches(',')).ok()).collect();
    (!lines.is_empty()).then_some(lines)
}

/// RFC 4180 with tolerance: `,`, `;` or tab, quoted cells, any line ends, an unclosed quote ends with the file.
fn csv(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let count = |c: char| head.matches(c).count();
    let comma = [',', ';', '\t'].into_iter().max_by_key(|c| (count(*c), *c == ',')).unwrap_or(',');
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            c if c == comma && !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|r| r.iter().any(|c| !c.trim().is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::text::{Family, read};
    use proptest::prelude::*;
    use serde_json::json;

    fn okta_event(kind: &str, reason: Value) -> Value {
        json!({ "eventType": kind, "displayMessage": "Push user's profile to external application", "published": "2026-01-02T03:04:05Z",
            "outcome": { "result": "FAILURE", "reason": reason },
            "target": [{ "type": "AppInstance", "displayName": "Example" }, { "type": "AppUser", "alternateId": "alice@example.com" }] })
    }

    #[test]
    fn okta_failures_are_kept_and_successes_are_not() {
        let mut fine = okta_event("application.provision.user.push_profile", Value::Null);
        fine["outcome"]["result"] = json!("SUCCESS");
        let log = json!([
            okta_event(
                "application.provision.user.push_profile",
                json!("Error while trying to push profile update for alice@example.com: No user returned for user 42")
            ),
            fine,
            okta_event("user.session.start", json!("bad password"))
        ]);
        let entries = okta(&log.to_string()).expect("a log");
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].subject.as_deref(), Some("alice@example.com"));
        let reading = read(&entries[0].text);
        assert_eq!((reading.family, reading.id.as_deref()), (Family::UserNotFound, Some("42")));
    }

    #[test]
    fn okta_logs_come_in_several_wraps() {
        let event = okta_event("application.provision.user.sync", Value::Null);
        let lines = format!("{event}\n{event}\n{{\"eventType\": \"cut sh");
        for text in [event.to_string(), json!({ "events": [event] }).to_string(), lines] {
            let entries = okta(&text).expect("a log");
            assert_eq!(read(&entries[0].text).family, Family::Update, "{}", entries[0].text);
        }
        assert_eq!(okta("[]"), Err(LogError::NoRecords("Okta System Log")));
        assert_eq!(okta("hello"), Err(LogError::Format("Okta")));
    }

    #[test]
    fn entra_json_from_graph() {
        let log = json!({ "value": [
            { "activityDateTime": "2026-01-02T03:04:05Z", "provisioningAction": "update",
              "sourceIdentity": { "displayName": "alice@example.com", "identityType": "User" },
              "provisioningStatusInfo": { "status": "failure", "errorInformation": { "errorCode": "InvalidAnchor", "reason": "gone" } } },
            { "provisioningAction": "create", "provisioningStatusInfo": { "status": "success" } }
        ] });
        let entries = entra(&log.to_string()).expect("a log");
        assert_eq!(entries.len(), 1);
        let reading = read(&entries[0].text);
        assert_eq!((reading.family, reading.user.as_deref()), (Family::UserNotFound, Some("alice@example.com")));
    }

    #[test]
    fn entra_csv_from_the_portal() {
        let log = "\u{feff}Date,Identity,Action,Status,Error code,Status reason\r\n\
            2026-01-02,alice@example.com,Create,Failure,EntryConflict,\"taken, as \"\"alice\"\"\r\nsays\"\r\n\
            2026-01-02,bob@example.com,Create,Success,,\r\n";
        let entries = entra(log).expect("a log");
        assert_eq!(entries.len(), 1);
        assert!(entries[0].text.contains("taken, as \"alice\""), "{}", entries[0].text);
        assert_eq!(read(&entries[0].text).family, Family::Conflict);
        let semicolons = log.replace(',', ";");
        assert_eq!(entra(&semicolons).expect("a log").len(), 1);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            Just(Value::from("FAILURE"))
        ];
        let key = prop_oneof![
            Just("outcome".to_owned()),
            Just("eventType".to_owned()),
            Just("target".to_owned()),
            Just("provisioningStatusInfo".to_owned()),
            Just("status".to_owned()),
            Just("value".to_owned()),
            "[a-z]{1,6}"
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6).prop_map(|m| Value::Object(m.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_breaks_them(text in "(?s).{0,300}") {
            let _ = (okta(&text), entra(&text));
        }

        #[test]
        fn no_json_breaks_them(value in any_json()) {
            let text = value.to_string();
            for entry in okta(&text).into_iter().chain(entra(&text)).flatten() {
                let _ = read(&entry.text);
            }
        }

        #[test]
        fn no_table_breaks_it(cells in prop::collection::vec("[\\PC\",;\n]{0,12}", 0..30)) {
            let _ = entra(&format!("Date,Status,Identity\n{}", cells.join(",")));
        }
    }
}
