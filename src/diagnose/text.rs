//! What an admin's error text says: which family of failure, which operation, who is concerned, what the server answered.
//!
//! Pure and tolerant: any text gives a [`Reading`]. Must not know causes, probes or the target.

use regex::Regex;
use serde::Serialize;
use std::sync::LazyLock;

/// How much of a text is looked at; the rest cannot add a name.
const LIMIT: usize = 20_000;

/// Failures that share their causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The stored id leads nowhere: "User not found", "No user returned for user …", `InvalidAnchor`.
    UserNotFound,
    /// The connection cannot be tested, or the credentials are refused.
    Access,
    /// The search before a create fails.
    LookUp,
    /// A create is refused.
    Create,
    /// A create succeeds and the answer has nothing to keep.
    EmptyCreate,
    /// A name is taken, or a second account appears.
    Conflict,
    /// A profile update is refused.
    Update,
    /// A deactivation is refused, or the person stays active.
    Deactivate,
    /// A returning person cannot be switched on.
    Reactivate,
    /// A group cannot be created, renamed or deleted.
    Group,
    /// Members are refused or wrong.
    Membership,
    /// An import stops or misses people.
    Import,
    /// The answer is no SCIM, or cannot be read.
    Unreadable,
    /// The server is too slow or refuses for being busy.
    Busy,
    /// None of the known texts.
    Unknown,
}

impl Family {
    /// Every family that has causes.
    pub const ALL: [Family; 14] = [
        Family::UserNotFound,
        Family::Access,
        Family::LookUp,
        Family::Create,
        Family::EmptyCreate,
        Family::Conflict,
        Family::Update,
        Family::Deactivate,
        Family::Reactivate,
        Family::Group,
        Family::Membership,
        Family::Import,
        Family::Unreadable,
        Family::Busy,
    ];

    /// What goes wrong, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Family::UserNotFound => "the stored id leads to no account",
            Family::Access => "the connection or its credentials are refused",
            Family::LookUp => "the search before a create fails",
            Family::Create => "a create is refused",
            Family::EmptyCreate => "a create succeeds and its answer holds no account",
            Family::Conflict => "a name is taken, or a second account appears",
            Family::Update => "a profile update is refused",
            Family::Deactivate => "a deactivation fails or has no effect",
            Family::Reactivate => "a returning person cannot be switched on",
            Family::Group => "a group cannot be created, renamed or deleted",
            Family::Membership => "members of a group are refused or wrong",
            Family::Import => "an import stops or misses people",
            Family::Unreadable => "the answer cannot be read as SCIM",
            Family::Busy => "the server is too slow or says that it is busy",
            Family::Unknown => "none of the known texts",
        }
    }

    /// A text of this family, for help and tests.
    pub fn example(self) -> &'static str {
        match self {
            Family::UserNotFound => {
                "Automatic profile push of user Alice Ann to app Example failed: Error while trying to push profile update for alice@example.com: User not found"
            }
            Family::Access => "Error authenticating: Unauthorized. The connector configuration could not be tested.",
            Family::LookUp => {
                "Automatic provisioning of user alice@example.com to app Example failed: Error while verifying if user alice@example.com exists: Internal Server Error. Errors reported by remote server:"
            }
            Family::Create => {
                "Automatic provisioning of user Alice Ann to app Example failed: Error while creating user Alice Ann: Bad Request. Errors reported by remote server: Invalid request"
            }
            Family::EmptyCreate => {
                "Automatic provisioning of user Alice Ann to app Example failed: Error while creating user Alice Ann: Create new user returned empty user."
            }
            Family::Conflict => {
                "Push new user to external application FAILURE: Conflict. Errors reported by remote server: User already exists"
            }
            Family::Update => {
                "Automatic profile push of user Alice Ann to app Example failed: Error while trying to push profile update for alice@example.com: Bad Request. Errors reported by remote server: Invalid attribute"
            }
            Family::Deactivate => {
                "Error while deactivating user Alice Ann: Bad Request. Errors reported by remote server: Unsupported operation"
            }
            Family::Reactivate => {
                "Error while reactivating user Alice Ann: Bad Request. Errors reported by remote server:"
            }
            Family::Group => {
                "Unable to update Group Push mapping target App group Team: Error while creating user group Team: Bad Request. Errors reported by remote server: members is required"
            }
            Family::Membership => {
                "Error while updating user group membership for group Team: Bad Request. Errors reported by remote server: Invalid member"
            }
            Family::Import => {
                "Error while downloading all users: Internal Server Error. Errors reported by remote server:"
            }
            Family::Unreadable => "Sync user in external application FAILURE",
            Family::Busy => "Error while creating user Alice Ann: Read timed out",
            Family::Unknown => "",
        }
    }
}

