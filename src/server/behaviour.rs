//! How this one server behaves: switches for what is deep, hooks for everything else.
//!
//! Must not know any fault or variant by name: each is an entry that brings its own [`Hook`]s.

use super::call::Call;
use super::listing::ListQuery;
use super::reply::{Failure, Reply};
use super::state::State;
use serde_json::Value;

/// A well-defined point of the pipeline at which an entry may change what happens.
#[derive(Clone, Copy)]
pub enum Hook {
    /// Sets switches once, at start.
    Switch(fn(&mut Behaviour)),
    /// After routing and authentication, before the handler: may change the request or answer it.
    Before(fn(&mut Call, &mut State) -> Option<Reply>),
    /// On the operations of a well-formed PATCH message.
    Operations(fn(&mut Vec<Value>, &Call, &State) -> Option<Reply>),
    /// On a query, before it is evaluated.
    List(fn(&mut ListQuery, &Call, &State) -> Option<Reply>),
    /// On a document about to be stored; the second argument is the stored one.
    Store(fn(&Call, Option<&Value>, &mut Value)),
    /// On a document about to be stored, when all of it is known: may refuse it. The third argument is the stored one.
    Check(fn(&Call, &State, Option<&Value>, &Value) -> Option<Failure>),
    /// In place of a removal that is allowed: the resource is there, and `If-Match` names its version.
    Delete(fn(&Call, &mut State) -> Option<Reply>),
    /// On the answer, whatever made it.
    After(fn(&Call, &mut Reply, &mut State)),
}

/// What to do with a member that does not exist (RFC 7643 §4.2 leaves it open).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownMember {
    /// 400 `invalidValue`.
    Invalid,
    /// 404.
    NotFound,
    /// Kept as it is.
    Store,
}

/// How a PATCH that succeeded is answered (RFC 7644 §3.5.2 allows both).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchAnswer {
    /// 200 with the resource.
    Resource,
    /// 204; 200 when the client asked for attributes.
    NoContent,
}

/// Which texts are taken for a token (RFC 6750 §2.1: only itself).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenMatch {
    /// The token.
    Exact,
    /// Any text.
    Any,
    /// What the token begins with.
    Prefix,
    /// What begins with the token.
    TailIgnored,
    /// The token in any letters.
    CaseIgnored,
}

impl TokenMatch {
    /// True when `given` is taken for `token`.
    pub fn takes(self, token: &str, given: &str) -> bool {
        match self {
            Self::Exact => given == token,
            Self::Any => !given.is_empty(),
            Self::Prefix => !given.is_empty() && token.starts_with(given),
            Self::TailIgnored => given.starts_with(token),
            Self::CaseIgnored => given.eq_ignore_ascii_case(token),
        }
    }
}

/// How timestamps are written (RFC 7643 §2.3.5: any xsd:dateTime).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamps {
    /// `2025-01-31T10:00:00.123Z`.
    Milliseconds,
    /// `2025-01-31T10:00:00Z`.
    Seconds,
    /// `2025-01-31T11:00:00.123+01:00`.
    Offset,
}

