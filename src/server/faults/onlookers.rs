//! Faults that hit somebody else than the request names, and faults of what is seldom sent.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{bad, body_value, on_item, op, path, sent_members};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "member-becomes-named-user",
        title: "A member who is no user is made one, who has the id for a name",
        area: "groups",
        source: &["https://github.com/BerriAI/litellm/pull/34997"],
        wrong: "a user whom nobody created, with the id of the group as userName",
        right: "no new user",
        hooks: &[Hook::After(|call, reply, state| {
            if !reply.ok() || call.kind() != Some(Kind::Group) || call.method == "GET" {
                return;
            }
            let named: Vec<String> = sent_members(call)
                .iter()
                .filter_map(|m| Some(get_ci(m.as_object()?, "value")?.as_str()?.to_owned()))
                .collect();
            let tenant = state.of_mut(call);
            for id in named {
                if tenant.get(Kind::User, &id).is_none() && tenant.named(Kind::User, &id).is_empty() {
                    let document = json!({ "schemas": [urn::USER], "userName": id, "active": true });
                    tenant.insert(Kind::User, format!("of-{id}"), &document);
                }
            }
        })],
    },
    Fault {
        id: "group-create-empty-holds-everybody",
        title: "A group that is created without members has everybody in it",
        area: "groups",
        source: &["https://github.com/goauthentik/authentik/issues/14645"],
        wrong: "\"members\": all users of the tenant",
        right: "no members",
        hooks: &[Hook::After(|call, reply, state| {
            if call.method != "POST"
                || call.kind() != Some(Kind::Group)
                || !reply.ok()
                || !sent_members(call).is_empty()
            {
                return;
            }
            let Some(id) = reply.body().and_then(|b| b["id"].as_str()).map(str::to_owned) else { return };
            let tenant = state.of_mut(call);
            let all: Vec<Value> = tenant.iter(Kind::User).map(|user| json!({ "value": user.id })).collect();
            let Some(mut document) = tenant.get(Kind::Group, &id).map(|group| group.document()) else { return };
            document["members"] = all.clone().into();
            tenant.update(Kind::Group, &id, &document);
            if let Some(shown) = reply.body_mut().filter(|_| !all.is_empty()) {
                shown.insert("members".into(), all.into());
            }
        })],
    },
    Fault {
        id: "group-delete-holding-groups-409",
        title: "A group that holds a group cannot be deleted",
        area: "groups",
        source: &[],
        wrong: "409",
        right: "204",
        hooks: &[Hook::Delete(|call, state| {
            let tenant = state.of(call);
            let group = tenant.get(Kind::Group, call.id()?).filter(|_| call.kind() == Some(Kind::Group))?.document();
            let inner = |m: &Value| m["value"].as_str().is_some_and(|id| tenant.get(Kind::Group, id).is_some());
            group["members"].as_array()?.iter().any(inner).then(|| Reply::error(409, None, "The group has subgroups."))
        })],
    },
    Fault {
        id: "group-delete-deactivates-members",
        title: "The DELETE of a group makes its members inactive",
        area: "groups",
        source: &[],
        wrong: "\"active\":false in users whom nobody wrote to",
        right: "the users are as before",
        hooks: &[Hook::Delete(|call, state| {
            let members = state.of(call).get(Kind::Group, call.id()?)?.document();
            for id in members["members"].as_array()?.iter().filter_map(|m| m["value"].as_str()) {
                change_user(call, state, id, |user| user["active"] = false.into());
            }
            None
        })],
    },
    Fault {
        id: "deactivate-by-shared-email",
        title: "Who is deactivated takes everybody along who has the same address",
        area: "deactivate",
        source: &["https://github.com/kobotoolbox/kpi/pull/7076"],
        wrong: "\"active\":false in another user",
        right: "only the user in the path is changed",
        hooks: &[Hook::After(|call, reply, state| {
            let off = reply.body_mut().and_then(|b| b.get("active")) == Some(&Value::Bool(false));
            if !off || !reply.ok() || !(on_item(call, "PATCH", Kind::User) || on_item(call, "PUT", Kind::User)) {
                return;
            }
            let address = |user: &Value| user["emails"][0]["value"].as_str().map(str::to_owned);
            let tenant = state.of(call);
            let named = call.id().and_then(|id| tenant.get(Kind::User, id));
            let Some(shared) = named.and_then(|r| address(&r.document())) else { return };
            let others = tenant.iter(Kind::User).filter(|r| address(&r.document()).as_ref() == Some(&shared));
            let others: Vec<String> = others.map(|r| r.id.clone()).collect();
            for id in others {
                change_user(call, state, &id, |user| user["active"] = false.into());
            }
        })],
    },
    Fault {
        id: "group-join-overwrites-roles",
        title: "Who joins a group has the role of the group in place of the roles that were assigned",
        area: "groups",
        source: &["https://github.com/lightdash/lightdash/issues/24718"],
        wrong: "other `roles` in a user whom nobody wrote to",
        right: "the user is as before",
        hooks: &[Hook::After(|call, reply, state| {
            if !reply.ok()
                || call.kind() != Some(Kind::Group)
                || !matches!(call.method.as_str(), "POST" | "PUT" | "PATCH")
            {
                return;
            }
            for member in sent_members(call) {
                change_user(call, state, member["value"].as_str().unwrap_or_default(), |user| {
                    if user["roles"].is_array() {
                        user["roles"] = json!([{ "value": "member" }]);
                    }
                });
            }
        })],
    },
    Fault {
        id: "remove-filter-eq-only",
        title: "A removal whose filter has another operator than eq removes nothing",
        area: "patch",
        source: &["https://github.com/lightdash/lightdash/issues/18242"],
        wrong: "200, and all values are there still",
        right: "the values that match are gone, or 400",
        hooks: &[Hook::Operations(|operations, call, _| {
            let other = |path: &str| path.contains('[') && !path.to_ascii_lowercase().contains(" eq ");
            if call.kind() == Some(Kind::User) {
                operations.retain(|o| op(o) != "remove" || !other(&path(o)));
            }
            None
        })],
    },
    Fault {
        id: "attributes-unset-400",
        title: "A list that is asked for an attribute which somebody has no value for is refused",
        area: "projection",
        source: &["https://github.com/cloudfoundry/uaa/issues/109"],
        wrong: "GET /Users?attributes=phoneNumbers → 400",
        right: "200; who has none shows none",
        hooks: &[Hook::Before(|call, state| {
            let asks = call.param("attributes").is_some_and(|names| names.contains("phoneNumbers"));
            let lacks = || state.of(call).iter(Kind::User).any(|r| r.document()["phoneNumbers"].is_null());
            (call.lists(Kind::User) && asks && lacks()).then(|| bad("phoneNumbers is null"))
        })],
    },
    Fault {
        id: "manager-without-value-400",
        title: "A manager of whom only the displayName is sent is refused",
        area: "create",
        source: &["https://github.com/scimmyjs/scimmy/issues/28"],
        wrong: "400",
        right: "201; displayName is readOnly and ignored",
        hooks: &[Hook::Before(|call, _| {
            let manager =
                body_value(call, urn::ENTERPRISE)?.as_object().and_then(|e| get_ci(e, "manager"))?.as_object()?;
            let bare = !manager.is_empty() && get_ci(manager, "value").is_none();
            (matches!(call.method.as_str(), "POST" | "PUT") && bare).then(|| bad("manager.value is required"))
        })],
    },
];

/// Changes a user whom the request does not name.
fn change_user(call: &Call, state: &mut State, id: &str, change: impl Fn(&mut Value)) {
    let tenant = state.of_mut(call);
    let Some(mut document) = tenant.get(Kind::User, id).map(|r| r.document()) else { return };
    change(&mut document);
    tenant.update(Kind::User, id, &document);
}