/// What a text says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The text itself, bounded.
    pub text: String,
    /// Which identity provider writes so.
    pub idp: Option<&'static str>,
    /// Which failure.
    pub family: Family,
    /// What was being done.
    pub operation: Option<&'static str>,
    /// Person concerned.
    pub user: Option<String>,
    /// Group concerned.
    pub group: Option<String>,
    /// Name of the app in the identity provider.
    pub app: Option<String>,
    /// The id that the identity provider has stored.
    pub id: Option<String>,
    /// HTTP status, from its reason phrase.
    pub status: Option<u16>,
    /// The server's own words.
    pub detail: Option<String>,
    /// Error code of the identity provider.
    pub code: Option<String>,
}

/// One row: a text that holds all of `needles` (lower case) belongs there.
struct Pattern {
    needles: &'static [&'static str],
    family: Family,
    operation: &'static str,
    idp: Option<&'static str>,
}

const OKTA: Option<&str> = Some("okta");
const ENTRA: Option<&str> = Some("entra");

const fn row(
    needles: &'static [&'static str],
    family: Family,
    operation: &'static str,
    idp: Option<&'static str>,
) -> Pattern {
    Pattern { needles, family, operation, idp }
}

/// First match wins, so the particular stands before the general.
const PATTERNS: &[Pattern] = &[
    // --- whatever was being done
    row(&["read timed out"], Family::Busy, "any request", OKTA),
    row(&["rate limit"], Family::Busy, "any request", None),
    row(&["too many requests"], Family::Busy, "any request", None),
    row(&["toomanyrequests"], Family::Busy, "any request", ENTRA),
    row(&["error authenticating", "no results for users returned"], Family::Unreadable, "connection test", OKTA),
    row(&["error authenticating"], Family::Access, "connection test", OKTA),
    row(&["connector configuration could not be tested"], Family::Access, "connection test", OKTA),
    row(&["validate our authorization"], Family::Access, "connection test", ENTRA),
    row(&["credentialvalidation"], Family::Access, "connection test", ENTRA),
    row(&["invalidcredentials"], Family::Access, "connection test", ENTRA),
    row(&["application.integration.authentication_failure"], Family::Access, "any request", OKTA),
    // --- the stored id leads nowhere
    row(&["no user returned for user"], Family::UserNotFound, "profile update", OKTA),
    row(&["push profile update", "not found"], Family::UserNotFound, "profile update", OKTA),
    row(&["matching user not found"], Family::UserNotFound, "look-up with creates switched off", OKTA),
    row(&["group", "errors reported by remote server: user not found"], Family::Membership, "group members", OKTA),
    row(&["not found. errors reported by remote server: user not found"], Family::Membership, "group members", OKTA),
    row(&["invalidanchor"], Family::UserNotFound, "update by the stored id", ENTRA),
    // --- Okta, groups
    row(&["linked group is missing"], Family::Group, "group rename or members", OKTA),
    row(&["trying to get the group"], Family::Group, "group read-back", OKTA),
    row(&["creating user group"], Family::Group, "group create", OKTA),
    row(&["deleting user group"], Family::Group, "group delete", OKTA),
    row(&["user group membership"], Family::Membership, "group members", OKTA),
    row(&["users for group"], Family::Import, "import of members", OKTA),
    row(&["application.provision.group_membership"], Family::Membership, "group members", OKTA),
    row(&["push_memberships"], Family::Membership, "group members", OKTA),
    row(&["application.provision.group.import"], Family::Import, "import of groups", OKTA),
    row(&["application.provision.group"], Family::Group, "group push", OKTA),
    row(&["group push mapping"], Family::Group, "group push", OKTA),
    // --- Okta, people
    row(&["returned empty user"], Family::EmptyCreate, "create", OKTA),
    row(&["verifying if user", "invalid json"], Family::Unreadable, "look-up", OKTA),
    row(&["invalid json"], Family::Unreadable, "any request", OKTA),
    row(&["verifying if user"], Family::LookUp, "look-up", OKTA),
    row(&["verify user exists"], Family::LookUp, "look-up", OKTA),
    row(&["application.provision.user.verify_exists"], Family::LookUp, "look-up", OKTA),
    row(&["error while creating user", "conflict"], Family::Conflict, "create", OKTA),
    row(&["error while creating user"], Family::Create, "create", OKTA),
    row(&["reactivat"], Family::Reactivate, "reactivation", None),
    row(&["while deactivating"], Family::Deactivate, "deactivation", OKTA),
    row(&["automatic deprovisioning"], Family::Deactivate, "deactivation", OKTA),
    row(&["user.deactivate"], Family::Deactivate, "deactivation", OKTA),
    row(&["user.deprovision"], Family::Deactivate, "deactivation", OKTA),
    row(&["push user deactivation"], Family::Deactivate, "deactivation", OKTA),
    row(&["pushing password"], Family::Update, "password push", OKTA),
    row(&["push profile update", "conflict"], Family::Conflict, "profile update", OKTA),
    row(&["push profile update"], Family::Update, "profile update", OKTA),
    row(&["automatic profile push"], Family::Update, "profile update", OKTA),
    row(&["application.provision.user.push_profile"], Family::Update, "profile update", OKTA),
    row(&["push user's profile"], Family::Update, "profile update", OKTA),
    row(&["application.provision.user.import"], Family::Import, "import of users", OKTA),
    row(&["error while downloading"], Family::Import, "import", OKTA),
    row(&["conflict. errors reported by remote server"], Family::Conflict, "create", OKTA),
    row(&["push new user", "conflict"], Family::Conflict, "create", OKTA),
    row(&["push new user"], Family::Create, "create", OKTA),
    row(&["application.provision.user.push"], Family::Create, "create", OKTA),
    row(&["automatic provisioning of user", "not found"], Family::UserNotFound, "provisioning", OKTA),
    row(&["sync user in external application"], Family::Unreadable, "any request", OKTA),
    row(&["application.provision.user.sync"], Family::Unreadable, "any request", OKTA),
    row(&["automatic provisioning of user"], Family::Create, "provisioning", OKTA),
    // --- Entra
    row(&["multipleentriesinresponse"], Family::Conflict, "matching", ENTRA),
    row(&["duplicatetargetentries"], Family::Conflict, "matching", ENTRA),
    row(&["entryconflict"], Family::Conflict, "create", ENTRA),
    row(&["failed to create", "conflict"], Family::Conflict, "create", ENTRA),
    row(&["failed to create group"], Family::Group, "group create", ENTRA),
    row(&["failed to update group", "member"], Family::Membership, "group members", ENTRA),
    row(&["failed to update group"], Family::Group, "group update", ENTRA),
    row(&["failed to delete group"], Family::Group, "group delete", ENTRA),
    row(&["failed to match"], Family::LookUp, "matching", ENTRA),
    row(&["serviceincompatiblefiltering"], Family::LookUp, "matching", ENTRA),
    row(&["http/404 not found response was returned"], Family::LookUp, "matching", ENTRA),
    row(&["not able to deserialize"], Family::Unreadable, "any request", ENTRA),
    row(&["failed to create user"], Family::Create, "create", ENTRA),
    row(&["failed to update user", "active"], Family::Deactivate, "deactivation", ENTRA),
    row(&["failed to disable"], Family::Deactivate, "deactivation", ENTRA),
    row(&["failed to delete user"], Family::Deactivate, "deletion", ENTRA),
    row(&["failed to update user"], Family::Update, "update", ENTRA),
    row(&["serviceincompatible"], Family::Unreadable, "any request", ENTRA),
    row(
        &["not fully compatible with the azure active directory scim client"],
        Family::Unreadable,
        "any request",
        ENTRA,
    ),
    row(&["identitymanagementbadrequest"], Family::Update, "any write", ENTRA),
    row(&["methodnotallowed"], Family::Update, "any write", ENTRA),
    row(&["mandatoryfieldsmissing"], Family::Create, "create", ENTRA),
    row(&["missingvalues"], Family::Create, "create", ENTRA),
    row(&["insufficientrights"], Family::Access, "any request", ENTRA),
    // --- an admin's own words
    row(&["user", "not found"], Family::UserNotFound, "any request by id", None),
    row(&["no such user"], Family::UserNotFound, "any request by id", None),
    row(&["stale id"], Family::UserNotFound, "any request by id", None),
    row(&["unauthorized"], Family::Access, "any request", None),
    row(&["forbidden"], Family::Access, "any request", None),
    row(&["certificate"], Family::Access, "any request", None),
    row(&["still active"], Family::Deactivate, "deactivation", None),
    row(&["stays active"], Family::Deactivate, "deactivation", None),
    row(&["not deactivated"], Family::Deactivate, "deactivation", None),
    row(&["disable"], Family::Deactivate, "deactivation", None),
    row(&["deactivat"], Family::Deactivate, "deactivation", None),
    row(&["already exists"], Family::Conflict, "create", None),
    row(&["duplicate"], Family::Conflict, "create", None),
    row(&["conflict"], Family::Conflict, "create", None),
    row(&["member"], Family::Membership, "group members", None),
    row(&["import"], Family::Import, "import", None),
    row(&["timeout"], Family::Busy, "any request", None),
    row(&["timed out"], Family::Busy, "any request", None),
    row(&["group"], Family::Group, "group push", None),
];

