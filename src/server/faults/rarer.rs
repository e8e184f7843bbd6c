//! Faults that show only where one more thing comes together: an unknown member in a list, a word in a name, a second PUT.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    body_text, current, each_user, empty_list, filter_text, lists, on_item, op, path, remember, remembers,
    sent_members, sent_operations, set, touches, unreadable_filter, value,
};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "group-unknown-member-clears-all",
        title: "Replacing the members by a list with an unknown one empties the group",
        area: "groups",
        source: &[],
        wrong: "200, and nobody is left",
        right: "those that exist, or 400",
        hooks: &[Hook::Operations(|operations, call, state| {
            let unknown = names_unknown(operations, call, state);
            for operation in operations.iter_mut().filter(|o| unknown && op(o) == "replace" && touches(o, "members")) {
                set(operation, "path", "members");
                set(operation, "value", json!([]));
            }
            None
        })],
    },
    Fault {
        id: "group-unknown-member-500",
        title: "PATCH with the id of nobody as member crashes",
        area: "groups",
        source: &[],
        wrong: "500",
        right: "204, 400 or 404",
        hooks: &[Hook::Operations(|operations, call, state| names_unknown(operations, call, state).then(Reply::crash))],
    },
    Fault {
        id: "group-key-change-empties",
        title: "PATCH of a group's externalId takes its members away",
        area: "groups",
        source: &[],
        wrong: "no members",
        right: "the members as before",
        hooks: &[Hook::Operations(|operations, call, _| {
            if call.kind() == Some(Kind::Group) && operations.iter().any(|o| touches(o, "externalId")) {
                operations.push(json!({ "op": "remove", "path": "members" }));
            }
            None
        })],
    },
    Fault {
        id: "group-put-keeps-last-member",
        title: "PUT of a group stores only the last member of the list",
        area: "groups",
        source: &[],
        wrong: "one member",
        right: "all members",
        hooks: &[Hook::Store(|call, _, after| {
            if let Some(list) = after["members"].as_array_mut().filter(|_| on_item(call, "PUT", Kind::Group)) {
                let last = list.len().saturating_sub(1);
                list.drain(..last);
            }
        })],
    },
    Fault {
        id: "group-second-put-refused",
        title: "A group can be replaced once",
        area: "groups",
        source: &[],
        wrong: "400 for the second PUT",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let id = Value::from(call.id().filter(|_| on_item(call, "PUT", Kind::Group))?);
            if remembers(call, state, "replaced", &id) {
                return Some(Reply::error(400, Some("mutability"), "displayName is immutable."));
            }
            remember(call, state, "replaced", id);
            None
        })],
    },
    Fault {
        id: "group-member-of-other-group-refused",
        title: "A user can be a member of one group only",
        area: "groups",
        source: &[],
        wrong: "409 duplicate reference",
        right: "the user is a member of both",
        hooks: &[Hook::Before(|call, state| {
            let (own, writes) =
                (call.id().unwrap_or_default(), matches!(call.method.as_str(), "POST" | "PUT" | "PATCH"));
            let adds = call.method != "PATCH" || sent_operations(call).iter().any(|o| op(o) != "remove");
            let wanted = member_ids(call);
            let taken = state.of(call).iter(Kind::Group).any(|group| {
                let document = group.document();
                let members = document["members"].as_array().cloned().unwrap_or_default();
                group.id != own
                    && members.iter().filter_map(|m| m["value"].as_str()).any(|id| wanted.iter().any(|w| w == id))
            });
            (call.kind() == Some(Kind::Group) && writes && adds && taken)
                .then(|| Reply::error(409, Some("uniqueness"), "Duplicate reference."))
        })],
    },
    Fault {
        id: "group-member-write-500",
        title: "A user who is in a group cannot be changed",
        area: "groups",
        source: &[],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let id = call.id().filter(|_| call.kind() == Some(Kind::User))?;
            let writes = matches!(call.method.as_str(), "PUT" | "PATCH");
            let inside = state
                .of(call)
                .iter(Kind::Group)
                .any(|g| g.document()["members"].as_array().is_some_and(|m| m.iter().any(|m| m["value"] == id)));
            (writes && inside).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-value-cut-at-blank",
        title: "PATCH stores a text up to its first blank",
        area: "patch",
        source: &[],
        wrong: "\"Anna\"",
        right: "\"Anna Maria\"",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let cut =
                    value(operation).and_then(Value::as_str).and_then(|t| t.split_once(' ')).map(|(a, _)| a.to_owned());
                cut.into_iter().for_each(|text| set(operation, "value", text));
            }
            None
        })],
    },
    Fault {
        id: "patch-element-loses-siblings",
        title: "Replacing the value of one element takes its type and its other sub-attributes away",
        area: "patch",
        source: &[],
        wrong: "{\"value\":\"new\"}",
        right: "{\"value\":\"new\",\"type\":\"work\",\"primary\":true}",
        hooks: &[Hook::Store(|call, before, after| {
            let named =
                sent_operations(call).iter().any(|o| path(o).starts_with("emails[") && path(o).ends_with("].value"));
            let old = before.map(|b| b["emails"].clone()).unwrap_or_default();
            for email in after["emails"].as_array_mut().into_iter().flatten().filter(|_| named) {
                if !old.as_array().is_some_and(|o| o.contains(email)) {
                    *email = json!({ "value": email["value"] });
                }
            }
        })],
    },
    Fault {
        id: "patch-empty-list-ignored",
        title: "Replacing a list by the empty list changes nothing",
        area: "patch",
        source: &[],
        wrong: "the old e-mail addresses",
        right: "none",
        hooks: &[Hook::Operations(|operations, call, _| {
            let empty = |o: &Value| value(o).and_then(Value::as_array).is_some_and(Vec::is_empty);
            operations.retain(|o| call.kind() != Some(Kind::User) || op(o) != "replace" || !empty(o));
            None
        })],
    },
    Fault {
        id: "patch-email-becomes-user-name",
        title: "PATCH of the e-mail address changes userName, too",
        area: "patch",
        source: &[],
        wrong: "userName is the new address",
        right: "userName as before",
        hooks: &[Hook::Store(|call, before, after| {
            let changed = call.method == "PATCH" && sent_operations(call).iter().any(|o| touches(o, "emails"));
            let address = after["emails"][0]["value"].clone();
            if before.is_some() && changed && address.is_string() && call.kind() == Some(Kind::User) {
                after["userName"] = address;
            }
        })],
    },
    Fault {
        id: "patch-email-deletes-user",
        title: "A user whose e-mail address is patched is gone",
        area: "patch",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[
            Hook::Before(|call, state| {
                let id = Value::from(call.id()?);
                remembers(call, state, "lost", &id).then(|| Reply::error(404, None, "There is no such user."))
            }),
            Hook::After(|call, reply, state| {
                let changed = sent_operations(call).iter().any(|o| touches(o, "emails"));
                if on_item(call, "PATCH", Kind::User) && changed && reply.ok() {
                    let id = Value::from(call.id().unwrap_or_default());
                    remember(call, state, "lost", id);
                }
            }),
        ],
    },
    Fault {
        id: "create-adopts-by-email",
        title: "A create whose e-mail address is known answers 201 with the other user",
        area: "create",
        source: &[],
        wrong: "the id of somebody else",
        right: "a user of its own, or 409",
        hooks: &[Hook::After(|call, reply, state| {
            let sent = call.json().map(|b| b["emails"][0]["value"].clone()).unwrap_or_default();
            if !call.is("POST", Kind::User) || !reply.ok() || !sent.is_string() {
                return;
            }
            let kept = state.of(call).scratch.get("addresses").cloned().unwrap_or_default();
            match kept.iter().find(|k| k["address"] == sent) {
                Some(first) => *reply = Reply::json(201, first["user"].clone()),
                None => {
                    let user = reply.body_mut().map(|b| Value::Object(b.clone())).unwrap_or_default();
                    remember(call, state, "addresses", json!({ "address": sent, "user": user }));
                }
            }
        })],
    },
    Fault {
        id: "filter-words-in-values-cut",
        title: "The words and, or, not and pr count as operators inside a quoted value, too",
        area: "filter",
        source: &[],
        wrong: "400, or nothing found",
        right: "the user of that name",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call).to_ascii_lowercase();
            let inside: String = text.split('"').skip(1).step_by(2).map(|t| format!(" {t} ")).collect();
            let word = [" and ", " or ", " not ", " pr "].iter().any(|w| inside.contains(w));
            (lists(call) && word).then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-pr-inside-a-name",
        title: "An attribute whose name begins with an operator breaks the filter",
        area: "filter",
        source: &[],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call).to_ascii_lowercase();
            (lists(call) && text.contains(" preferredlanguage ")).then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-slash-finds-nothing",
        title: "A slash in the value of sw, co and ew finds nothing",
        area: "filter",
        source: &[],
        wrong: "0",
        right: "1",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call);
            let partial = [" sw ", " co ", " ew "].iter().any(|o| text.contains(o));
            (lists(call) && partial && text.contains('/')).then(empty_list)
        })],
    },
    Fault {
        id: "filter-star-is-a-wildcard",
        title: "A star in a value matches anything",
        area: "filter",
        source: &[],
        wrong: "everybody whose name begins so",
        right: "nobody has a star in the name",
        hooks: &[Hook::List(|query, call, _| {
            let text = filter_text(call);
            if text.starts_with("userName eq \"") && text.contains('*') {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-brackets-find-nothing",
        title: "Brackets and stars are taken for a query of the directory behind",
        area: "filter",
        source: &[],
        wrong: "0",
        right: "1",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call);
            let inside: String = text.split('"').skip(1).step_by(2).collect();
            (lists(call) && inside.contains(['(', ')'])).then(empty_list)
        })],
    },
    Fault {
        id: "filter-schemas-finds-nothing",
        title: "A filter on `schemas` finds nobody",
        area: "filter",
        source: &[],
        wrong: "0",
        right: "those with that schema",
        hooks: &[Hook::Before(|call, _| (lists(call) && filter_text(call).starts_with("schemas ")).then(empty_list))],
    },
    Fault {
        id: "list-count-zero-hides-total",
        title: "count=0 answers totalResults 0",
        area: "pagination",
        source: &[],
        wrong: "\"totalResults\":0",
        right: "the number of matches",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && call.param("count") == Some("0")
                && let Some(body) = reply.body_mut()
            {
                body.insert("totalResults".into(), 0.into());
            }
        })],
    },
    Fault {
        id: "error-nested-in-response",
        title: "The error stands under `response`",
        area: "errors",
        source: &[],
        wrong: "{\"response\":{…Error}}",
        right: "{…Error}",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                let error = Value::Object(std::mem::take(body));
                body.insert("response".into(), error);
            }
        })],
    },
    Fault {
        id: "external-id-overwritten-by-id",
        title: "externalId is shown as the id of the server",
        area: "schema",
        source: &[],
        wrong: "\"externalId\" is the id",
        right: "what the client sent",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let id = user.get("id").cloned().unwrap_or_default();
                if user.contains_key("externalId") {
                    user.insert("externalId".into(), id);
                }
            });
        })],
    },
    Fault {
        id: "excluded-drops-extensions",
        title: "excludedAttributes takes the extensions away, too",
        area: "projection",
        source: &[],
        wrong: "no enterprise attributes",
        right: "all but the named",
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("excludedAttributes").is_some() {
                each_user(call, reply, |user| drop(user.shift_remove(urn::ENTERPRISE)));
            }
        })],
    },
    Fault {
        id: "location-doubles-id",
        title: "meta.location of a single read has the id twice",
        area: "schema",
        source: &[],
        wrong: "…/Users/7/7",
        right: "…/Users/7",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "GET", Kind::User) {
                each_user(call, reply, |user| {
                    let id = user.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                    if let Some(Value::Object(meta)) = user.get_mut("meta") {
                        let doubled = format!("{}/{id}", meta["location"].as_str().unwrap_or_default());
                        meta.insert("location".into(), doubled.into());
                    }
                });
            }
        })],
    },
    Fault {
        id: "put-unknown-user-500",
        title: "PUT to a user that does not exist crashes",
        area: "put",
        source: &[],
        wrong: "500",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "PUT", Kind::User) && current(call, state).is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "put-extension-only-hidden",
        title: "PUT without the extension answers without it and keeps it",
        area: "put",
        source: &[],
        wrong: "gone in the answer, there in the read",
        right: "the same in both",
        hooks: &[
            Hook::Store(|call, before, after| {
                let old = before.map(|b| b[urn::ENTERPRISE].clone()).filter(Value::is_object);
                let omitted = on_item(call, "PUT", Kind::User) && after.get(urn::ENTERPRISE).is_none();
                if let Some(old) = old.filter(|_| omitted) {
                    after[urn::ENTERPRISE] = old;
                }
            }),
            Hook::After(|call, reply, _| {
                let omitted = call.json().is_some_and(|b| b.get(urn::ENTERPRISE).is_none());
                if on_item(call, "PUT", Kind::User) && omitted {
                    each_user(call, reply, |user| drop(user.shift_remove(urn::ENTERPRISE)));
                }
            }),
        ],
    },
    Fault {
        id: "create-name-case-ignored-in-parts",
        title: "Sub-attribute names are taken in one spelling only, and dropped in another",
        area: "create",
        source: &[],
        wrong: "no givenName",
        right: "GivenName is givenName",
        hooks: &[Hook::Before(|call, _| {
            let body = call.json_mut().and_then(Value::as_object_mut);
            let names = body.into_iter().flatten().filter(|(key, _)| key.eq_ignore_ascii_case("name"));
            for name in names.filter_map(|(_, v)| v.as_object_mut()) {
                name.retain(|key, _| key.starts_with(|c: char| c.is_ascii_lowercase()));
            }
            None
        })],
    },
    Fault {
        id: "user-name-from-email",
        title: "The answer to a create shows the address as userName, the read shows the name",
        area: "create",
        source: &[],
        wrong: "201 with another userName than GET",
        right: "the same",
        hooks: &[Hook::After(|call, reply, _| {
            let address = call.json().map(|b| b["emails"][0]["value"].clone()).filter(Value::is_string);
            if let Some(address) =
                address.filter(|_| call.is("POST", Kind::User) && body_text(call, "userName").is_some())
                && let Some(body) = reply.body_mut().filter(|b| b.contains_key("userName"))
            {
                body.insert("userName".into(), format!("x-{}", address.as_str().unwrap_or_default()).into());
            }
        })],
    },
];

/// The operations name a member that is no user and no group.
fn names_unknown(operations: &[Value], call: &Call, state: &State) -> bool {
    let known = |id: &String| [Kind::User, Kind::Group].into_iter().any(|k| state.of(call).get(k, id).is_some());
    let adds = operations.iter().any(|o| op(o) != "remove" && touches(o, "members"));
    call.kind() == Some(Kind::Group) && adds && member_ids(call).iter().any(|id| !known(id))
}

/// The ids of the members that a request names to be added or set.
fn member_ids(call: &Call) -> Vec<String> {
    sent_members(call).iter().filter_map(|m| m["value"].as_str().map(str::to_owned)).collect()
}
