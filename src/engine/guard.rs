//! May this request be sent? The run touches only what it created.
//!
//! Must not send or remember anything but the ids this run made. Pure: the same answer for the same request, always.

use super::http::Outgoing;
use crate::exchange::percent_decode;
use std::collections::HashSet;

/// The rules of the house, set by `--read-only` and `--allow-existing`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard {
    /// Nothing that changes anything.
    pub read_only: bool,
    /// Resources that were there before may be changed and deleted.
    pub allow_existing: bool,
}

/// Paths of the resources that this run created, e.g. `/Users/42`. Spelling of escapes does not matter.
#[derive(Debug, Clone, Default)]
pub struct Created(HashSet<Vec<String>>);

impl Created {
    /// Remembers a path below the base URL.
    pub fn insert(&mut self, path: &str) {
        self.0.insert(segments(path));
    }

    /// True if this run made the resource that `path` names.
    pub fn contains(&self, path: &str) -> bool {
        self.0.contains(&segments(path))
    }
}

impl Guard {
    /// `Err` holds the reason in the user's words.
    pub fn check(&self, out: &Outgoing, created: &Created) -> Result<(), String> {
        let path = out.path();
        if reads(&out.method, path) {
            return Ok(());
        }
        if self.read_only {
            return Err(format!("{} {path} could change something, and --read-only is set", out.method));
        }
        if self.allow_existing {
            return Ok(());
        }
        match out.method.to_ascii_uppercase().as_str() {
            "POST" => bulk_check(out, created),
            _ => owned(&out.method, path, created),
        }
    }
}

/// GET and its kin, and the search by POST (RFC 7644 §3.4.3).
fn reads(method: &str, path: &str) -> bool {
    match method.to_ascii_uppercase().as_str() {
        "GET" | "HEAD" | "OPTIONS" => true,
        "POST" => segments(path).last().is_some_and(|s| s == ".search"),
        _ => false,
    }
}

fn owned(method: &str, path: &str, created: &Created) -> Result<(), String> {
    // Collections cannot be owned: a DELETE on /Users must never be tried out on a server with people in it.
    if segments(path).len() >= 2 && created.contains(path) {
        return Ok(());
    }
    Err(format!("{method} {path} would touch something that this run did not create (--allow-existing permits it)"))
}

/// RFC 7644 §3.7: a bulk request is as harmless as its operations. Targets that name a `bulkId` are made by the request itself.
fn bulk_check(out: &Outgoing, created: &Created) -> Result<(), String> {
    if segments(out.path()).last().is_none_or(|s| !s.eq_ignore_ascii_case("bulk")) {
        return Ok(());
    }
    let body = out.body.as_deref().and_then(|b| serde_json::from_slice::<serde_json::Value>(b).ok());
    let field = |v: &serde_json::Value, name: &str| {
        let (_, value) = v.as_object()?.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?;
        Some(value.clone())
    };
    let operations = body.as_ref().and_then(|b| field(b, "Operations"));
    for operation in operations.iter().filter_map(|o| o.as_array()).flatten() {
        let text = |name| field(operation, name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let (method, path) = (text("method"), text("path"));
        let harmless = method.eq_ignore_ascii_case("POST") || reads(&method, &path);
        if !harmless && !path.to_ascii_lowercase().contains("bulkid:") {
            owned(&method, &path, created)?;
        }
    }
    Ok(())
}

fn segments(path: &str) -> Vec<String> {
    path.split(['?', '#']).next().unwrap_or_default().split('/').filter(|s| !s.is_empty()).map(percent_decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Guard = Guard { read_only: false, allow_existing: false };

    fn out(method: &str, target: &str) -> Outgoing {
        Outgoing { method: method.into(), target: target.into(), ..Outgoing::default() }
    }

    fn made(paths: &[&str]) -> Created {
        let mut created = Created::default();
        paths.iter().for_each(|p| created.insert(p));
        created
    }

    #[test]
    fn read_only_lets_reads_and_searches_through() {
        let guard = Guard { read_only: true, allow_existing: true };
        let created = made(&["/Users/1"]);
        for (method, target, may) in [
            ("GET", "/Users/7", true),
            ("HEAD", "/Users/7", true),
            ("OPTIONS", "/Users", true),
            ("POST", "/Users/.search", true),
            ("POST", "/.search?x=1", true),
            ("POST", "/Users", false),
            ("PATCH", "/Users/1", false),
            ("DELETE", "/Users/1", false),
            ("PROPPATCH", "/Users/1", false),
        ] {
            assert_eq!(guard.check(&out(method, target), &created).is_ok(), may, "{method} {target}");
        }
    }

    #[test]
    fn only_own_resources_are_changed() {
        let created = made(&["/Users/a%2fb", "/Groups/9"]);
        for (method, target, may) in [
            ("POST", "/Users", true),
            ("PATCH", "/Users/a%2Fb?attributes=id", true),
            ("PUT", "/Groups/9", true),
            ("DELETE", "/Users/a/b", false),
            ("DELETE", "/Users/9", false),
            ("DELETE", "/Users", false),
            ("DELETE", "/", false),
            ("delete", "/Users/2", false),
        ] {
            assert_eq!(DEFAULT.check(&out(method, target), &created).is_ok(), may, "{method} {target}");
        }
        let guard = Guard { allow_existing: true, ..DEFAULT };
        assert!(guard.check(&out("DELETE", "/Users/2"), &created).is_ok());
    }

    #[test]
    fn a_bulk_request_is_as_harmless_as_its_operations() {
        let created = made(&["/Users/1"]);
        let bulk = |operations: &str| {
            let mut out = out("POST", "/Bulk");
            out.body = Some(format!(r#"{{"Operations": {operations}}}"#).into_bytes());
            DEFAULT.check(&out, &created)
        };
        assert!(bulk(r#"[{"method": "POST", "path": "/Users", "bulkId": "q"}]"#).is_ok());
        assert!(bulk(r#"[{"method": "PATCH", "path": "/Groups/bulkId:q"}]"#).is_ok());
        assert!(bulk(r#"[{"method": "DELETE", "path": "/Users/1"}]"#).is_ok());
        assert!(bulk(r#"[{"method": "DELETE", "path": "/Users/2"}]"#).is_err());
        assert!(bulk("7").is_ok());
    }
}