/// Where names stand; the first expression that matches gives the value.
struct Names {
    user: Vec<Regex>,
    group: Vec<Regex>,
    app: Vec<Regex>,
    id: Vec<Regex>,
    detail: Vec<Regex>,
    reason: Vec<Regex>,
    code: Vec<Regex>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let all = |expressions: &[&str]| -> Vec<Regex> {
        expressions
            .iter()
            .map(|e| Regex::new(&format!("(?is){e}")).expect("the table of expressions is constant and tested"))
            .collect()
    };
    Names {
        user: all(&[
            r"push profile update for ([^\s:]{1,300}):",
            r"verifying if user (.{1,300}?) exists",
            r"while (?:creating|deactivating|reactivating) user ([^:]{1,300}):",
            r"password for user ([^:]{1,300}):",
            r"failed to \w+ (?:an entry in the source and target systems )?user '([^']{1,300})'",
            r"(?:provisioning|push|deprovisioning) of user (.{1,300}?) (?:to|from) app",
            r"\buser (\S{1,300}@\S{1,300}) was not found",
        ]),
        group: all(&[
            r"target app group ([^:]{1,300}?)(?::|$)",
            r"user group membership for group ([^:]{1,300}):",
            r"(?:creating|deleting) user group ([^:]{1,300}):",
            r"trying to get the group (.{1,300}?) with the externalid",
            r"failed to \w+ group '([^']{1,300})'",
            r"users for group ([^:]{1,300}):",
        ]),
        app: all(&[r"(?:to|from) app (.{1,200}?) failed", r"' in (\S{1,200}); error"]),
        id: all(&[r"no user returned for user (\S{1,300})", r"with the externalid (\S{1,300}) and id"]),
        detail: all(&[
            r"errors reported by remote server:\s*(\S.*)$",
            r"web response:\s*(.*?)(?:\.?\s*this operation was retried|$)",
            r"; error:\s*(.*)$",
        ]),
        reason: all(&[
            r"statuscode:\s*([a-z]+)",
            r"\bhttp/(?:1\.1 )?(\d{3})\b",
            r"(?:^|: )([a-z][a-z ]{2,40})\. errors reported by remote server",
            r"failure: ([a-z ]{2,40})\.",
            r"error authenticating: ([a-z ]{2,40})\.",
        ]),
        code: all(&[
            r"\b(SystemForCrossDomainIdentityManagement\w+|InvalidAnchor|EntryConflict|DuplicateTargetEntries|TooManyRequests|InsufficientRights|MethodNotAllowed|MandatoryFieldsMissing|CredentialValidationUnavailable)\b",
        ]),
    }
});

