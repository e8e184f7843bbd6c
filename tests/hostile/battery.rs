//! Whole runs against a server that is broken or evil in one way each: what is reported, how long it takes, how much memory.
//! `SCIMPROOF_UPDATE=1` renews the table in `docs/hostile.md`; times and memory in it are those of that day.

use crate::checks::{Measured, run};
use crate::evil::{Act, Asked, Evil, Healthy};
use crate::tool::{TOKEN, golden_doc};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// More than any case needs, on a machine that does other things beside; far less than a person waits.
const LIMIT: Duration = Duration::from_secs(240);
/// For the whole process, unoptimised. The reports of a run and one answer of the size limit are in it.
const MOST_MIB: u64 = 400;

/// Where every answer is megabytes: an unoptimised program is busy for long with each.
const FEW: [&str; 1] = ["okta/create-user"];
/// Those that read what the server says about itself.
const DISCOVERY: [&str; 4] = ["rfc/discovery", "okta/create-user", "okta/custom-attributes", "entra/discovery"];

/// Short cases that create, look up, list, change, group and delete.
const SCENARIOS: [&str; 5] =
    ["okta/create-user", "okta/import-users", "okta/group-push-rename", "entra/group-create", "rfc/list-items"];

type PlanFn = dyn Fn(&Asked, &dyn Fn() -> Healthy) -> Act + Send + Sync;

struct Case {
    name: &'static str,
    /// Exit status.
    ends: i32,
    /// Part of what is told (reason, rule or error), so that the table cannot say what is not so.
    tells: &'static str,
    args: &'static [&'static str],
    scenarios: &'static [&'static str],
    plan: Arc<PlanFn>,
}

fn case(
    name: &'static str,
    ends: i32,
    tells: &'static str,
    plan: impl Fn(&Asked, &dyn Fn() -> Healthy) -> Act + Send + Sync + 'static,
) -> Case {
    Case { name, ends, tells, args: &[], scenarios: &SCENARIOS, plan: Arc::new(plan) }
}

impl Case {
    fn with(mut self, args: &'static [&'static str]) -> Self {
        self.args = args;
        self
    }

    fn playing(mut self, scenarios: &'static [&'static str]) -> Self {
        self.scenarios = scenarios;
        self
    }
}

/// Healthy until the first case begins.
fn then(
    plan: impl Fn(&Asked, &dyn Fn() -> Healthy) -> Act + Send + Sync,
) -> impl Fn(&Asked, &dyn Fn() -> Healthy) -> Act + Send + Sync {
    move |asked, ask| if asked.is_discovery() { Act::Pass } else { plan(asked, ask) }
}

fn stream(head: &str, again: impl Into<Vec<u8>>, pause_ms: u64) -> Act {
    Act::Stream(format!("HTTP/1.1 {head}\r\n").into_bytes(), again.into(), Duration::from_millis(pause_ms))
}

fn gzip_bomb(mib: u64) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b' '), mib << 20), &mut encoder).expect("packed");
    encoder.finish().expect("packed")
}

const FAST: &[&str] = &["--timeout", "1"];

