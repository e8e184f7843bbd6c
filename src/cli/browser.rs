//! The two things of a sign-in that touch the world: the address for the browser is shown, the refresh token is written.
//!
//! Must not know SCIM or HTTP. The address goes to standard error: standard output belongs to the report.

use super::oauth::Browser;
use crate::engine::EngineError;
use crate::engine::oauth::OAuthConfig;
use crate::engine::oauth::authorize::Pending;
use secrecy::{ExposeSecret, SecretString};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Shows the address, waits for the browser, and puts what it brings into the configuration.
pub async fn sign_in(config: &mut OAuthConfig, browser: &Browser) -> Result<(), EngineError> {
    let (authorize_url, redirect, wait) = browser.settled()?;
    let pending = Pending::open(config, &authorize_url, &redirect).await?;
    anstream::eprintln!(
        "Sign in with a browser on this machine (the answer is expected at {}, for {} s):\n\n  {}\n",
        pending.redirect(),
        wait.as_secs(),
        pending.url
    );
    config.grant = pending.wait(wait).await?;
    anstream::eprintln!("The browser has answered.");
    Ok(())
}

/// Keeps a refresh token where only its owner can read it. The file is replaced as a whole: a broken one would be a lost sign-in.
pub fn save(path: &Path, token: &SecretString) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no file name"))?;
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = write_new(&beside, token).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What could not be put in its place must not stay beside it.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, token: &SecretString) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{}", token.expose_secret())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_token_is_for_its_owner_only_and_replaces_the_one_before() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("refresh");
        std::fs::write(&path, "old").expect("written");
        for token in ["f1rst", "sec0nd"] {
            save(&path, &SecretString::from(token)).expect("saved");
            assert_eq!(std::fs::read_to_string(&path).expect("readable"), format!("{token}\n"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(save(&folder.path().join("no/such/folder"), &SecretString::from("x")).is_err());
        assert!(save(Path::new("/"), &SecretString::from("x")).is_err());
    }
}