const REASONS: &[(&str, u16)] = &[
    ("badrequest", 400),
    ("unauthorized", 401),
    ("forbidden", 403),
    ("notfound", 404),
    ("methodnotallowed", 405),
    ("notacceptable", 406),
    ("conflict", 409),
    ("gone", 410),
    ("preconditionfailed", 412),
    ("unsupportedmediatype", 415),
    ("unprocessableentity", 422),
    ("toomanyrequests", 429),
    ("internalservererror", 500),
    ("notimplemented", 501),
    ("badgateway", 502),
    ("serviceunavailable", 503),
    ("gatewaytimeout", 504),
];

/// Reads a text.
pub fn read(text: &str) -> Reading {
    let text: String = text.trim().chars().take(LIMIT).collect();
    let lower = text.to_lowercase();
    let pattern = PATTERNS.iter().find(|p| p.needles.iter().all(|n| lower.contains(n)));
    let names = &*NAMES;
    let status = take(&names.reason, &text).and_then(|r| status_of(&r)).or_else(|| status_of_bare(&lower));
    let mut reading = Reading {
        idp: pattern.and_then(|p| p.idp),
        family: pattern.map_or(Family::Unknown, |p| p.family),
        operation: pattern.map(|p| p.operation),
        user: take(&names.user, &text),
        group: take(&names.group, &text),
        app: take(&names.app, &text),
        id: take(&names.id, &text).map(|id| id.trim_end_matches(['.', ',', ';']).to_owned()),
        detail: take(&names.detail, &text),
        code: take(&names.code, &text),
        status,
        text,
    };
    settle(&mut reading);
    reading
}

