//! No secret leaves: the real binary with every kind of credentials, every report, servers that repeat what they were sent, and
//! everything that can go wrong; then all that was written anywhere is searched for each secret in each spelling.

#[path = "support/going.rs"]
mod going;
#[path = "secrets_parts/mirror.rs"]
mod mirror;
mod support;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use going::{End, Going, call};
use mirror::Mirror;
use scimproof::exchange::AuthKind;
use scimproof::server::Options;
use std::path::Path;
use support::site::Site;
use tempfile::TempDir;

const TOKEN: &str = "Bq7+bearer/t0ken~x==";
const OTHER: &str = "Bq7+second/tenant~y==";
const USER: &str = "someone";
const PASSWORD: &str = "Bq7:pass word&\"q\"/+'é";
const KEY: &str = "Bq7+api/key\\z<&>";
const CLIENT: &str = "the client/1";
const SECRET: &str = "Bq7+client/secret:&=%\"";
const REFRESH: &str = "Bq7+refresh/t0ken&=";

/// How a secret may look in a file.
fn spellings(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let json = serde_json::Value::from(secret).to_string();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html_quotes = html.replace('"', "&quot;").replace('\'', "&#x27;");
    let xml_quotes = html.replace('"', "&quot;").replace('\'', "&apos;");
    let twice = serde_json::Value::from(json.trim_matches('"')).to_string();
    let base64 = STANDARD.encode(secret).trim_end_matches('=').to_owned();
    let url_safe = URL_SAFE.encode(secret).trim_end_matches('=').to_owned();
    vec![
        secret.to_owned(),
        form,
        percent.to_ascii_lowercase(),
        percent.replace('%', "%25"),
        percent,
        json.trim_matches('"').to_owned(),
        twice.trim_matches('"').to_owned(),
        html,
        html_quotes,
        xml_quotes,
        base64,
        url_safe,
    ]
}

/// Everything in a folder and below, by name.
fn files(folder: &Path, out: &mut Vec<(String, String)>) {
    for path in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        if path.is_dir() {
            files(&path, out);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
            out.push((path.display().to_string(), text));
        }
    }
}

/// A folder to run in; what the test itself writes is in another one.
struct Desk {
    here: TempDir,
    safe: TempDir,
}

/// Every report, and everything that a terminal can show.
const LOUD: [&str; 14] = [
    "--json",
    "r.json",
    "--junit",
    "r.xml",
    "--html",
    "r.html",
    "--markdown",
    "r.md",
    "--github",
    "--show-http",
    "--verbose",
    "--keep",
    "--seed",
    "1",
];

/// Cases that find something, sign wrongly on purpose, and send passwords.
const SCENARIOS: [&str; 5] =
    ["okta/deactivate-user", "okta/invalid-token", "okta/password-sync", "rfc/auth", "okta/create-conflict"];

