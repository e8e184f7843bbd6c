//! An identity provider as data: `scenarios/<idp>/profile.yaml`.

use crate::rules::Impact;
use crate::scenario::{self, LoadError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One identity provider.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpProfile {
    /// Folder name: `okta`.
    pub name: String,
    /// As people write it: `Okta`.
    pub title: String,
    /// How URLs are encoded.
    #[serde(default)]
    pub encoding: Encoding,
    /// Headers of every request, in order.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers of requests with a body, on top.
    #[serde(default)]
    pub write_headers: BTreeMap<String, String>,
    /// Shape of the `externalId` it makes up for people.
    #[serde(default)]
    pub external_id: ExternalId,
    /// What the admin reads, per impact. `{user}`, `{group}`, `{app}`, `{detail}`, `{reason}`, `{id}` are filled in.
    #[serde(default)]
    pub admin: BTreeMap<Impact, AdminTemplate>,
    /// What the admin reads where this very call is answered with an error; goes before the impact's text.
    #[serde(default)]
    pub calls: BTreeMap<FailedCall, AdminTemplate>,
    /// Where this is from.
    #[serde(default)]
    pub source: Vec<String>,
}

/// A call of an identity provider that failed, as far as its messages tell them apart (`okta.md` §14.3, `entra.md` §14.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailedCall {
    /// GET of users with a filter.
    LookUpUser,
    /// POST of a user.
    CreateUser,
    /// POST of a user that answers without an id.
    CreateUserEmpty,
    /// PUT or PATCH of a user.
    UpdateUser,
    /// The stored id of a user is answered 404 or 410.
    UpdateUserGone,
    /// PUT or PATCH that switches a user off.
    DeactivateUser,
    /// PATCH that switches a user on.
    ReactivateUser,
    /// PUT or PATCH with a password.
    ChangePassword,
    /// DELETE of a user.
    DeleteUser,
    /// POST of a group.
    CreateGroup,
    /// GET of a group that is answered 404 or 410.
    ReadGroupGone,
    /// PUT or PATCH of a group.
    UpdateGroup,
    /// PUT or PATCH of a group that is answered 404 or 410.
    UpdateGroupGone,
    /// DELETE of a group.
    DeleteGroup,
    /// DELETE that is answered 404 or 410.
    DeleteGone,
    /// GET of all users.
    ImportUsers,
    /// GET of all groups.
    ImportGroups,
}

/// How a provider writes URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Blank is `%20`; hex in upper case.
    #[default]
    Percent,
    /// Blank is `+`; hex in lower case.
    Form,
}

/// Shape of generated external ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExternalId {
    /// A GUID.
    #[default]
    Guid,
    /// Okta's `00u` and 17 letters and digits.
    Okta,
    /// The part of userName before `@` (Entra's mailNickname).
    Mailnickname,
}

/// A text that an admin reads.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTemplate {
    /// The text.
    pub text: String,
    /// `seen`, `documented` or `pattern`.
    pub evidence: String,
    /// What the provider does next.
    #[serde(default)]
    pub next: Option<String>,
}

impl AdminTemplate {
    /// The text and what comes next with general words in the holes, for pages that are about no single case.
    pub fn general(&self) -> (String, Option<String>) {
        let words = [
            ("{user}", "the user"),
            ("{group}", "the group"),
            ("{app}", "the app"),
            ("{detail}", "…"),
            ("{reason}", "…"),
            ("{id}", "…"),
        ];
        let next = self.next.as_deref().map(|text| fill(text, &words));
        (fill(&self.text, &words), next)
    }
}

/// The text with these words in its holes; one that is no name begins a sentence with a capital.
pub fn fill(text: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (hole, word)| {
        let begins = word.strip_prefix("the ").map(|rest| format!(". The {rest}"));
        let text = begins.map_or(text.clone(), |begins| text.replace(&format!(". {hole}"), &begins));
        text.replace(hole, word)
    })
}

/// Reads a profile; `file` is its name for messages.
pub fn parse(text: &str, file: &str) -> Result<IdpProfile, LoadError> {
    scenario::load_data(text, file)
}

/// Every embedded profile, in alphabetical order.
pub fn bundled() -> Result<Vec<IdpProfile>, LoadError> {
    scenario::bundled()
        .iter()
        .filter(|(path, _)| path.ends_with("/profile.yaml"))
        .map(|(path, text)| parse(text, path))
        .collect()
}

/// The embedded profile of that name.
pub fn find(name: &str) -> Result<Option<IdpProfile>, LoadError> {
    let path = format!("scenarios/{name}/profile.yaml");
    scenario::bundled().iter().find(|(known, _)| *known == path).map(|(path, text)| parse(text, path)).transpose()
}

/// Names of all embedded profiles, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    scenario::bundled()
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("scenarios/")?.strip_suffix("/profile.yaml"))
        .collect()
}