/// The status says more than the operation where access or speed is the trouble.
fn settle(reading: &mut Reading) {
    let telling = !matches!(reading.family, Family::UserNotFound | Family::Membership | Family::Unknown);
    match reading.status {
        Some(401 | 403) => reading.family = Family::Access,
        Some(429 | 503 | 504) => reading.family = Family::Busy,
        Some(409) if matches!(reading.family, Family::Create | Family::Update | Family::Unreadable) => {
            reading.family = Family::Conflict;
        }
        Some(404) if telling && matches!(reading.family, Family::Update | Family::Deactivate | Family::Reactivate) => {
            reading.family = Family::UserNotFound;
        }
        _ => {}
    }
}

fn take(expressions: &[Regex], text: &str) -> Option<String> {
    expressions
        .iter()
        .find_map(|e| Some(e.captures(text)?.get(1)?.as_str().trim().to_owned()))
        .filter(|found| !found.is_empty())
}

fn status_of(reason: &str) -> Option<u16> {
    if let Ok(number) = reason.trim().parse() {
        return Some(number);
    }
    let plain: String = reason.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    REASONS.iter().find(|(name, _)| *name == plain).map(|(_, s)| *s)
}

/// A reason phrase that ends the text: "… : Unauthorized".
fn status_of_bare(lower: &str) -> Option<u16> {
    let last = lower.rsplit(':').next()?.trim().trim_end_matches('.');
    if last.is_empty() || last.len() > 40 || last == "gone" {
        return None;
    }
    status_of(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_family_reads_its_own_example() {
        for family in Family::ALL {
            assert_eq!(read(family.example()).family, family, "{}", family.example());
        }
    }

    #[test]
    fn names_are_found() {
        let r = read(
            "Automatic profile push of user Alice Ann to app Example One failed: Error while trying to push profile update for alice@example.com: No user returned for user 3f-42.",
        );
        assert_eq!(r.family, Family::UserNotFound);
        assert_eq!(r.user.as_deref(), Some("alice@example.com"));
        assert_eq!(r.app.as_deref(), Some("Example One"));
        assert_eq!(r.id.as_deref(), Some("3f-42"));
        let r = read(
            "Unable to update Group Push mapping target App group Team A: Error while creating user group Team A: Bad Request. Errors reported by remote server: {\"x\": 1}",
        );
        assert_eq!((r.group.as_deref(), r.status), (Some("Team A"), Some(400)));
        assert_eq!(r.detail.as_deref(), Some("{\"x\": 1}"));
        let r = read(
            "Failed to update User 'alice@example.com' in customappsso; Error: StatusCode: BadRequest Message: Processing of the HTTP request resulted in an exception. Web Response: {\"detail\":\"no path\"}. This operation was retried 3 times.",
        );
        assert_eq!((r.family, r.idp, r.status), (Family::Update, Some("entra"), Some(400)));
        assert_eq!(r.user.as_deref(), Some("alice@example.com"));
        assert_eq!(r.detail.as_deref(), Some("{\"detail\":\"no path\"}"));
    }

    #[test]
    fn literal_texts_go_to_their_family() {
        for (text, family) in [
            ("Not Found. Errors reported by remote server: User not found.", Family::Membership),
            ("User alice@example.com was not found in Example", Family::UserNotFound),
            ("Error authenticating: No results for users returned", Family::Unreadable),
            (
                "Linked group is missing in Example. Change the linked group to resume pushing group memberships.",
                Family::Group,
            ),
            (
                "Unable to update Group Push mapping target App group T: Error while trying to get the group T with the externalId 7 and id com.example.AppGroup@1",
                Family::Group,
            ),
            (
                "Error while verifying if user a@example.com exists: Unauthorized. Errors reported by remote server: x",
                Family::Access,
            ),
            (
                "Failed to create User 'a@example.com' in customappsso; Error: StatusCode: Conflict Message: x",
                Family::Conflict,
            ),
            ("Failed to match an entry in the source and target systems User 'a'; Error: x", Family::LookUp),
            (
                "We are not able to deserialize the resource received from your SCIM endpoint because …",
                Family::Unreadable,
            ),
            (
                "While attempting to validate our authorization to access your application, we received this unexpected response: x",
                Family::Access,
            ),
            ("InvalidAnchor", Family::UserNotFound),
            ("the user is still active in the app", Family::Deactivate),
            ("hello", Family::Unknown),
            ("", Family::Unknown),
        ] {
            assert_eq!(read(text).family, family, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,400}") {
            let reading = read(&text);
            prop_assert!(reading.text.chars().count() <= LIMIT);
        }

        #[test]
        fn no_torn_text_breaks_it(at in 0usize..200, rest in "\\PC{0,60}") {
            for family in Family::ALL {
                let cut: String = family.example().chars().take(at).collect();
                let _ = read(&format!("{cut}{rest}"));
            }
        }
    }
}