impl Desk {
    fn new() -> Self {
        Self { here: tempfile::tempdir().expect("a folder"), safe: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.safe.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    fn args(base: &str, flags: &[&str]) -> Vec<String> {
        let mut args = vec!["run".to_owned()];
        args.extend(SCENARIOS.map(|s| format!("{}/scenarios/{s}.yaml", env!("CARGO_MANIFEST_DIR"))));
        args.extend(["--base-url", base, "--timeout", "5"].map(str::to_owned));
        args.extend(LOUD.iter().chain(flags).map(|s| (*s).to_owned()));
        args
    }

    fn start(&self, base: &str, flags: &[&str], env: &[(&str, &str)]) -> Going {
        let args = Self::args(base, flags);
        Going::start(self.here.path(), &args.iter().map(String::as_str).collect::<Vec<_>>(), env)
    }

    fn run(&self, base: &str, flags: &[&str], env: &[(&str, &str)]) -> End {
        self.start(base, flags, env).end()
    }

    /// Searches all that was written; `reports` is how many files there must be at least, so that nothing is searched in vain.
    fn search(&self, what: &str, end: &End, secrets: &[&str], reports: usize) {
        let mut places = vec![("stdout".to_owned(), end.stdout.clone()), ("stderr".to_owned(), end.stderr.clone())];
        files(self.here.path(), &mut places);
        assert!(places.len() >= 2 + reports, "{what}: {:?}", places.iter().map(|p| &p.0).collect::<Vec<_>>());
        for (place, text) in &places {
            let changed = |secret: &&str| AuthKind::CHANGED.map(|kind| kind.change(secret));
            let changed: Vec<String> = secrets.iter().flat_map(changed).flatten().collect();
            for secret in secrets.iter().copied().chain(changed.iter().map(String::as_str)) {
                for spelling in spellings(secret) {
                    if let Some(at) = text.find(&spelling) {
                        let from = text[..at].char_indices().rev().nth(120).map_or(0, |(i, _)| i);
                        panic!("{what}: {secret} as {spelling} in {place}: …{}…", &text[from..at + spelling.len()]);
                    }
                }
            }
        }
    }
}

/// What it is, flags, environment, and what must not be seen.
type Fixed = (&'static str, Vec<String>, Vec<(&'static str, String)>, Vec<String>);

/// Every kind of fixed credentials.
fn fixed(desk: &Desk) -> Vec<Fixed> {
    let token_file = desk.file("token", &format!("{TOKEN}\n"));
    let pair = format!("{USER}:{PASSWORD}");
    let (other_file, pair_file) = (desk.file("other", &format!("{OTHER}\n")), desk.file("pair", &format!("{pair}\n")));
    let key_file = desk.file("key", &format!("{KEY}\n"));
    let flags = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let token = || vec![TOKEN.to_owned()];
    vec![
        ("bearer from a variable", flags(&["--token-env", "T"]), vec![("T", TOKEN.into())], token()),
        ("bearer from a file", flags(&["--token-file", &token_file]), vec![], token()),
        ("bearer from a command", flags(&["--token-command", "echo \"$T\""]), vec![("T", TOKEN.into())], token()),
        (
            "two tenants",
            flags(&["--token-env", "T", "--other-token-env", "O"]),
            vec![("T", TOKEN.into()), ("O", OTHER.into())],
            vec![TOKEN.into(), OTHER.into()],
        ),
        (
            "two tenants, one from a file",
            flags(&["--token-env", "T", "--other-token-file", &other_file]),
            vec![("T", TOKEN.into())],
            vec![TOKEN.into(), OTHER.into()],
        ),
        (
            "two tenants, one from a command",
            flags(&["--token-env", "T", "--other-token-command", "echo \"$O\""]),
            vec![("T", TOKEN.into()), ("O", OTHER.into())],
            vec![TOKEN.into(), OTHER.into()],
        ),
        ("basic from a file", flags(&["--basic-file", &pair_file]), vec![], vec![PASSWORD.into(), pair.clone()]),
        (
            "basic from a command",
            flags(&["--basic-command", "printf '%s\\n' \"$P\""]),
            vec![("P", pair.clone())],
            vec![PASSWORD.into(), pair.clone()],
        ),
        ("a header from a file", flags(&["--header-file", &format!("X-Api-Key:{key_file}")]), vec![], vec![KEY.into()]),
        (
            "a header from a command",
            flags(&["--header-command", "X-Api-Key:printf '%s\\n' \"$K\""]),
            vec![("K", KEY.into())],
            vec![KEY.into()],
        ),
        ("basic", flags(&["--basic-env", "P"]), vec![("P", pair.clone())], vec![PASSWORD.into(), pair]),
        ("a header", flags(&["--header-env", "X-Api-Key:K"]), vec![("K", KEY.into())], vec![KEY.into()]),
        (
            "a header beside a token",
            flags(&["--token-env", "T", "--header-env", "X-Tenant:K"]),
            vec![("T", TOKEN.into()), ("K", KEY.into())],
            vec![TOKEN.into(), KEY.into()],
        ),
        // Against all advice; the reports must not make it worse.
        (
            "a header on the command line",
            flags(&["--header", &format!("Authorization: Bearer {TOKEN}")]),
            vec![],
            token(),
        ),
    ]
}

fn borrowed(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

fn pairs<'a>(env: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    env.iter().map(|(k, v)| (*k, v.as_str())).collect()
}

#[test]
fn fixed_credentials_at_a_server_with_a_bug() {
    let options = Options {
        token: Some(TOKEN.into()),
        other_token: Some(OTHER.into()),
        basic: Some((USER.into(), PASSWORD.into())),
        api_key: Some(("X-Api-Key".into(), KEY.into())),
        faults: vec!["patch-active-ignored".into()],
        ..Options::default()
    };
    let site = Site::start(options, false);
    let desk = Desk::new();
    let ca = desk.file("ca.pem", &site.authority.pem());
    for (what, flags, env, secrets) in fixed(&desk) {
        let here = Desk::new();
        let flags = [&borrowed(&flags)[..], &["--ca-file", &ca]].concat();
        let end = here.run(&site.server.base_url(), &flags, &pairs(&env));
        assert_eq!(end.code, 1, "{what}: {end:?}");
        assert!(end.stdout.contains("again") && end.stdout.contains("curl"), "{what}: {end:?}");
        // Four reports and the journal of what was kept.
        here.search(what, &end, &borrowed(&secrets), 5);
        site.server.reset();
    }
}

#[test]
fn fixed_credentials_at_a_server_that_repeats_them() {
    let mirror = Mirror::start();
    let desk = Desk::new();
    for (what, flags, env, secrets) in fixed(&desk) {
        let here = Desk::new();
        let end = here.run(&mirror.base, &borrowed(&flags), &pairs(&env));
        assert!([1, 3].contains(&end.code), "{what}: {end:?}");
        assert!(end.stdout.contains("[secret]"), "{what}: nothing was repeated: {end:?}");
        here.search(what, &end, &borrowed(&secrets), 4);
        for command in ["diagnose", "clean"] {
            let mut args = vec![command, "--base-url", mirror.base.as_str()];
            args.extend(borrowed(&flags));
            args.extend(["User not found"].iter().filter(|_| command == "diagnose"));
            let end = call(here.here.path(), &args, &pairs(&env));
            here.search(&format!("{command} with {what}"), &end, &borrowed(&secrets), 0);
        }
    }
    // A password in the address, a token in its query.
    for (what, base, secret) in [
        ("an address with a password", mirror.base.replace("://", "://me:Bq7secret%2Fpw@"), "Bq7secret/pw"),
        ("an address with a token", format!("{}?token=Bq7secret%2Ftok", mirror.base), "Bq7secret/tok"),
    ] {
        let here = Desk::new();
        let end = here.run(&base, &[], &[]);
        here.search(what, &end, &[secret], 4);
    }
}

/// What every OAuth mode is given.
fn oauth<'a>(token_url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = ["--oauth-token-url", token_url, "--oauth-client-id", CLIENT, "--oauth-client-secret-env", "S"];
    base.iter().chain(more).copied().collect()
}