fn transport() -> Vec<Case> {
    let bomb = gzip_bomb(500);
    let mut cases = vec![
        case("nobody answers, from the start", 3, "cannot reach the target", |_, _| Act::Stall).with(FAST),
        case("nobody answers after the start", 3, "given up", then(|_, _| Act::Stall)).with(FAST),
        case("endless body", 1, "", then(|_, _| stream("200 OK\r\n", vec![b'['; 1 << 16], 0))).playing(&FEW),
        case(
            "one byte per second",
            3,
            "given up",
            then(|_, _| stream("200 OK\r\nContent-Length: 9999\r\n", "x", 1000)),
        )
        .with(FAST),
        case("header flood", 3, "given up", then(|_, _| stream("200 OK", "X-Flood: 1\r\n".repeat(1000), 0))),
        case("one endless header", 3, "given up", then(|_, _| stream("200 OK\r\nX-Flood: ", vec![b'x'; 1 << 16], 0))),
        case(
            "endless 100 Continue",
            3,
            "given up",
            then(|_, _| stream("100 Continue\r\n", "HTTP/1.1 100 Continue\r\n\r\n".repeat(2000), 0)),
        )
        .with(FAST),
        case("1xx before each answer", 0, "no finding", |_, ask| {
            let Act::Bytes(answer) = ask().as_is() else { unreachable!() };
            Act::Bytes([b"HTTP/1.1 103 Early Hints\r\nLink: </evil>\r\n\r\n".to_vec(), answer].concat())
        }),
        case(
            "compression bomb, 500 MB",
            1,
            "",
            then(move |_, _| {
                let head = format!("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n", bomb.len());
                Act::Bytes([format!("HTTP/1.1 {head}\r\n").into_bytes(), bomb.clone()].concat())
            }),
        )
        .playing(&FEW),
        case("no HTTP at all", 3, "not valid HTTP", |_, _| Act::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
        case(
            "Content-Length too large",
            3,
            "given up",
            then(|_, _| Act::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}".to_vec())),
        ),
        case(
            "Content-Length too small",
            1,
            "",
            then(|_, ask| {
                let healthy = ask();
                let head = format!(
                    "HTTP/1.1 {} X\r\nContent-Type: application/scim+json\r\nContent-Length: 5\r\n\r\n",
                    healthy.status
                );
                Act::Bytes([head.into_bytes(), healthy.body].concat())
            }),
        ),
        case(
            "204 with a body",
            1,
            "",
            then(|_, _| Act::Bytes(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}".to_vec())),
        ),
        case(
            "304 to everything",
            3,
            "304",
            then(|_, _| {
                Act::Bytes(b"HTTP/1.1 304 Not Modified\r\nETag: W/\"1\"\r\nConnection: close\r\n\r\n".to_vec())
            }),
        ),
        case("500 to everything", 1, "error/server-error", then(|_, _| Act::answer("500 Oops", "{}"))),
        case("503 from the start", 3, "503", |_, _| Act::answer("503 Busy\r\nRetry-After: 86400", "")),
        case(
            "429 with an absurd Retry-After",
            3,
            "--rate",
            then(|_, _| Act::answer("429 Slow\r\nRetry-After: 99999999999999999999", "{}")),
        ),
        case(
            "every second answer 503",
            3,
            "503",
            then(
                |asked, _| {
                    if asked.n % 2 == 0 { Act::answer("503 Busy\r\nRetry-After: 9999", "{}") } else { Act::Pass }
                },
            ),
        ),
        case(
            "redirect to itself",
            3,
            "redirect",
            then(|asked, _| Act::answer(&format!("302 Found\r\nLocation: /scim/v2{}", asked.target), "")),
        ),
        case(
            "redirect in a circle",
            3,
            "redirect",
            then(|asked, _| Act::answer(&format!("307 Temporary\r\nLocation: /scim/v2/{}", asked.n % 2), "")),
        ),
        case(
            "redirect to another host",
            3,
            "the token must not go there",
            then(|_, _| Act::answer("308 Permanent\r\nLocation: https://elsewhere.example.com/scim/v2/Users", "")),
        ),
    ];
    for (name, cut) in [
        ("cut before the answer", ""),
        ("cut in the status line", "HTTP/1."),
        ("cut in a header", "HTTP/1.1 200 OK\r\nConte"),
        ("cut before the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        ("cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
        ("cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a"),
    ] {
        cases.push(case(name, 3, "given up", then(move |_, _| Act::Bytes(cut.as_bytes().to_vec()))));
    }
    cases
}

/// What a text can hold. The markup closes what a report may have opened.
const NASTY: &str = "\0\u{7}\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}gnp.exe\u{2066}]]></failure><x a=\"'>\u{fffe}</script><script>alert(1)</script><img src=x onerror=alert(1)>\r\n::error::fake%0A\n| a | b |\n```\n<svg/onload=alert(1)>";

fn every_text(value: &mut Value, change: &dyn Fn(&str, &mut String)) {
    fn walk(key: &str, value: &mut Value, change: &dyn Fn(&str, &mut String)) {
        match value {
            Value::String(text) => change(key, text),
            Value::Array(items) => items.iter_mut().for_each(|v| walk(key, v, change)),
            Value::Object(map) => map.iter_mut().for_each(|(k, v)| walk(k, v, change)),
            _ => {}
        }
    }
    walk("", value, change);
}

/// The healthy answer, its JSON changed.
fn with_json(healthy: &Healthy, change: impl Fn(&mut Value)) -> Act {
    match serde_json::from_slice(&healthy.body) {
        Ok(mut json) => {
            change(&mut json);
            healthy.with_body(Value::to_string(&json))
        }
        Err(_) => healthy.with_body(&healthy.body),
    }
}

fn nasty_texts(healthy: &Healthy, spare: &[&str]) -> Act {
    with_json(healthy, |json| {
        every_text(json, &|key, text| {
            if !spare.contains(&key) {
                text.push_str(NASTY);
            }
        });
    })
}

/// Ids of the embedded server are replaced in answers and put back in requests.
fn ids(strange: &'static str) -> impl Fn(&Asked, &dyn Fn() -> Healthy) -> Act + Send + Sync {
    then(move |_, ask| {
        with_json(&ask(), |json| {
            every_text(json, &|key, text| {
                if key == "id" {
                    text.insert_str(0, strange);
                }
            });
        })
    })
}

fn content() -> Vec<Case> {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let long_id: &'static str = Box::leak("x".repeat(4096).into_boxed_str());
    let mut cases = vec![
        case(
            "100 MB of JSON",
            1,
            "",
            then(|_, _| {
                Act::Stream(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\nContent-Length: 104857600\r\n\r\n["
                        .to_vec(),
                    b"\"0123456789\",".repeat(5000),
                    Duration::ZERO,
                )
            }),
        )
        .playing(&FEW),
        case(
            "10 MB of JSON, many small values",
            1,
            "",
            then(|_, _| Act::answer("200 OK", "[".to_owned() + &"1,".repeat(5 << 20) + "1]")),
        )
        .playing(&FEW),
        case(
            "10 MB in one text, everywhere",
            0,
            "",
            then(|_, ask| {
                let long = format!("{{\"nickName\":\"{}\",", "x".repeat(10 << 20));
                ask().with_body_text(|text| text.replacen('{', &long, 1))
            }),
        )
        .playing(&FEW),
        case("10,000-deep JSON", 1, "", then(move |_, _| Act::answer("200 OK", &deep))),
        case(
            "invalid UTF-8",
            1,
            "",
            then(|_, ask| {
                let healthy = ask();
                let body: Vec<u8> = healthy
                    .body
                    .iter()
                    .flat_map(|b| if *b == b'@' { vec![0xff, 0xfe, b'@'] } else { vec![*b] })
                    .collect();
                healthy.with_body(body)
            }),
        ),
        case("nasty texts everywhere", 1, "", then(|_, ask| nasty_texts(&ask(), &[]))),
        case(
            "nasty texts, ids and names whole",
            1,
            "",
            then(|_, ask| nasty_texts(&ask(), &["id", "userName", "schemas", "value"])),
        ),
        case(
            "nasty attribute names",
            1,
            "",
            then(|_, ask| {
                with_json(&ask(), |json| {
                    if let Some(o) = json.as_object_mut() {
                        o.insert(NASTY.into(), NASTY.into());
                        o.insert(
                            format!("urn:ietf:params:scim:schemas:extension:enterprise:2.0:Us\u{1b}[2Jer{NASTY}"),
                            json!({ NASTY: 1 }),
                        );
                        o.insert("ürn:ïetf:params:scim:schemas:core:2.0:Üser:userName".into(), 1.into());
                        o.insert(String::new(), Value::Null);
                    }
                })
            }),
        ),
        case(
            "nasty error details",
            1,
            "",
            then(|asked, ask| {
                let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400", "scimType": NASTY, "detail": NASTY });
                if asked.writes() { Act::answer("400 Bad", body.to_string()) } else { nasty_texts(&ask(), &[]) }
            }),
        ),
        case(
            "nasty headers",
            1,
            "",
            then(|_, ask| {
                let Act::Bytes(answer) = ask().as_is() else { unreachable!() };
                let head = b"HTTP/1.1 200 \x9b31m]]>\r\nETag: \"\xe2\x80\xae</script>\x9b\"\r\nContent-Type: text/\xe2\x80\xae]]>\r\nLocation: \xe2\x80\xae\r\n";
                let rest = answer.iter().position(|b| *b == b'\n').map_or(0, |n| n + 1);
                Act::Bytes([head.to_vec(), answer[rest..].to_vec()].concat())
            }),
        ),
        case(
            "the token in every text",
            1,
            "",
            then(|_, ask| {
                with_json(&ask(), |json| {
                    every_text(json, &|_, text| text.push_str(TOKEN));
                })
            }),
        ),
        case(
            "huge numbers",
            1,
            "",
            then(|_, ask| {
                let healthy = ask();
                let text = healthy.text().replace("\"totalResults\":", "\"totalResults\":9e307,\"x\":");
                let text = text
                    .replace("\"itemsPerPage\":", "\"itemsPerPage\":-170141183460469231731687303715884105728,\"y\":");
                healthy.with_body(text.replace("\"startIndex\":", "\"startIndex\":18446744073709551615,\"z\":"))
            }),
        ),
        case(
            "numbers where texts belong",
            1,
            "",
            then(|_, ask| {
                with_json(&ask(), |json| {
                    fn walk(value: &mut Value) {
                        match value {
                            Value::String(_) => *value = json!(-1e308),
                            Value::Array(items) => items.iter_mut().for_each(walk),
                            Value::Object(map) => map.values_mut().for_each(walk),
                            _ => {}
                        }
                    }
                    walk(json);
                })
            }),
        ),
        case(
            "duplicate keys",
            1,
            "",
            then(|_, ask| {
                let healthy = ask();
                let text = healthy.text();
                healthy.with_body(
                    text.replacen('{', "{\"id\":\"first\",\"userName\":7,", 1)
                        .replace("\"active\":", "\"active\":\"x\",\"active\":"),
                )
            }),
        ),
        case("null for everything", 1, "", then(|_, _| Act::answer("200 OK", "null"))),
        case("HTML for everything", 3, "no SCIM endpoint", |_, _| {
            Act::Bytes(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\xe2\x80\xae\r\n\r\n<script>alert(1)</script>".to_vec(),
            )
        }),
        case(
            "paging without end",
            1,
            "",
            then(|asked, ask| {
                if asked.method != "GET" || !asked.target.contains("startIndex") {
                    return Act::Pass;
                }
                with_json(&ask(), |json| {
                    json["totalResults"] = json!(1_000_000_000);
                    json["Resources"] = json!([{ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": asked.n.to_string(), "userName": format!("u{}", asked.n) }]);
                    json["itemsPerPage"] = json!(1);
                })
            }),
        ),
        case(
            "an id that belongs to somebody else",
            1,
            "",
            then(|asked, ask| {
                if asked.method != "POST" {
                    return Act::Pass;
                }
                with_json(&ask(), |json| json["id"] = json!("0"))
            }),
        ),
        case(
            "Location elsewhere and no id",
            1,
            "",
            then(|asked, _| {
                if asked.method != "POST" {
                    return Act::Pass;
                }
                let body: Value = serde_json::from_str(&asked.body()).unwrap_or(Value::Null);
                Act::answer("201 Created\r\nLocation: http://evil.example.com/scim/v2/Users/1", body.to_string())
            }),
        ),
    ];
    let strange = [
        ("id with ../", "../../admin/"),
        ("id with ?", "a?b=c&d="),
        ("id with #", "a#b"),
        ("id with %", "%2e%2e%2f%00%"),
        ("id with / at both ends", "/x/"),
        ("id with a line break", "a\r\nX-Evil: 1\r\n\r\n"),
        ("id with quotes", "\"'\\\" or pr or \""),
        ("id with a NUL and an escape", "\0\u{1b}[2J"),
        ("id that is not ASCII", "ü\u{202e}💣"),
    ];
    cases.extend(strange.map(|(name, id)| case(name, 1, "", ids(id))));
    cases.push(case("id of 4 kB", 1, "", ids(long_id)));
    for (name, id) in [("every id empty", ""), ("every id a dot", "."), ("every id two dots", "..")] {
        cases.push(case(
            name,
            1,
            "",
            then(move |_, ask| {
                with_json(&ask(), |json| {
                    every_text(json, &|key, text| {
                        if key == "id" {
                            *text = id.to_owned()
                        }
                    });
                })
            }),
        ));
    }
    cases
}

fn schemas() -> Vec<Case> {
    fn document(name: &'static str, make: impl Fn() -> Value + Send + Sync + 'static) -> Case {
        case(name, 1, "", move |asked, _| {
            if asked.target.starts_with("/Schemas") { Act::answer("200 OK", make().to_string()) } else { Act::Pass }
        })
    }
    fn list(attributes: Value) -> Value {
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1, "Resources": [
            { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": "urn:ietf:params:scim:schemas:core:2.0:User", "name": NASTY, "attributes": attributes }] })
    }
    fn attribute(name: &str) -> Value {
        json!({ "name": name, "type": "string", "multiValued": false, "required": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none" })
    }
    fn nest(depth: usize) -> Value {
        (0..depth).fold(
            json!([attribute("leaf")]),
            |sub, n| json!([{ "name": format!("n{n}"), "type": "complex", "subAttributes": sub }]),
        )
    }
    vec![
        document("schema: names that are no names", || {
            list(Value::Array(
                ["ÜserName", "naïve", "\u{1b}[2J", "", " ", "a.b[c]", "💣", NASTY]
                    .iter()
                    .map(|n| attribute(n))
                    .collect(),
            ))
        }),
        document("schema: a name of 1 MB", || list(json!([attribute(&"n".repeat(1 << 20))]))),
        document("schema: 10,000 attributes", || {
            list(Value::Array((0..10_000).map(|n| attribute(&format!("a{n}"))).collect()))
        }),
        document("schema: 60 levels of sub-attributes", || list(nest(60))),
        document("schema: everything required and read-only", || {
            list(Value::Array((0..50).map(|n| json!({ "name": format!("r{n}"), "type": NASTY, "multiValued": "yes", "required": true, "mutability": "readOnly", "returned": 7, "canonicalValues": [null, 1, {}] })).collect()))
        }),
        document(
            "schema: the same id a thousand times",
            || json!({ "Resources": vec![json!({ "id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": {} }); 1000] }),
        ),
        document(
            "schema: a list of nonsense",
            || json!({ "Resources": [null, 1, "x", [], { "id": 7 }, { "id": "", "attributes": [null, 1, { "name": null }] }] }),
        ),
        case("ResourceTypes: endpoints elsewhere", 1, "", |asked, _| {
            if !asked.target.starts_with("/ResourceTypes") {
                return Act::Pass;
            }
            let one = |endpoint: &str, schema: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": endpoint, "name": NASTY, "endpoint": endpoint, "schema": schema, "schemaExtensions": [{ "schema": schema, "required": true }, null] });
            let user = "urn:ietf:params:scim:schemas:core:2.0:User";
            let all = [
                one("http://evil.example.com/Users", user),
                one("/../../admin", user),
                one("//evil.example.com/", user),
                one("", "ü"),
                one("/Users", user),
                one("/Üsers?x#y", user),
            ];
            Act::answer("200 OK", json!({ "totalResults": all.len(), "Resources": all }).to_string())
        }),
        case("ServiceProviderConfig: nonsense types", 1, "", |asked, _| {
            if !asked.target.starts_with("/ServiceProviderConfig") {
                return Act::Pass;
            }
            Act::answer("200 OK", json!({ "patch": "yes", "bulk": { "supported": 1, "maxOperations": -1 }, "filter": { "supported": true, "maxResults": -9223372036854775808_i64 }, "sort": [], "etag": null, "changePassword": { "supported": {} }, "authenticationSchemes": NASTY, "pagination": 7, "documentationUri": NASTY }).to_string())
        }),
        case("ServiceProviderConfig: absurd limits", 1, "", |asked, _| {
            if !asked.target.starts_with("/ServiceProviderConfig") {
                return Act::Pass;
            }
            Act::answer("200 OK", json!({ "patch": { "supported": true }, "bulk": { "supported": true, "maxOperations": i64::MAX, "maxPayloadSize": 1e300 }, "filter": { "supported": true, "maxResults": i64::MAX }, "sort": { "supported": true }, "etag": { "supported": true }, "changePassword": { "supported": true } }).to_string())
        }),
    ]
}

/// How many cases are played side by side: most of their time is waiting.
const AT_ONCE: usize = 2;

/// Rows of the table, in the order of the cases. All are tried before the first is complained about.
fn play(cases: Vec<Case>) -> Vec<String> {
    let only = std::env::var("SCIMPROOF_ONLY").unwrap_or_default();
    let cases: Vec<Case> = cases.into_iter().filter(|c| c.name.contains(&only)).collect();
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(at) = Some(next.fetch_add(1, Ordering::SeqCst)).filter(|at| *at < cases.len()) {
                    let (row, held) = play_one(&cases[at], !only.is_empty());
                    played.lock().expect("no thread broke").push((at, row, held));
                }
            });
        }
    });
    let mut played = played.into_inner().expect("no thread broke");
    played.sort_by_key(|(at, ..)| *at);
    let wrong: Vec<&str> = played.iter().filter(|(.., held)| !held).map(|(at, ..)| cases[*at].name).collect();
    let rows: Vec<String> = played.into_iter().map(|(_, row, _)| row).collect();
    assert!(only.is_empty(), "a part was played: {rows:#?}");
    assert!(wrong.is_empty(), "{wrong:?}");
    rows
}

/// Its row, and whether all that must hold did.
fn play_one(case: &Case, aloud: bool) -> (String, bool) {
    let evil = Evil::start(case.plan.clone());
    let held =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&evil.base, case.scenarios, case.args, LIMIT)));
    let Ok(measured) = held else { return (case.name.to_owned(), false) };
    let row = row(case.name, &measured);
    eprintln!("{row}");
    if aloud {
        eprintln!("{}{}", measured.out.stdout, measured.out.stderr);
    }
    let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        measured.check(case.name);
        let told = measured.told();
        let rules = measured.rules().join(" ");
        assert_eq!(measured.out.code, case.ends, "{}: {told}: {}", case.name, measured.out.stderr);
        assert!(told.contains(case.tells) || rules.contains(case.tells), "{}: {told} {rules}", case.name);
        assert!(measured.peak_mib < MOST_MIB, "{}: {} MiB", case.name, measured.peak_mib);
        assert!(evil.requests() < 2000, "{}: {} requests", case.name, evil.requests());
    }));
    (row, held.is_ok())
}

