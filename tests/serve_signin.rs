//! `scimproof serve` as something to sign in at: each of its credentials is taken, and nothing else.

#[path = "support/going.rs"]
mod going;
#[path = "support/tool.rs"]
mod tool;

use going::call;
use tool::{Serve, TOKEN};

#[test]
fn serve_takes_each_of_its_credentials_and_no_others() {
    let serve = Serve::start(&[
        "--basic",
        "me:pass:word",
        "--api-key",
        "X-Api-Key: a-key",
        "--oauth-client",
        "client:its-secret",
        "--token-life",
        "60",
    ]);
    let origin = serve.base.trim_end_matches("/scim/v2");
    let token_url = format!("{origin}/oauth/token");
    let oauth = ["--oauth-token-url", &token_url, "--oauth-client-id", "client", "--oauth-client-secret-env", "X"];
    let folder = tempfile::tempdir().expect("a folder");
    for (flags, secret, code) in [
        (&["--token-env", "X"][..], TOKEN, 0),
        (&["--basic-env", "X"], "me:pass:word", 0),
        (&["--header-env", "X-Api-Key:X"], "a-key", 0),
        (&oauth, "its-secret", 0),
        (&["--token-env", "X"], "another-token", 4),
        (&["--basic-env", "X"], "me:pass", 4),
        (&["--header-env", "X-Api-Key:X"], "another-key", 4),
        (&oauth, "another-secret", 3),
    ] {
        let case = tool::scenario("okta/create-user");
        let args = [&["run", &case, "--base-url", &serve.base], flags].concat();
        let end = call(folder.path(), &args, &[("X", secret)]);
        assert_eq!(end.code, code, "{flags:?} {end:?}");
    }
}

#[test]
fn serve_refuses_credentials_in_one_part_without_repeating_them() {
    let folder = tempfile::tempdir().expect("a folder");
    for flag in ["--basic", "--api-key", "--oauth-client"] {
        let end = call(folder.path(), &["serve", "--port", "0", flag, ":only-a-secret"], &[]);
        assert_eq!(end.code, 2, "{end:?}");
        assert!(end.stderr.contains("a colon between them"), "{end:?}");
    }
}
