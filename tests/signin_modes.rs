//! Every way to sign in, with the real binary against the embedded server behind TLS: it works, it survives the end of a token in
//! mid-run, and a refusal ends in a sentence that says what to change.

#[path = "support/going.rs"]
mod going;
mod support;

use going::{End, Going, call};
use scimproof::server::Options;
use std::path::Path;
use std::time::Duration;
use support::site::Site;
use tempfile::TempDir;

const TOKEN: &str = "m0des-bearer+t0ken/x=";
const USER: &str = "scim user";
const PASSWORD: &str = "m0des:pass word/+";
const KEY: &str = "m0des-api-key";
const CLIENT: &str = "client 1";
const SECRET: &str = "m0des+client/secret:&=";

/// A case of each sort that writes; as files, so that nothing else is loaded.
const SCENARIOS: [&str; 3] = ["okta/deactivate-user", "rfc/put-user", "entra/create-user"];

/// A server that takes credentials of every kind.
fn options() -> Options {
    Options {
        token: Some(TOKEN.into()),
        basic: Some((USER.into(), PASSWORD.into())),
        api_key: Some(("X-Api-Key".into(), KEY.into())),
        client: Some((CLIENT.into(), SECRET.into())),
        ..Options::default()
    }
}

/// So slow that a run takes two seconds at least, and things can happen in its middle.
fn slow() -> Options {
    Options { latency: Some(Duration::from_millis(15)), ..options() }
}

/// A site, a folder to run in, and one beside it for what is not looked at.
struct Bench {
    site: Site,
    desk: TempDir,
    safe: TempDir,
}

impl Bench {
    fn new(options: Options) -> Self {
        Self::over(Site::start(options, false))
    }