/// A row of the table, without addresses.
pub fn row(name: &str, measured: &Measured) -> String {
    let address = regex::Regex::new(r"(https?)://(127\.0\.0\.1|localhost):\d+").expect("a fixed pattern");
    let told = address.replace_all(&measured.told(), "$1://…").replace('|', "\\|");
    let told: String = told.chars().take(150).collect();
    let (code, took) = (measured.out.code, measured.took.as_secs_f64());
    format!("| {name} | {code} | {told} | {took:.1} s | {} MiB |", measured.peak_mib)
}

#[test]
fn broken_transport() {
    golden_doc("transport", &play(transport()));
}

#[test]
fn evil_content() {
    golden_doc("content", &play(content()));
}

#[test]
fn evil_schemas() {
    golden_doc("schemas", &play(schemas().into_iter().map(|c| c.playing(&DISCOVERY)).collect()));
}

/// Redirects, locations and references name another host: nobody calls there.
#[test]
fn the_token_goes_to_no_other_host() {
    let calls = Arc::new(AtomicUsize::new(0));
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = elsewhere.local_addr().expect("an address");
    let counted = calls.clone();
    std::thread::spawn(move || elsewhere.incoming().for_each(|_| _ = counted.fetch_add(1, Ordering::SeqCst)));
    for status in ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"] {
        let evil = Evil::start(Arc::new(then(move |asked, _| {
            Act::answer(&format!("{status}\r\nLocation: http://{address}/scim/v2{}", asked.target), "")
        })));
        let measured = run(&evil.base, &SCENARIOS[..3], &[], LIMIT);
        measured.check(status);
        assert_eq!(measured.out.code, 3, "{status}: {:?}", measured.out);
        assert!(measured.told().contains("redirect"), "{status}: {}", measured.told());
    }
    let evil = Evil::start(Arc::new(move |asked: &Asked, ask: &dyn Fn() -> Healthy| {
        let healthy = ask();
        let text = healthy.text().replace("http://127.0.0.1:", &format!("http://{address}/"));
        let Act::Bytes(bytes) = healthy.with_body(text) else { unreachable!() };
        let at = bytes.iter().position(|b| *b == b'\n').map_or(0, |n| n + 1);
        let location = format!("Location: http://{address}{}\r\nLink: <http://{address}/>; rel=next\r\n", asked.target);
        Act::Bytes([&bytes[..at], location.as_bytes(), &bytes[at..]].concat())
    }));
    run(&evil.base, &SCENARIOS, &[], LIMIT).check("references elsewhere");
    assert_eq!(calls.load(Ordering::SeqCst), 0, "somebody called there");
}

