//! The texts that `scimproof init` writes: the configuration file, and the lines for a CI job.
//!
//! Must not ask and not write a file. What is known is filled in, what is not is an example that can be seen to be one.

use super::{AuthKind, EXAMPLE_URL, InitArgs};
use crate::profile::provider::ProviderProfile;
use std::fmt::Write as _;

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(names: &[String]) -> String {
    names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ")
}

/// What an administrator of the product should know, as comments.
fn known_of(profile: &ProviderProfile) -> String {
    std::iter::once(format!("# {}:\n", profile.title))
        .chain(profile.hints.iter().map(|hint| format!("#   {hint}\n")))
        .collect()
}

/// The configuration file.
pub(super) fn config(args: &InitArgs, profile: Option<&ProviderProfile>) -> String {
    let mut out =
        String::from("# Settings of `scimproof run`. Flags win over this file. Secrets do not belong into it.\n\n");
    out.push_str("# Where the SCIM endpoint is; without it the embedded reference server is tested.\n");
    let _ = writeln!(out, "base_url = {}\n", quoted(args.base_url.as_deref().unwrap_or(EXAMPLE_URL)));
    out.push_str("# Identity providers to play; `scimproof list idps` shows all. Left out: all of them.\n");
    if args.idp.is_empty() {
        let named = profile.map(|p| p.idps.clone()).filter(|all| !all.is_empty());
        let named = named.unwrap_or_else(|| vec!["okta".to_owned(), "entra".to_owned()]);
        let _ = writeln!(out, "# idp = [{}]\n", list(&named));
    } else {
        let _ = writeln!(out, "idp = [{}]\n", list(&args.idp));
    }
    out.push_str("# Documented deviations of a product; `scimproof list providers` shows all.\n");
    match &args.provider {
        Some(name) => {
            out.push_str(&profile.map(known_of).unwrap_or_default());
            let _ = writeln!(out, "provider = {}\n", quoted(name));
        }
        None => out.push_str("# provider = \"…\"\n\n"),
    }
    out.push_str(COMMON);
    if let Some((profile, hint)) = profile.and_then(|p| Some((p, p.auth.hint.as_ref()?))) {
        let _ = writeln!(out, "# {}: {hint}.", profile.title);
    }
    out.push_str(&credentials(args));
    out.push_str(&tls(args));
    out.push_str(REST);
    out
}

const COMMON: &str = r#"# Failures that are known and accepted: reported, but they do not fail the run.
# Written by `scimproof run --baseline known-failures.toml --update-baseline`.
# baseline = "known-failures.toml"

# strict = true          # RFC SHOULDs fail the run too
# jobs = 4               # scenarios side by side
# timeout = "30s"        # for one answer
# rate = "10/s"          # at most so many requests
# mail_domain = "test.acme.io"  # where made-up people have their addresses, if the server takes verified domains only
# allow_existing = true  # scenarios may change users and groups that were there before

[auth]
"#;

const REST: &str = r#"
# [select]
# scenarios = ["okta/*"]
# tags = ["groups"]
# skip = ["rfc/bulk*"]

# [reports]
# junit = "scimproof.xml"
# json = "scimproof.json"
# html = "scimproof.html"
# markdown = "scimproof.md"
"#;

const BEARER: &str = "\
# The name of the environment variable that holds the token, never the token.
token_env = \"SCIM_TOKEN\"
# token_file = \"/run/secrets/scim-token\"
# token_command = \"vault read -field=token secret/scim\"
";

const BASIC: &str = "\
# The name of the environment variable that holds `user:password`.
basic_env = \"SCIM_BASIC\"
# basic_file = \"/run/secrets/scim-basic\"
# basic_command = \"pass show scim\"
";

const MTLS: &str = "# The client certificate is all that is shown; see below.\n";