    fn over(site: Site) -> Self {
        let safe = tempfile::tempdir().unwrap();
        std::fs::write(safe.path().join("ca.pem"), site.authority.pem()).unwrap();
        Self { site, desk: tempfile::tempdir().unwrap(), safe }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.safe.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn args(&self, more: &[&str]) -> Vec<String> {
        let mut args = vec!["run".to_owned()];
        args.extend(SCENARIOS.map(|s| format!("{}/scenarios/{s}.yaml", env!("CARGO_MANIFEST_DIR"))));
        let ca = self.safe.path().join("ca.pem").display().to_string();
        args.extend(["--base-url".into(), self.site.server.base_url(), "--ca-file".into(), ca]);
        args.extend(["--seed", "1", "--json", "r.json", "--timeout", "5"].map(str::to_owned));
        args.extend(more.iter().map(|s| (*s).to_owned()));
        args
    }

    fn start(&self, more: &[&str], env: &[(&str, &str)]) -> Going {
        let args = self.args(more);
        Going::start(self.desk.path(), &args.iter().map(String::as_str).collect::<Vec<_>>(), env)
    }

    fn run(&self, more: &[&str], env: &[(&str, &str)]) -> End {
        self.start(more, env).end()
    }

    /// The flags that every OAuth mode has.
    fn oauth(&self, more: &[&str]) -> Vec<String> {
        let url = self.site.server.token_url();
        let flags = ["--oauth-token-url", &url, "--oauth-client-id", CLIENT, "--oauth-client-secret-env", "SECRET"];
        flags.iter().chain(more).map(|s| (*s).to_owned()).collect()
    }

    fn start_oauth(&self, more: &[&str], env: &[(&str, &str)]) -> Going {
        let flags = self.oauth(more);
        let env: Vec<(&str, &str)> = [("SECRET", SECRET)].iter().chain(env).copied().collect();
        self.start(&flags.iter().map(String::as_str).collect::<Vec<_>>(), &env)
    }

    fn report(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.desk.path().join("r.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the run has made somebody.
    fn in_the_middle(&self, going: &mut Going) {
        going.until("a user", |_| self.site.server.counts().0 > 0);
    }
}

fn clean(end: &End) {
    assert_eq!(end.code, 0, "{end:?}");
}

/// The run could not begin, and says why.
fn refused(end: &End, words: &[&str]) {
    assert_eq!(end.code, 3, "{end:?}");
    for word in words {
        assert!(end.stderr.contains(word), "{word} in {}", end.stderr);
    }
    assert!(!end.stderr.contains(SECRET) && !end.stderr.contains(PASSWORD), "{}", end.stderr);
}

#[test]
fn fixed_credentials_from_everywhere() {
    let bench = Bench::new(options());
    let file = bench.file("token", &format!("{TOKEN}\n"));
    let pair = format!("{USER}:{PASSWORD}");
    for (flags, env) in [
        (vec!["--token-env", "T"], vec![("T", TOKEN)]),
        (vec!["--token-file", &file], vec![]),
        (vec!["--token-command", "printf '%s\\n' \"$T\""], vec![("T", TOKEN)]),
        (vec!["--basic-env", "PAIR"], vec![("PAIR", pair.as_str())]),
        (vec!["--header-env", "X-Api-Key:KEY"], vec![("KEY", KEY)]),
    ] {
        clean(&bench.run(&flags, &env));
        bench.site.server.reset();
    }
}

#[test]
fn wrong_fixed_credentials_are_told_and_nothing_is_played() {
    let bench = Bench::new(options());
    for (flags, env) in [
        (["--token-env", "X"], ("X", "an0ther-secret")),
        (["--basic-env", "X"], ("X", "scim user:an0ther-secret")),
        (["--header-env", "X-Api-Key:X"], ("X", "an0ther-secret")),
    ] {
        let end = bench.run(&flags, &[env]);
        assert_eq!(end.code, 4, "{end:?}");
        assert!(end.stdout.contains("the target refuses the credentials"), "{end:?}");
        assert!(!format!("{end:?}").contains("an0ther"), "{end:?}");
        // What is about access is played all the same, and finds it.
        let access = format!("{}/scenarios/okta/connection-test.yaml", env!("CARGO_MANIFEST_DIR"));
        let end = bench.run(&[&[access.as_str()], &flags[..]].concat(), &[env]);
        assert_eq!(end.code, 1, "{end:?}");
        assert!(end.stdout.contains("auth/valid-token-refused"), "{end:?}");
    }
    assert_eq!(bench.site.server.counts(), (0, 0));
}

#[test]
fn fixed_credentials_that_end_in_mid_run_are_told_once() {
    let pair = format!("{USER}:{PASSWORD}");
    for (flags, env) in [
        (["--token-env", "X"], ("X", TOKEN)),
        (["--basic-env", "X"], ("X", pair.as_str())),
        (["--header-env", "X-Api-Key:X"], ("X", KEY)),
    ] {
        let bench = Bench::new(slow());
        let mut going = bench.start(&flags, &[env]);
        bench.in_the_middle(&mut going);
        bench.site.server.lock_out(true);
        let end = going.end();
        assert_eq!(end.code, 1, "{end:?}");
        let report = bench.report();
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().any(|f| f["rule"] == "auth/valid-token-refused"), "{findings:?}");
        assert!(!report["left_behind"].as_array().unwrap().is_empty(), "what was made could not be deleted");
        // What is left can be cleaned up when the credentials count again.
        bench.site.server.lock_out(false);
        let ca = bench.safe.path().join("ca.pem").display().to_string();
        let args = ["clean", "--base-url", &bench.site.server.base_url(), "--ca-file", &ca, flags[0], flags[1]];
        clean(&call(bench.desk.path(), &args, &[env]));
        assert_eq!(bench.site.server.counts(), (0, 0));
    }
}

#[test]
fn a_client_certificate() {
    let bench = Bench::over(Site::start(Options { latency: slow().latency, ..Options::default() }, true));
    let pem = bench.file("client.pem", &bench.site.client_pem());
    clean(&bench.run(&["--client-cert", &pem], &[]));
    let (cert, key) = bench.site.authority.issue("client.example.com", false);
    let (cert, key) = (bench.file("cert.pem", &cert), bench.file("key.pem", &key));
    clean(&bench.run(&["--client-cert", &cert, "--client-key", &key], &[]));
    // None at all, one that nobody knows, one that has run out.
    let strange = support::tls::Authority::new().issue("client.example.com", false);
    let late = bench.site.authority.issue("client.example.com", true);
    let strange = bench.file("strange.pem", &format!("{}{}", strange.0, strange.1));
    let late = bench.file("late.pem", &format!("{}{}", late.0, late.1));
    for flags in [vec![], vec!["--client-cert", &strange], vec!["--client-cert", &late]] {
        let end = bench.run(&flags, &[]);
        assert_eq!(end.code, 3, "{flags:?} {end:?}");
        let told = format!("{}{}", end.stdout, end.stderr).to_lowercase();
        assert!(told.contains("certificate") || told.contains("tls"), "{told}");
    }
    // In mid-run nobody is let in any more.
    let mut going = bench.start(&["--client-cert", &pem], &[]);
    bench.in_the_middle(&mut going);
    bench.site.close();
    let end = going.end();
    assert_eq!(end.code, 3, "{end:?}");
}

#[test]
fn client_credentials() {
    let bench = Bench::new(options());
    let file = bench.file("secret", SECRET);
    for flags in [
        vec!["--oauth-client-secret-env", "SECRET"],
        vec!["--oauth-client-secret-file", &file],
        vec!["--oauth-client-secret-command", "printf %s \"$SECRET\"", "--oauth-client-auth", "body"],
        vec!["--oauth-client-secret-env", "SECRET", "--oauth-client-auth", "basic"],
    ] {
        let url = bench.site.server.token_url();
        let all = [&["--oauth-token-url", &url, "--oauth-client-id", CLIENT][..], &flags].concat();
        clean(&bench.run(&all, &[("SECRET", SECRET)]));
        bench.site.server.reset();
    }
    for place in ["body", "basic"] {
        let end = bench.start_oauth(&["--oauth-client-auth", place], &[("SECRET", "wr0ng-secret")]).end();
        refused(&end, &["status 401, `invalid_client`", "Check client id and secret"]);
        assert!(!format!("{end:?}").contains("wr0ng-secret"), "{end:?}");
    }
    let end = bench.run(
        &[
            "--oauth-token-url",
            &bench.site.server.base_url(),
            "--oauth-client-id",
            CLIENT,
            "--oauth-client-secret-env",
            "S",
        ],
        &[("S", SECRET)],
    );
    refused(&end, &["without saying why"]);
    let end = bench.run(&["--oauth-token-url", &bench.site.server.token_url(), "--oauth-client-id", CLIENT], &[]);
    assert_eq!((end.code, end.stderr.contains("--oauth-client-secret-env")), (2, true), "{end:?}");
}

/// A run in whose middle every access token ends: by the clock, and by an administrator. Both times a new one is fetched.
fn survives(start: impl Fn(&Bench) -> Going) {
    let bench = Bench::new(Options { token_life: Duration::from_secs(1), ..slow() });
    clean(&start(&bench).end());
    assert!(bench.site.server.tokens_issued() > 1, "the run was shorter than the life of a token");
    let bench = Bench::new(Options { life_is_told: false, ..slow() });
    let mut going = start(&bench);
    bench.in_the_middle(&mut going);
    bench.site.server.revoke_access_tokens();
    clean(&going.end());
    assert_eq!(bench.site.server.tokens_issued(), 2);
}

#[test]
fn client_credentials_outlive_their_tokens() {
    survives(|bench| bench.start_oauth(&[], &[]));
}

#[test]
fn a_refresh_token_from_everywhere() {
    let bench = Bench::new(options());
    let refresh = || bench.site.server.grant_refresh_token();
    let saved = bench.safe.path().join("saved").display().to_string();
    let file = bench.file("refresh", &refresh());
    clean(&bench.start_oauth(&["--oauth-refresh-token-env", "R"], &[("R", &refresh())]).end());
    let line = ["--oauth-refresh-token-command", "echo $R", "--oauth-client-auth", "basic"];
    clean(&bench.start_oauth(&line, &[("R", &refresh())]).end());
    clean(&bench.start_oauth(&["--oauth-refresh-token-file", &file, "--oauth-save-refresh-token", &saved], &[]).end());
    // The server takes each refresh token once, so only what was saved is of use.
    let end = bench.start_oauth(&["--oauth-refresh-token-file", &file], &[]).end();
    refused(&end, &["`invalid_grant`", "sign in anew"]);
    for _ in 0..2 {
        let again = ["--oauth-refresh-token-file", &saved, "--oauth-save-refresh-token", &saved];
        clean(&bench.start_oauth(&again, &[]).end());
    }
    private(Path::new(&saved));
}

#[test]
fn a_refresh_token_outlives_access_tokens_and_is_followed() {
    survives(|bench| {
        let refresh = bench.site.server.grant_refresh_token();
        bench.start_oauth(&["--oauth-refresh-token-env", "R"], &[("R", &refresh)])
    });
    let bench = Bench::new(Options { life_is_told: false, ..slow() });
    let refresh = bench.site.server.grant_refresh_token();
    let mut going = bench.start_oauth(&["--oauth-refresh-token-env", "R"], &[("R", &refresh)]);
    bench.in_the_middle(&mut going);
    bench.site.server.revoke_refresh_tokens();
    bench.site.server.revoke_access_tokens();
    let end = going.end();
    assert_ne!(end.code, 0, "{end:?}");
    let told = format!("{}{}", end.stdout, end.stderr);
    assert!(told.contains("invalid_grant") && told.contains("sign in anew"), "{told}");
}

/// Only its owner can read it.
fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(path.is_file());
}

fn start_browser(bench: &Bench, more: &[&str]) -> Going {
    let url = bench.site.server.authorize_url();
    bench.start_oauth(&[&["--oauth-authorize-url", &url][..], more].concat(), &[])
}

/// Starts a sign-in and answers in the browser as `decision` says.
fn browsed(bench: &Bench, more: &[&str], decision: &str) -> Going {
    let mut going = start_browser(bench, more);
    let back = bench.site.browse(&going.address(), decision);
    assert_eq!(bench.site.get(back.as_str()).status(), 200);
    going
}

#[test]
fn an_authorization_code() {
    let bench = Bench::new(options());
    let end = browsed(&bench, &["--oauth-scope", "scim offline_access"], "allow").end();
    clean(&end);
    assert!(!end.stdout.contains("code_challenge"), "standard output is the report's: {}", end.stdout);
    let saved = bench.safe.path().join("saved").display().to_string();
    let redirect = ["--oauth-redirect-url", "http://localhost/cb", "--oauth-save-refresh-token", &saved];
    clean(&browsed(&bench, &redirect, "allow").end());
    private(Path::new(&saved));
    // It is good for the next run, in which nobody sits at a browser.
    clean(&bench.start_oauth(&["--oauth-refresh-token-file", &saved], &[]).end());
}

#[test]
fn an_authorization_code_outlives_access_tokens() {
    survives(|bench| browsed(bench, &[], "allow"));
}

#[test]
fn a_person_who_says_no() {
    let bench = Bench::new(options());
    let saved = bench.safe.path().join("saved").display().to_string();
    let end = browsed(&bench, &["--oauth-save-refresh-token", &saved], "deny").end();
    refused(&end, &["`access_denied`: The person at the browser said no", "Consent was denied"]);
    assert!(!Path::new(&saved).exists());
    assert_eq!(bench.site.server.tokens_issued(), 0);
}

#[test]
fn an_answer_that_was_not_asked_for() {
    let bench = Bench::new(options());
    let mut going = start_browser(&bench, &[]);
    let mut back = bench.site.browse(&going.address(), "allow");
    // Browsers ask for other things as well; they are no answer.
    assert_eq!(bench.site.get(back.join("/favicon.ico").unwrap().as_str()).status(), 404);
    let forged = back.query().unwrap().replace("state=", "state=x");
    back.set_query(Some(&forged));
    assert_eq!(bench.site.get(back.as_str()).status(), 200);
    refused(&going.end(), &["another `state`"]);
    assert_eq!(bench.site.server.tokens_issued(), 0);
}

#[test]
fn a_code_that_is_no_code() {
    let bench = Bench::new(options());
    let mut going = start_browser(&bench, &[]);
    let mut back = bench.site.browse(&going.address(), "allow");
    let forged = back.query().unwrap().replace("code=", "code=f0rged");
    back.set_query(Some(&forged));
    bench.site.get(back.as_str());
    let end = going.end();
    refused(&end, &["`invalid_grant`", "The code from the browser was not taken"]);
    assert!(!end.stderr.contains("f0rged"), "{end:?}");
}

#[test]
fn nobody_at_the_browser() {
    let bench = Bench::new(options());
    let end = start_browser(&bench, &["--oauth-wait", "300ms"]).end();
    refused(&end, &["was not finished within 0.3 s", "--oauth-refresh-token-env"]);
    let end = start_browser(&bench, &["--oauth-redirect-url", "https://app.example.com/callback"]).end();
    assert_eq!((end.code, end.stderr.contains("comes back to this machine")), (2, true), "{end:?}");
}

#[test]
fn the_authorization_server_sends_nobody_elsewhere() {
    let bench = Bench::new(options());
    let ask = |query: &str| bench.site.get(&format!("{}?{query}", bench.site.server.authorize_url()));
    let good = "client_id=client+1&response_type=code&state=s&code_challenge=c&code_challenge_method=S256";
    for (query, status) in [
        (format!("{good}&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback"), 400),
        (good.replace("client+1", "nobody") + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F", 400),
        (format!("{good}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F"), 200),
        (good.replace("S256", "plain") + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F", 302),
        (good.replace("=code&", "=token&") + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F", 302),
    ] {
        assert_eq!(ask(&query).status(), status, "{query}");
    }
}
