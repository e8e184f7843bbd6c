//! Who we say we are, as flags and the configuration file name it: the kind of credentials, and where each secret is kept.
//!
//! Must not read a secret: that is done when a connection is made.

use super::args::AuthArgs;
use super::oauth::{FileOAuth, OAuth, first_two, source};
use crate::engine::auth::SecretSource;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How we prove who we are.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// Bearer token.
    Token(SecretSource),
    /// `user:password`.
    Basic(SecretSource),
    /// OAuth 2: the token is fetched.
    OAuth(OAuth),
}

/// The `[auth]` section of the configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileAuth {
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    token_command: Option<String>,
    basic_env: Option<String>,
    basic_file: Option<PathBuf>,
    basic_command: Option<String>,
    oauth: Option<FileOAuth>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    header_env: BTreeMap<String, String>,
    #[serde(default)]
    header_file: BTreeMap<String, PathBuf>,
    #[serde(default)]
    header_command: BTreeMap<String, String>,
    other_token_env: Option<String>,
    other_token_file: Option<PathBuf>,
    other_token_command: Option<String>,
}

impl FileAuth {
    /// Keys that cannot stand beside each other, as soon as there are two.
    pub(super) fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let kinds = [
            ("token_env", self.token_env.is_some()),
            ("token_file", self.token_file.is_some()),
            ("token_command", self.token_command.is_some()),
            ("basic_env", self.basic_env.is_some()),
            ("basic_file", self.basic_file.is_some()),
            ("basic_command", self.basic_command.is_some()),
            ("oauth", self.oauth.is_some()),
        ];
        let others = [
            ("other_token_env", self.other_token_env.is_some()),
            ("other_token_file", self.other_token_file.is_some()),
            ("other_token_command", self.other_token_command.is_some()),
        ];
        let oauth = || self.oauth.as_ref().and_then(FileOAuth::contradiction);
        first_two(&kinds).or_else(|| first_two(&others)).or_else(|| self.header_twice()).or_else(oauth)
    }

    /// One header from two places.
    fn header_twice(&self) -> Option<(&'static str, &'static str)> {
        let names = |key: &'static str, all: Vec<&String>| all.into_iter().map(|n| (n.to_lowercase(), key)).collect();
        let mut all: Vec<(String, &'static str)> = names("header_env", self.header_env.keys().collect());
        let files: Vec<_> = names("header_file", self.header_file.keys().collect());
        let commands: Vec<_> = names("header_command", self.header_command.keys().collect());
        all.extend(files.into_iter().chain(commands));
        let second = |(at, (name, key)): (usize, &(String, &'static str))| {
            let first = all[..at].iter().find(|(n, k)| n == name && k != key)?;
            Some((first.1, *key))
        };
        all.iter().enumerate().find_map(second)
    }

    pub(super) fn auth(&self) -> Auth {
        let token = || source(self.token_env.as_ref(), self.token_file.as_ref(), self.token_command.as_ref());
        let basic = || source(self.basic_env.as_ref(), self.basic_file.as_ref(), self.basic_command.as_ref());
        let oauth = || self.oauth.as_ref().map(|o| Auth::OAuth(o.settings()));
        token().map(Auth::Token).or_else(|| basic().map(Auth::Basic)).or_else(oauth).unwrap_or_default()
    }

    pub(super) fn other_token(&self) -> Option<SecretSource> {
        source(self.other_token_env.as_ref(), self.other_token_file.as_ref(), self.other_token_command.as_ref())
    }

    pub(super) fn secret_headers(&self) -> Vec<(String, SecretSource)> {
        let file = self.header_file.iter().map(|(name, path)| (name, path.clone()));
        secret_headers(&self.header_env, file, &self.header_command)
    }

    /// Paths are relative to the configuration file.
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        let named = [&mut self.token_file, &mut self.basic_file, &mut self.other_token_file];
        let all = named.into_iter().flatten().chain(self.header_file.values_mut());
        all.for_each(|path| *path = folder.join(&path));
        if let Some(oauth) = &mut self.oauth {
            oauth.resolve_paths(folder);
        }
    }
}

impl AuthArgs {
    pub(super) fn auth(&self) -> Auth {
        if let Some(oauth) = self.oauth.settings() {
            return Auth::OAuth(oauth);
        }
        let token = source(self.token_env.as_ref(), self.token_file.as_ref(), self.token_command.as_ref());
        let basic = || source(self.basic_env.as_ref(), self.basic_file.as_ref(), self.basic_command.as_ref());
        token.map(Auth::Token).or_else(|| basic().map(Auth::Basic)).unwrap_or_default()
    }

    pub(super) fn other_token(&self) -> Option<SecretSource> {
        source(self.other_token_env.as_ref(), self.other_token_file.as_ref(), self.other_token_command.as_ref())
    }

    pub(super) fn secret_headers(&self) -> Vec<(String, SecretSource)> {
        let file = self.header_file.iter().map(|(name, path)| (name, PathBuf::from(path)));
        let [env, command] = [&self.header_env, &self.header_command].map(|all| all.iter().map(|(n, v)| (n, v)));
        secret_headers(env, file, command)
    }
}

/// Header names, each with the place of its value.
fn secret_headers<'a>(
    env: impl IntoIterator<Item = (&'a String, &'a String)>,
    file: impl IntoIterator<Item = (&'a String, PathBuf)>,
    command: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Vec<(String, SecretSource)> {
    let env = env.into_iter().map(|(name, variable)| (name, SecretSource::Env(variable.clone())));
    let file = file.into_iter().map(|(name, path)| (name, SecretSource::File(path)));
    let command = command.into_iter().map(|(name, line)| (name, SecretSource::Command(line.clone())));
    env.chain(file).chain(command).map(|(name, source)| (name.clone(), source)).collect()
}