/// Switches; the default is the healthy server.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Uniqueness of `userName` compares case.
    pub names_case_sensitive: bool,
    /// Group names are unique.
    pub unique_group_names: bool,
    /// Uniqueness is not checked for these methods.
    pub unchecked_names: &'static [&'static str],
    /// What to do with unknown members.
    pub unknown_member: UnknownMember,
    /// `add`/`replace` on a value filter without match creates the value.
    pub value_path_creates: bool,
    /// Both Entra dialects are understood: string booleans, capitalized ops, value lists in `remove`.
    pub lenient: bool,
    /// Attributes that no schema declares are refused.
    pub refuse_unknown_attributes: bool,
    /// `"True"` for a Boolean is refused.
    pub refuse_string_booleans: bool,
    /// How PATCH is answered.
    pub patch_answer: PatchAnswer,
    /// PATCH is offered.
    pub patch: bool,
    /// Operations before a failing one stay applied.
    pub patch_keeps_partial: bool,
    /// Filters are offered; advertised as well.
    pub filter: bool,
    /// Sorting is offered.
    pub sort: bool,
    /// Only the page is sorted.
    pub sort_page_only: bool,
    /// Bulk is offered.
    pub bulk: bool,
    /// `failOnErrors` of a bulk request.
    pub bulk_stops: bool,
    /// Most operations of one bulk request.
    pub bulk_operations: usize,
    /// Largest bulk payload in bytes.
    pub bulk_payload: usize,
    /// Entity tags are offered.
    pub etag: bool,
    /// `meta.version` is returned.
    pub meta_version: bool,
    /// A stale `If-Match` is refused with this status; `None` accepts it.
    pub stale_status: Option<u16>,
    /// `If-None-Match` is honoured.
    pub not_modified: bool,
    /// Passwords can be set.
    pub password: bool,
    /// A write that changes nothing moves `lastModified` all the same.
    pub touches_unchanged: bool,
    /// `User.groups` is filled.
    pub user_groups: bool,
    /// Groups keep `externalId`.
    pub group_external_id: bool,
    /// Display names of members are filled.
    pub member_display: bool,
    /// `$ref` of references is filled.
    pub references: bool,
    /// Deleting a resource takes it out of groups.
    pub delete_cleans_groups: bool,
    /// PUT keeps attributes that the body leaves out.
    pub put_keeps_omitted: bool,
    /// Page size when the client names none.
    pub page_size: usize,
    /// Largest page.
    pub max_results: usize,
    /// `/Me` stands for the oldest user; otherwise it is not offered.
    pub me: bool,
    /// Cursor paging is offered.
    pub cursor: bool,
    /// Devices and badges are advertised and kept (see [`super::inventory`]).
    pub inventory: bool,
    /// Discovery needs credentials.
    pub discovery_needs_auth: bool,
    /// Which texts are taken for a token.
    pub tokens: TokenMatch,
    /// A token without its scheme is good.
    pub raw_token: bool,
    /// A token with the scheme `Bearer` is good.
    pub bearer_token: bool,
    /// The scheme is compared without case.
    pub scheme_any_case: bool,
    /// The scheme `Bearer` without a token is good.
    pub empty_bearer: bool,
    /// `?access_token=` is good.
    pub query_token: bool,
    /// These methods need no credentials.
    pub open_methods: &'static [&'static str],
    /// How timestamps are written.
    pub timestamps: Timestamps,
    /// Two PATCHes of one group at a time overwrite each other.
    pub lost_updates: bool,
    /// Between the look whether a name is free and the create others may take it.
    pub racing_creates: bool,
    /// The first read after a write sees the state before it.
    pub stale_reads: bool,
    /// A filter with `or` sees every tenant.
    pub or_escapes_tenant: bool,
    /// Lists begin with the newest resource.
    pub newest_first: bool,
    /// A filter on an undeclared attribute matches nothing instead of being refused.
    pub unknown_filter_attributes_match_nothing: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            names_case_sensitive: false,
            unique_group_names: true,
            unchecked_names: &[],
            unknown_member: UnknownMember::Invalid,
            value_path_creates: true,
            lenient: true,
            refuse_unknown_attributes: false,
            refuse_string_booleans: false,
            patch_answer: PatchAnswer::Resource,
            patch: true,
            patch_keeps_partial: false,
            filter: true,
            sort: true,
            sort_page_only: false,
            bulk: true,
            bulk_stops: true,
            bulk_operations: 100,
            bulk_payload: 1_048_576,
            etag: true,
            meta_version: true,
            stale_status: Some(412),
            not_modified: true,
            password: true,
            touches_unchanged: false,
            user_groups: true,
            group_external_id: true,
            member_display: true,
            references: true,
            delete_cleans_groups: true,
            put_keeps_omitted: false,
            page_size: 100,
            max_results: 1000,
            me: true,
            cursor: true,
            inventory: true,
            discovery_needs_auth: false,
            tokens: TokenMatch::Exact,
            raw_token: false,
            bearer_token: true,
            scheme_any_case: true,
            empty_bearer: false,
            query_token: false,
            open_methods: &[],
            timestamps: Timestamps::Milliseconds,
            lost_updates: false,
            racing_creates: false,
            stale_reads: false,
            or_escapes_tenant: false,
            newest_first: false,
            unknown_filter_attributes_match_nothing: false,
        }
    }
}

/// Everything that one server does: its switches and its hooks in the order in which they were asked for.
#[derive(Clone, Default)]
pub struct Plan {
    /// The switches.
    pub behaviour: Behaviour,
    hooks: Vec<Hook>,
}

impl Plan {
    /// Adds the hooks of one entry.
    pub fn add(&mut self, hooks: &[Hook]) {
        for hook in hooks {
            match hook {
                Hook::Switch(set) => set(&mut self.behaviour),
                other => self.hooks.push(*other),
            }
        }
    }

    /// Runs the hooks before the handler; the first answer wins.
    pub fn before(&self, call: &mut Call, state: &mut State) -> Option<Reply> {
        self.hooks.iter().find_map(|hook| match hook {
            Hook::Before(run) => run(call, state),
            _ => None,
        })
    }

    /// Runs the hooks on the operations of a PATCH.
    pub fn operations(&self, operations: &mut Vec<Value>, call: &Call, state: &State) -> Option<Reply> {
        self.hooks.iter().find_map(|hook| match hook {
            Hook::Operations(run) => run(operations, call, state),
            _ => None,
        })
    }

    /// Runs the hooks on a query.
    pub fn list(&self, query: &mut ListQuery, call: &Call, state: &State) -> Option<Reply> {
        self.hooks.iter().find_map(|hook| match hook {
            Hook::List(run) => run(query, call, state),
            _ => None,
        })
    }

    /// Runs the hooks on a document about to be stored.
    pub fn store(&self, call: &Call, before: Option<&Value>, after: &mut Value) {
        for hook in &self.hooks {
            if let Hook::Store(run) = hook {
                run(call, before, after);
            }
        }
    }

    /// Runs the hooks that may refuse a document; the first refusal wins.
    pub fn check(&self, call: &Call, state: &State, before: Option<&Value>, after: &Value) -> Result<(), Failure> {
        let refusal = self.hooks.iter().find_map(|hook| match hook {
            Hook::Check(run) => run(call, state, before, after),
            _ => None,
        });
        refusal.map_or(Ok(()), Err)
    }

    /// Runs the hooks that take the place of a removal; the first answer wins.
    pub fn delete(&self, call: &Call, state: &mut State) -> Option<Reply> {
        self.hooks.iter().find_map(|hook| match hook {
            Hook::Delete(run) => run(call, state),
            _ => None,
        })
    }

    /// Runs the hooks on the answer.
    pub fn after(&self, call: &Call, reply: &mut Reply, state: &mut State) {
        for hook in &self.hooks {
            if let Hook::After(run) = hook {
                run(call, reply, state);
            }
        }
    }
}
