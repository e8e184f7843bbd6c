//! Faults of public servers, a third sample: PATCH of users.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::mined_writes::{by_type, in_pathless, unreadable};
use super::tools::{
    bad, body_value, current, cut, forget, on_item, op, path, put_into_body, remember, remembers, sent_operations, set,
    touches, value,
};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::inventory::BADGE;
use crate::server::reply::Reply;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "patch-pads-elements",
        title: "A PATCH fills elements up with null, and the next PATCH is refused for it",
        area: "patch",
        source: &["https://github.com/scimmyjs/scimmy/issues/81"],
        wrong: "\"type\": null in the answer, then 400",
        right: "the elements as they were, then 200",
        hooks: &[
            Hook::Operations(|_, call, state| {
                let id = call.id().filter(|_| call.kind() == Some(Kind::User))?;
                remembers(call, state, "padded", &id.into())
                    .then(|| bad("Attribute 'type' contains non-canonical value from complex attribute 'emails'"))
            }),
            Hook::After(|call, reply, state| {
                if !on_item(call, "PATCH", Kind::User) || !reply.ok() {
                    return;
                }
                let id = call.id().unwrap_or_default().to_owned();
                let plain = current(call, state).is_some_and(|user| {
                    user["emails"].as_array().is_some_and(|list| list.iter().any(|e| e.get("type").is_none()))
                });
                if plain {
                    remember(call, state, "padded", id.into());
                }
                let emails = reply.body_mut().and_then(|b| b.get_mut("emails")).and_then(Value::as_array_mut);
                for email in emails.into_iter().flatten().filter_map(Value::as_object_mut) {
                    for part in ["display", "type", "primary"] {
                        email.entry(part).or_insert(Value::Null);
                    }
                }
            }),
        ],
    },
    Fault {
        id: "patch-replace-without-value-clears",
        title: "replace without a value clears the attribute",
        area: "patch",
        source: &["https://github.com/scimmyjs/scimmy/issues/80"],
        wrong: "200, no value",
        right: "400",
        hooks: &[Hook::Operations(|operations, _, _| {
            let bare = |o: &&mut Value| op(o) == "replace" && value(o).is_none() && !path(o).is_empty();
            operations.iter_mut().filter(bare).for_each(|o| set(o, "op", "remove"));
            None
        })],
    },
    Fault {
        id: "patch-unmatched-value-appended",
        title: "The value of a replace whose filter selects nothing is appended as it is",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/issues/74"],
        wrong: "200, one more element",
        right: "400 noTarget, or an element that the filter selects",
        hooks: &[Hook::Before(|call, state| {
            let mut document = current(call, state).filter(|_| call.method == "PATCH")?;
            let (list, new) = sent_operations(call).iter().find_map(|o| {
                let path = path(o);
                let (list, rest) = path.split_once('[')?;
                let wanted = rest.strip_suffix("\"]")?.rsplit_once('"')?.1.to_owned();
                let known = document[list].to_string().contains(&format!("\"{wanted}\""));
                (op(o) == "replace" && !known).then(|| Some((list.to_owned(), value(o)?.clone())))?
            })?;
            if document[&list].is_null() {
                document[&list] = json!([]);
            }
            document[&list].as_array_mut()?.push(new);
            let (kind, id) = (call.kind()?, call.id()?.to_owned());
            state.of_mut(call).update(kind, &id, &document);
            Some(Reply::empty(204))
        })],
    },
    Fault {
        id: "patch-add-after-null-400",
        title: "add of an attribute that was cleared with null is refused",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/issues/186"],
        wrong: "400 Invalid patch query",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let key = format!("nulled-{}", call.id().filter(|_| on_item(call, "PATCH", Kind::User))?);
            for operation in sent_operations(call).iter().filter(|o| !path(o).is_empty()) {
                let name = Value::from(path(operation));
                match (op(operation).as_str(), value(operation)) {
                    ("add", Some(_)) if remembers(call, state, &key, &name) => {
                        return Some(Reply::error(400, Some("invalidSyntax"), "Invalid patch query."));
                    }
                    (_, Some(Value::Null)) => remember(call, state, &key, name),
                    _ => drop(forget(call, state, &key, &name)),
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-unmatched-element-clears-list",
        title: "A replace whose filter selects nothing makes the element and takes the others away",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/pull/673"],
        wrong: "the new element alone",
        right: "the new element beside the others, or 400 noTarget",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            for operation in operations.iter_mut().filter(|o| op(o) == "replace") {
                if let Some((list, kind, sub)) = absent(operation, &held) {
                    let element = json!([{ "type": kind, sub: value(operation) }]);
                    *operation = json!({ "op": "replace", "path": list, "value": element });
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-strips-addresses",
        title: "A PATCH of anything else takes the parts of the addresses away",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/11801"],
        wrong: "an address with its type alone",
        right: "the addresses as they were",
        hooks: &[Hook::Store(|call, _, document| {
            if !on_item(call, "PATCH", Kind::User) || sent_operations(call).iter().any(|o| touches(o, "addresses")) {
                return;
            }
            let addresses = document.get_mut("addresses").and_then(Value::as_array_mut);
            for address in addresses.into_iter().flatten().filter_map(Value::as_object_mut) {
                address.retain(|part, _| ["type", "primary"].contains(&part.as_str()));
            }
        })],
    },
    Fault {
        id: "patch-display-name-shadowed",
        title: "PATCH of displayName changes nothing for a user who has name.formatted",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/28361"],
        wrong: "200, the old displayName",
        right: "the new one",
        hooks: &[Hook::Store(|call, before, document| {
            let Some(before) = before.filter(|_| on_item(call, "PATCH", Kind::User)) else { return };
            let formatted = before.get("name").and_then(|n| n.get("formatted"));
            if formatted.is_some()
                && let Some(old) = before.get("displayName").cloned()
                && document.get("displayName").is_some()
            {
                document["displayName"] = old;
            }
        })],
    },
    Fault {
        id: "patch-replace-list-nested",
        title: "replace of a list puts the new list into the old one",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/issues/36"],
        wrong: "[{\"value\": \"a\"}, [{\"value\": \"b\"}]]",
        right: "[{\"value\": \"b\"}]",
        hooks: &[Hook::Store(|call, before, document| nested(call, before, document, "replace"))],
    },
    Fault {
        id: "patch-add-list-nested",
        title: "add of a list puts the list into the old one as one element",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/pull/39"],
        wrong: "[{\"value\": \"a\"}, [{\"value\": \"b\"}]]",
        right: "[{\"value\": \"a\"}, {\"value\": \"b\"}]",
        hooks: &[Hook::Store(|call, before, document| nested(call, before, document, "add"))],
    },
    Fault {
        id: "patch-extension-object-ignored",
        title: "An object for a complex attribute of an extension is ignored",
        area: "patch",
        source: &["https://github.com/pond/scimitar/pull/160"],
        wrong: "200, the old manager",
        right: "the new manager",
        hooks: &[Hook::Operations(|operations, _, _| {
            let object = |o: &Value| value(o).is_some_and(Value::is_object);
            operations
                .retain(|o| !(path(o).starts_with(urn::ENTERPRISE) && path(o).ends_with(":manager") && object(o)));
            None
        })],
    },
    Fault {
        id: "patch-pathless-groups-written",
        title: "groups in a value without a path are kept for the user, by path they are refused",
        area: "patch",
        source: &["https://github.com/powerhome/power-tools/pull/442"],
        wrong: "200, the user shows the group, which has no such member",
        right: "400 mutability, or ignored",
        hooks: &[
            Hook::Before(|call, state| {
                let id = call.id().filter(|_| on_item(call, "PATCH", Kind::User))?.to_owned();
                let sent = sent_operations(call).iter().find_map(|o| {
                    let groups = value(o).filter(|_| path(o).is_empty())?.get("groups")?;
                    groups.as_array().is_some_and(|g| !g.is_empty()).then(|| groups.clone())
                })?;
                remember(call, state, &format!("own-groups-{id}"), sent);
                Some(Reply::empty(204))
            }),
            Hook::After(|call, reply, state| {
                if call.kind() == Some(Kind::User) {
                    for user in reply.resources() {
                        let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
                        let kept = state.of(call).scratch.get(&format!("own-groups-{id}")).and_then(|k| k.last());
                        if let Some(groups) = kept.cloned() {
                            user.insert("groups".into(), groups);
                        }
                    }
                }
            }),
        ],
    },
    Fault {
        id: "patch-remove-names-ignored",
        title: "remove of displayName or name.formatted is answered with success and changes nothing",
        area: "patch",
        source: &["https://github.com/vouch-sh/vouch/pull/932"],
        wrong: "200, the old value",
        right: "no value, or 400",
        hooks: &[Hook::Operations(|operations, call, _| {
            let name = |o: &Value| ["displayname", "name.formatted"].contains(&path(o).to_ascii_lowercase().as_str());
            if call.kind() == Some(Kind::User) {
                operations.retain(|o| !(op(o) == "remove" && name(o)));
            }
            None
        })],
    },
    Fault {
        id: "null-becomes-none",
        title: "null for a text is stored as the text None",
        area: "patch",
        // Fixed issues of Archer SCIM Release 1.1, SCIM-485; the page is known by its text alone.
        source: &[],
        wrong: "\"title\": \"None\"",
        right: "no title",
        hooks: &[
            Hook::Operations(|operations, _, _| {
                for operation in operations.iter_mut() {
                    if ["title", "name.middleName"].contains(&path(operation).as_str())
                        && value(operation) == Some(&Value::Null)
                    {
                        set(operation, "value", "None");
                    }
                    in_pathless(operation, |map| {
                        if map.get("title") == Some(&Value::Null) {
                            map.insert("title".into(), "None".into());
                        }
                    });
                }
                None
            }),
            Hook::Before(|call, _| {
                if on_item(call, "PUT", Kind::User) && body_value(call, "title") == Some(&Value::Null) {
                    put_into_body(call, "title", "None".into());
                }
                None
            }),
        ],
    },
    Fault {
        id: "patch-null-value-400",
        title: "null as the value of a PATCH operation, or in it, is refused",
        area: "patch",
        source: &[],
        wrong: "400 for \"nickName\": null",
        right: "200, and no nickName",
        hooks: &[Hook::Operations(|operations, _, _| {
            let hollow = |v: &Value| v.is_null() || v.as_object().is_some_and(|v| v.values().any(Value::is_null));
            operations.iter().any(|o| value(o).is_some_and(hollow)).then(|| bad("value must not be null"))
        })],
    },
    Fault {
        id: "patch-same-emails-400",
        title: "Replacing the e-mail addresses by the same ones is refused",
        area: "patch",
        source: &["https://jira.atlassian.com/browse/ID-8027"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let texts = |list: &Value| -> Vec<String> {
                let all = list.as_array().into_iter().flatten();
                all.filter_map(|e| e["value"].as_str()).map(str::to_owned).collect()
            };
            let mine = texts(&held["emails"]);
            let same = |o: &Value| path(o) == "emails" && value(o).is_some_and(|v| texts(v) == mine);
            (!mine.is_empty() && operations.iter().any(|o| op(o) == "replace" && same(o)))
                .then(|| bad("Resource [USER] One email address need to be marked as primary."))
        })],
    },
    Fault {
        id: "patch-made-element-untyped",
        title: "An element that a value path makes lacks what its filter says",
        area: "patch",
        source: &["https://github.com/wso2/charon/issues/309"],
        wrong: "{\"value\": \"a@example.com\"}",
        right: "{\"type\": \"work\", \"value\": \"a@example.com\"}",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            for operation in operations.iter_mut().filter(|o| op(o) != "remove") {
                if let Some((list, _, sub)) = absent(operation, &held) {
                    let element = json!([{ sub: value(operation) }]);
                    *operation = json!({ "op": "add", "path": list, "value": element });
                }
            }
            None
        })],
    },
    Fault {
        id: "custom-clear-answered-only",
        title: "An attribute of an own extension that PATCH clears is there again in the next read",
        area: "advertised",
        source: &["https://github.com/GluuFederation/oxTrust/issues/1376"],
        wrong: "the answer without the value, the read with it",
        right: "no value",
        hooks: &[
            Hook::Before(|call, state| {
                let clears = |o: &Value| {
                    path(o).starts_with(BADGE) && (op(o) == "remove" || value(o).is_some_and(|v| v.is_null()))
                };
                if on_item(call, "PATCH", Kind::User) && sent_operations(call).iter().any(clears) {
                    call.memo = current(call, state).and_then(|u| u.get(BADGE).cloned());
                }
                None
            }),
            Hook::After(|call, reply, state| {
                if let Some(badge) = call.memo.clone().filter(|_| reply.ok() && on_item(call, "PATCH", Kind::User))
                    && let Some(mut user) = current(call, state)
                {
                    user[BADGE] = badge;
                    let id = call.id().unwrap_or_default().to_owned();
                    state.of_mut(call).update(Kind::User, &id, &user);
                }
            }),
        ],
    },
    Fault {
        id: "patch-empty-object-500",
        title: "An empty object as value crashes",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/pull/527"],
        wrong: "500",
        right: "200, or 400",
        hooks: &[Hook::Operations(|operations, _, _| {
            let empty = |o: &Value| value(o).and_then(Value::as_object).is_some_and(|m| m.is_empty());
            operations.iter().any(empty).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-value-path-hits-primary",
        title: "A value path changes the primary address, whichever it names",
        area: "patch",
        source: &["https://github.com/onyx-dot-app/onyx/pull/14110"],
        wrong: "the primary address is changed",
        right: "the address that the filter selects is changed",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let primary = |e: &Value| e["primary"] == true;
            if held["emails"].as_array().into_iter().flatten().any(primary) {
                for operation in operations.iter_mut().filter(|o| op(o) != "remove") {
                    let path = path(operation);
                    if let Some(("emails", _, rest)) = by_type(&path) {
                        set(operation, "path", format!("emails[primary eq true]{rest}"));
                    }
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-emails-list-500",
        title: "A list of e-mail addresses with a path crashes",
        area: "patch",
        source: &["https://github.com/onyx-dot-app/onyx/pull/14110"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let list = |o: &Value| path(o) == "emails" && value(o).is_some_and(|v| v.is_array());
            operations.iter().any(list).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-enterprise-number-500",
        title: "A number for an enterprise attribute crashes",
        area: "errors",
        source: &["https://github.com/onyx-dot-app/onyx/pull/14110"],
        wrong: "500",
        right: "400, or 200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let odd = |v: &Value| v.is_number() || v.is_boolean();
            let number = |o: &Value| {
                path(o).starts_with(urn::ENTERPRISE) && value(o).is_some_and(odd)
                    || value(o).and_then(|v| v.get(urn::ENTERPRISE)?.as_object()).is_some_and(|m| m.values().any(odd))
            };
            operations.iter().any(number).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-enterprise-department-only",
        title: "A PATCH that names another enterprise attribute than department is refused",
        area: "patch",
        source: &["https://github.com/fleetdm/fleet/pull/44822"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let other = |name: &str| !name.is_empty() && !name.eq_ignore_ascii_case("department");
            let named = |o: &Value| {
                let by_path =
                    path(o).strip_prefix(urn::ENTERPRISE).and_then(|r| r.strip_prefix(':')).is_some_and(other);
                let inside = value(o).and_then(|v| v.get(urn::ENTERPRISE)?.as_object());
                by_path || inside.is_some_and(|m| m.keys().any(|k| other(k)))
            };
            operations.iter().any(named).then(|| unreadable("The attribute is not part of the schema."))
        })],
    },
    Fault {
        id: "patch-whole-extension-400",
        title: "A path that is the URN of an extension is refused",
        area: "patch",
        source: &["https://github.com/python-scim/scim2-server/pull/12"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| path(o) == urn::ENTERPRISE).then(|| unreadable("The path names no attribute."))
        })],
    },
    Fault {
        id: "patch-pathless-replaces-all",
        title: "replace without a path replaces the whole user",
        area: "patch",
        source: &["https://github.com/ssoready/ssoready/pull/206"],
        wrong: "what the value does not name is gone",
        right: "what the value does not name stays",
        hooks: &[Hook::Store(|call, _, document| {
            let operations = sent_operations(call);
            let whole = operations.iter().find(|o| op(o) == "replace" && path(o).is_empty());
            let named = whole.and_then(value).and_then(Value::as_object).filter(|_| on_item(call, "PATCH", Kind::User));
            if let (Some(named), Some(document)) = (named, document.as_object_mut()) {
                let names =
                    |key: &str| named.keys().any(|k| k.to_ascii_lowercase().starts_with(&key.to_ascii_lowercase()));
                document.retain(|k, _| ["schemas", "userName", "active"].contains(&k.as_str()) || names(k));
            }
        })],
    },
    Fault {
        id: "patch-fresh-element-500",
        title: "A second part for an element that the same PATCH makes crashes",
        area: "patch",
        source: &["https://github.com/apache/directory-scimple/pull/251"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let mut made: Vec<(String, String)> = Vec::new();
            for operation in operations.iter().filter(|o| op(o) != "remove") {
                if let Some((list, kind, _)) = absent(operation, &held) {
                    if made.contains(&(list.clone(), kind.clone())) {
                        return Some(Reply::crash());
                    }
                    made.push((list, kind));
                }
            }
            None
        })],
    },
];

/// List, kind and part of a value path `list[type eq "kind"].part` that selects nothing.
fn absent(operation: &Value, held: &Value) -> Option<(String, String, String)> {
    let path = path(operation);
    let (list, kind, rest) = by_type(&path)?;
    let there = held[list].as_array().into_iter().flatten().any(|e| e["type"] == kind);
    let sub = rest.strip_prefix('.')?;
    (!there).then(|| (list.to_owned(), kind.to_owned(), sub.to_owned()))
}

/// Puts a list that this operation brings into the list that was there, as one element of it.
fn nested(call: &Call, before: Option<&Value>, document: &mut Value, which: &str) {
    let Some(before) = before.filter(|_| call.method == "PATCH") else { return };
    for operation in sent_operations(call).iter().filter(|o| op(o) == which) {
        let list = path(operation);
        let old = before.get(&list).and_then(Value::as_array).filter(|l| l.first().is_some_and(Value::is_object));
        if let (Some(old), Some(new)) = (old, value(operation).filter(|v| v.is_array()).cloned()) {
            let mut all = old.clone();
            all.push(new);
            document[&list] = all.into();
        }
    }
    if document.get("emails") == Some(&Value::Null) {
        cut(document, "emails");
    }
}