#[test]
fn fetched_tokens_at_a_server_with_a_bug() {
    let options = Options {
        client: Some((CLIENT.into(), SECRET.into())),
        token_life: std::time::Duration::from_secs(1),
        faults: vec!["patch-active-ignored".into()],
        ..Options::default()
    };
    let site = Site::start(options, false);
    let url = site.server.token_url();
    let authorize = site.server.authorize_url();
    for (what, more) in [
        ("client credentials", vec![]),
        ("client credentials as basic ones", vec!["--oauth-client-auth", "basic"]),
        ("a refresh token", vec!["--oauth-refresh-token-env", "R"]),
        ("an authorization code", vec!["--oauth-authorize-url", authorize.as_str()]),
    ] {
        let desk = Desk::new();
        let ca = desk.file("ca.pem", &site.authority.pem());
        let saved = desk.safe.path().join("saved").display().to_string();
        let mut flags = oauth(&url, &more);
        flags.extend(["--ca-file", &ca]);
        if what.starts_with("an auth") {
            flags.extend(["--oauth-save-refresh-token", &saved]);
        }
        let refresh = site.server.grant_refresh_token();
        let mut going = desk.start(&site.server.base_url(), &flags, &[("S", SECRET), ("R", &refresh)]);
        if what.starts_with("an auth") {
            let back = site.browse(&going.address(), "allow");
            site.get(back.as_str());
        }
        let end = going.end();
        assert_eq!(end.code, 1, "{what}: {end:?}");
        let given = site.server.given_out();
        assert!(given.len() >= 2);
        let basic = format!("{}:{}", percent(CLIENT), percent(SECRET));
        let pair = format!("{CLIENT}:{SECRET}");
        let secrets: Vec<&str> = given.iter().map(String::as_str).chain([SECRET, &refresh, &basic, &pair]).collect();
        desk.search(what, &end, &secrets, 5);
        site.server.reset();
    }
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[test]
fn fetched_tokens_at_a_server_that_repeats_them() {
    let mirror = Mirror::start();
    let all = [SECRET, REFRESH, mirror::ACCESS, mirror::NEXT_REFRESH];
    for place in ["body", "basic"] {
        for (what, url, more) in [
            ("client credentials", &mirror.token_url, vec![]),
            ("a refresh token", &mirror.token_url, vec!["--oauth-refresh-token-env", "R"]),
            ("refused client credentials", &mirror.refusing_url, vec![]),
            ("a refused refresh token", &mirror.refusing_url, vec!["--oauth-refresh-token-env", "R"]),
            ("a token endpoint that is a page", &mirror.page_url, vec!["--oauth-refresh-token-env", "R"]),
            ("a token endpoint that is an API", &mirror.base, vec!["--oauth-refresh-token-env", "R"]),
        ] {
            let env = [("S", SECRET), ("R", REFRESH)];
            let flags = [&oauth(url, &more)[..], &["--oauth-client-auth", place]].concat();
            let desk = Desk::new();
            let end = desk.run(&mirror.base, &flags, &env);
            assert_ne!(end.code, 0, "{what}: {end:?}");
            let reports = if url == &mirror.token_url { 4 } else { 0 };
            desk.search(what, &end, &all, reports);
            for command in ["diagnose", "clean"] {
                let mut args = vec![command, "--base-url", mirror.base.as_str()];
                args.extend(&flags);
                args.extend(["User not found"].iter().filter(|_| command == "diagnose"));
                let end = call(desk.here.path(), &args, &env);
                desk.search(&format!("{command} with {what}"), &end, &all, 0);
            }
        }
    }
}

#[test]
fn a_token_endpoint_that_repeats_a_code() {
    let mirror = Mirror::start();
    let desk = Desk::new();
    let flags = oauth(&mirror.refusing_url, &["--oauth-authorize-url", mirror.page_url.as_str()]);
    let mut going = desk.start(&mirror.base, &flags, &[("S", SECRET)]);
    let address = url::Url::parse(&going.address()).expect("an address");
    let field = |name: &str| address.query_pairs().find(|(k, _)| k == name).expect("a field").1.into_owned();
    let code = "Bq7+code/x&=";
    let back = format!("{}?code={}&state={}", field("redirect_uri"), percent(code), field("state"));
    Mirror::visit(&back);
    let end = going.end();
    assert_eq!(end.code, 3, "{end:?}");
    assert!(end.stderr.contains("[secret]"), "{end:?}");
    desk.search("a code", &end, &[SECRET, code], 0);
}

#[test]
fn keys_of_client_certificates() {
    let site = Site::start(Options { faults: vec!["patch-active-ignored".into()], ..Options::default() }, true);
    let pem = site.client_pem();
    let key: Vec<&str> = pem.lines().rev().filter(|l| !l.starts_with("-----")).take(2).collect();
    let desk = Desk::new();
    let (ca, cert) = (desk.file("ca.pem", &site.authority.pem()), desk.file("client.pem", &pem));
    let end = desk.run(&site.server.base_url(), &["--ca-file", &ca, "--client-cert", &cert], &[]);
    assert_eq!(end.code, 1, "{end:?}");
    desk.search("a client certificate", &end, &key, 5);
    // Broken in the middle: the message must not quote it.
    let broken = desk.file("broken.pem", &pem.replace("-----END PRIVATE KEY-----", "-----END"));
    let end = desk.run(&site.server.base_url(), &["--ca-file", &ca, "--client-cert", &broken], &[]);
    assert_eq!(end.code, 2, "{end:?}");
    desk.search("a broken key", &end, &key, 5);
}

#[test]
fn secrets_that_cannot_be_used() {
    for (what, flags, env) in [
        ("two lines", vec!["--token-env", "X"], "Bq7secret\nBq7second"),
        ("a token with its scheme", vec!["--token-env", "X"], "Bearer Bq7secret"),
        ("a token that no header carries", vec!["--token-env", "X"], "Bq7secret\u{7f}é"),
        ("a pair without a colon", vec!["--basic-env", "X"], "Bq7secret"),
        ("a secret in place of a name", vec!["--token-file", "/nowhere/at/all"], "Bq7secret"),
        ("a command that fails", vec!["--token-command", "echo $X; exit 3"], "Bq7secret"),
        ("a pair without a colon from a command", vec!["--basic-command", "echo $X"], "Bq7secret"),
        ("a command for a header that fails", vec!["--header-command", "X-Key:echo $X; exit 3"], "Bq7secret"),
        ("a command for another token that fails", vec!["--other-token-command", "echo $X; exit 3"], "Bq7secret"),
    ] {
        let desk = Desk::new();
        let end = desk.run("http://127.0.0.1:9/scim", &flags, &[("X", env)]);
        assert_eq!(end.code, 2, "{what}: {end:?}");
        desk.search(what, &end, &["Bq7secret", "Bq7second"], 0);
    }
    let desk = Desk::new();
    for text in
        ["[auth]\ntoken = \"Bq7secret\"\n", "[auth.oauth]\nclient_secret = \"Bq7secret\"\n", "token = 'Bq7secret"]
    {
        let file = desk.file("bad.toml", text);
        let end = call(desk.here.path(), &["run", "--config", &file], &[]);
        assert_eq!(end.code, 2, "{end:?}");
        desk.search(text, &end, &["Bq7secret"], 0);
    }
}

/// The search itself: it sees each spelling, or all of the above would prove nothing.
#[test]
fn the_search_finds_what_is_there() {
    for secret in [TOKEN, PASSWORD, KEY, SECRET, REFRESH] {
        for spelling in spellings(secret) {
            let end = End { code: 0, stdout: format!("a {spelling} b"), stderr: String::new() };
            let found = std::panic::catch_unwind(|| Desk::new().search("x", &end, &[secret], 0));
            assert!(found.is_err(), "{spelling}");
        }
    }
}