/// A change is made, and in place of an answer the connection ends: asked again, the server answers, and nothing is wrong with it.
#[test]
fn a_change_whose_first_answer_is_lost_accuses_nobody() {
    let changes = AtomicUsize::new(0);
    let evil = Evil::start(Arc::new(move |asked: &Asked, ask: &dyn Fn() -> Healthy| {
        let change = matches!(asked.method.as_str(), "PUT" | "PATCH");
        if change && changes.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            ask();
            return Act::Bytes(Vec::new());
        }
        Act::Pass
    }));
    let played = ["okta/group-push-rename", "okta/profile-update", "entra/group-rename", "rfc/patch-projection"];
    let measured = run(&evil.base, &played, &[], LIMIT);
    measured.check("lost answers");
    assert_eq!(measured.out.code, 0, "{} {:?}", measured.told(), measured.rules());
}

/// What was made twice because its first answer was lost is not left behind.
#[test]
fn nothing_is_left_of_creates_whose_first_answer_is_lost() {
    let creates = AtomicUsize::new(0);
    let evil = Evil::start(Arc::new(move |asked: &Asked, ask: &dyn Fn() -> Healthy| {
        let create = asked.method == "POST" && asked.target.starts_with("/Groups");
        if create && creates.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            ask();
            return Act::Bytes(Vec::new());
        }
        Act::Pass
    }));
    let measured = run(&evil.base, &["okta/group-push-rename", "entra/group-create"], &[], LIMIT);
    measured.check("lost answers to creates");
    assert_eq!(measured.desk.json("r.json")["left_behind"], json!([]), "{}", measured.out.stdout);
    let (status, list) = crate::tool::ask(&evil.base, "GET", "/Groups", "");
    assert_eq!((status, &list["totalResults"]), (200, &json!(0)), "{list}");
}