fn credentials(args: &InitArgs) -> String {
    match args.kind() {
        AuthKind::Bearer => BEARER.to_owned(),
        AuthKind::Basic => BASIC.to_owned(),
        AuthKind::Mtls => MTLS.to_owned(),
        AuthKind::Header => {
            let name = quoted(args.header_name.as_deref().unwrap_or("X-Api-Key"));
            format!(
                "# Header name and the environment variable that holds its value.\nheader_env = {{ {name} = \"SCIM_API_KEY\" }}\n\
                 # header_file = {{ {name} = \"/run/secrets/scim-api-key\" }}\n# header_command = {{ {name} = \"pass show scim\" }}\n"
            )
        }
        AuthKind::Oauth | AuthKind::OauthRefresh | AuthKind::OauthCode => oauth(args),
    }
}

fn oauth(args: &InitArgs) -> String {
    let mut out =
        String::from("# OAuth 2: the access token is fetched, and fetched anew when it runs out.\n[auth.oauth]\n");
    let _ = writeln!(out, "token_url = {}", quoted(token_url(args)));
    let _ = writeln!(out, "client_id = {}", quoted(client_id(args)));
    out.push_str("client_secret_env = \"SCIM_CLIENT_SECRET\"\n");
    match args.oauth_client_auth_basic {
        true => out.push_str("client_auth = \"basic\"\n"),
        false => {
            out.push_str("# client_auth = \"basic\"  # id and secret as basic credentials instead of in the form\n")
        }
    }
    match &args.oauth_scope {
        Some(scope) => {
            let _ = writeln!(out, "scope = {}", quoted(scope));
        }
        None => out.push_str("# scope = \"scim\"\n"),
    }
    out.push_str("# fields = { audience = \"https://app.example.com/\" }\n");
    match args.kind() {
        AuthKind::OauthRefresh => out.push_str(
            "# What remains of a sign-in with a browser. Where the server gives a new one with each access token, keep that:\n\
             # save_refresh_token = \"refresh-token\" and refresh_token_file = \"refresh-token\".\n\
             refresh_token_env = \"SCIM_REFRESH_TOKEN\"\n",
        ),
        AuthKind::OauthCode => {
            out.push_str("# A person signs in with a browser on this machine; the address is shown.\n");
            let _ = writeln!(out, "authorize_url = {}", quoted(authorize_url(args)));
            out.push_str(
                "# redirect_url = \"http://127.0.0.1:8400/callback\"  # as registered for the client; else any free port\n\
                 # wait = \"5m\"\n\
                 # The refresh token, for runs in which nobody sits at a browser; only its owner can read the file.\n\
                 save_refresh_token = \"refresh-token\"\n",
            );
        }
        _ => {}
    }
    out
}

fn tls(args: &InitArgs) -> String {
    let mtls = args.kind() == AuthKind::Mtls;
    if !mtls && args.client_cert.is_none() && args.ca_file.is_none() {
        return String::new();
    }
    let mut out = String::from("\n[tls]\n");
    if mtls || args.client_cert.is_some() {
        out.push_str("# Certificate and key in PEM files, or both in one. Keep them out of the repository.\n");
        let _ = writeln!(out, "client_cert = {}", quoted(args.client_cert.as_deref().unwrap_or(CLIENT_PEM)));
    }
    if let Some(key) = &args.client_key {
        let _ = writeln!(out, "client_key = {}", quoted(key));
    }
    match &args.ca_file {
        Some(file) => {
            let _ = writeln!(out, "ca_file = {}", quoted(file));
        }
        None => out.push_str("# ca_file = \"ca.pem\"  # trusted beside the system's authorities\n"),
    }
    out
}

const CLIENT_PEM: &str = "client.pem";

fn token_url(args: &InitArgs) -> &str {
    args.oauth_token_url.as_deref().unwrap_or("https://app.example.com/oauth/token")
}

fn authorize_url(args: &InitArgs) -> &str {
    args.oauth_authorize_url.as_deref().unwrap_or("https://app.example.com/oauth/authorize")
}

fn client_id(args: &InitArgs) -> &str {
    args.oauth_client_id.as_deref().unwrap_or("scimproof")
}

/// Environment variables that a run needs by itself, on a desk.
pub(super) fn variables(kind: AuthKind) -> &'static [&'static str] {
    match kind {
        AuthKind::Bearer => &["SCIM_TOKEN"],
        AuthKind::Basic => &["SCIM_BASIC"],
        AuthKind::Header => &["SCIM_API_KEY"],
        AuthKind::Oauth | AuthKind::OauthCode => &["SCIM_CLIENT_SECRET"],
        AuthKind::OauthRefresh => &["SCIM_CLIENT_SECRET", "SCIM_REFRESH_TOKEN"],
        AuthKind::Mtls => &[],
    }
}

/// What to do next, and a step for GitHub Actions.
pub(super) fn next_steps(args: &InitArgs) -> String {
    let kind = args.kind();
    let mut out = String::new();
    for name in variables(kind) {
        let _ = writeln!(out, "  export {name}=…");
    }
    out.push_str("  scimproof run\n\n");
    if kind == AuthKind::OauthRefresh {
        let _ = writeln!(
            out,
            "The first refresh token, by a sign-in with a browser:\n\n  scimproof run okta/connection-test --base-url {} --oauth-token-url {} \\\n      \
             --oauth-client-id {} --oauth-client-secret-env SCIM_CLIENT_SECRET \\\n      \
             --oauth-authorize-url {} --oauth-save-refresh-token refresh-token\n",
            shell(args.base_url.as_deref().unwrap_or(EXAMPLE_URL)),
            shell(token_url(args)),
            shell(client_id(args)),
            shell(authorize_url(args)),
        );
    }
    out.push_str("GitHub Actions:\n\n");
    out.push_str(&snippet(args));
    out
}

/// The step that brings the program. Without a known address of its source that is for the reader to fill in.
fn install() -> String {
    let (address, comment) = match env!("CARGO_PKG_REPOSITORY") {
        "" => ("https://github.com/OWNER/scimproof", "  # OWNER: whose copy of scimproof you use"),
        known => (known, ""),
    };
    format!("  - name: Install scimproof\n    run: cargo install --locked --git {address}{comment}\n")
}

fn snippet(args: &InitArgs) -> String {
    let kind = args.kind();
    let mut out = String::from("  - uses: actions/checkout@v4\n");
    out.push_str(&install());
    if kind == AuthKind::Mtls {
        let cert = shell(args.client_cert.as_deref().unwrap_or(CLIENT_PEM));
        let _ = write!(
            out,
            "  - name: Client certificate\n    run: (umask 077; printf '%s\\n' \"$SCIM_CLIENT_PEM\" > {cert})\n    env:\n      \
             SCIM_CLIENT_PEM: ${{{{ secrets.SCIM_CLIENT_PEM }}}}\n"
        );
        if let Some(key) = &args.client_key {
            let _ = write!(
                out,
                "  - name: Key of the client certificate\n    run: (umask 077; printf '%s\\n' \"$SCIM_CLIENT_KEY\" > {})\n    env:\n      \
                 SCIM_CLIENT_KEY: ${{{{ secrets.SCIM_CLIENT_KEY }}}}\n",
                shell(key)
            );
        }
    }
    out.push_str("  - name: SCIM conformance\n    run: >-\n      scimproof run --junit scimproof.xml --github\n");
    let mut needed = variables(kind).to_vec();
    if kind == AuthKind::OauthCode {
        // Nobody sits at a browser there. Flags for credentials replace those of the file as a whole.
        let basic = if args.oauth_client_auth_basic { " --oauth-client-auth basic" } else { "" };
        let _ = write!(
            out,
            "      --oauth-token-url {} --oauth-client-id {}{basic}\n      \
             --oauth-client-secret-env SCIM_CLIENT_SECRET --oauth-refresh-token-env SCIM_REFRESH_TOKEN\n",
            shell(token_url(args)),
            shell(client_id(args)),
        );
        needed.push("SCIM_REFRESH_TOKEN");
    }
    if !needed.is_empty() {
        out.push_str("    env:\n");
    }
    for name in needed {
        let _ = writeln!(out, "      {name}: ${{{{ secrets.{name} }}}}");
    }
    out.push_str(
        "  - uses: actions/upload-artifact@v4\n    if: always()\n    with:\n      name: scimproof\n      path: scimproof.xml",
    );
    out
}

/// A word as a shell takes it.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
