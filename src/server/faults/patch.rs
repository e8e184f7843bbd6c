//! Faults: PATCH of users.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{bad, current, cut, each, move_id, on_item, op, path, sent_operations, set, shown, touches, value};
use crate::scim::path::{AttrPath, parse_path};
use crate::scim::urn;
use crate::scim::value::is_unassigned;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::intake::resource_type;
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "patch-add-ignored",
        title: "add operations skipped silently",
        area: "patch",
        source: &["https://github.com/open-webui/open-webui/issues/30074"],
        wrong: "200, externalId missing",
        right: "externalId e7",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| op(o) != "add");
            None
        })],
    },
    Fault {
        id: "patch-add-overwrites-multivalued",
        title: "add on a multi-valued attribute replaces it",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/11678"],
        wrong: "one e-mail left",
        right: "two e-mails",
        hooks: &[Hook::Operations(|operations, call, _| {
            for operation in operations {
                let whole = value(operation).is_some_and(Value::is_array);
                if call.kind() == Some(Kind::User) && op(operation) == "add" && whole {
                    set(operation, "op", "replace");
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-capitalized-op-rejected",
        title: "Capitalized op (Add/Replace/Remove) refused",
        area: "patch",
        source: &[
            "https://github.com/langwatch/langwatch/issues/6972",
            "https://github.com/langwatch/langwatch/pull/7121",
            "https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/5",
            "https://github.com/elimity-com/scim/pull/79",
            "https://github.com/imulab/go-scim/issues/54",
            "https://github.com/thomaspoignant/scim-patch/pull/6",
            "https://github.com/ssoready/ssoready/pull/159",
        ],
        wrong: "400, user stays active",
        right: "200, active:false",
        hooks: &[Hook::Operations(|operations, _, _| {
            let capitalized = |o: &Value| o["op"].as_str().is_some_and(|op| op != op.to_ascii_lowercase());
            operations
                .iter()
                .any(capitalized)
                .then(|| Reply::error(400, Some("invalidSyntax"), "op must be add, remove or replace."))
        })],
    },
    Fault {
        id: "patch-dotted-key-rejected",
        title: "Dotted keys in a path-less value refused",
        area: "patch",
        source: &["https://github.com/scimmyjs/scimmy/issues/10", "https://github.com/RIPAGlobal/scimitar/pull/69"],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.iter().any(|o| {
                path(o).is_empty()
                    && value(o)
                        .and_then(Value::as_object)
                        .is_some_and(|m| m.keys().any(|k| k.contains('.') && !k.starts_with("urn:")))
            }))
            .then(|| bad("Unknown attribute."))
        })],
    },
    Fault {
        id: "patch-email-ignored",
        title: "E-mail changes are not applied after creation",
        area: "patch",
        source: &["https://github.com/sourcegraph/sourcegraph-public-snapshot/issues/48720"],
        wrong: "200, old value",
        right: "new value",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PATCH", Kind::User)
                && let Some(before) = before
            {
                match before.get("emails") {
                    Some(emails) => after["emails"] = emails.clone(),
                    None => cut(after, "emails"),
                }
            }
        })],
    },
    Fault {
        id: "patch-leaks-into-name",
        title: "Patched attribute is duplicated inside other complex attributes",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/595"],
        wrong: "title also inside name",
        right: "only title",
        hooks: &[Hook::Store(|call, before, after| {
            if !on_item(call, "PATCH", Kind::User) {
                return;
            }
            let changed: Vec<(String, Value)> = after
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, v)| v.is_string() && before.and_then(|b| b.get(name.as_str())) != Some(*v))
                .map(|(name, v)| (name.clone(), v.clone()))
                .collect();
            for (name, value) in changed {
                after["name"][name.as_str()] = value;
            }
        })],
    },
    Fault {
        id: "patch-not-atomic",
        title: "Failed PATCH keeps the operations before the failing one",
        area: "patch",
        source: &[
            "https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/200",
            "https://github.com/python-scim/scim2-models/issues/155",
            "https://github.com/zulip/zulip/issues/39869",
        ],
        wrong: "400 and title changed",
        right: "400 and nothing changed",
        hooks: &[Hook::Switch(|b| b.patch_keeps_partial = true)],
    },
    Fault {
        id: "patch-null-value-500",
        title: "null as PATCH value crashes",
        area: "patch",
        source: &[
            "https://github.com/NorthlandPositronics/Cogtrix/pull/371",
            "https://github.com/jelhub/scimgateway (README.md, change log)",
        ],
        wrong: "500",
        right: "200, attribute unassigned (or 400)",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| value(o) == Some(&Value::Null)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-only-active-supported",
        title: "Every attribute but active is refused",
        area: "patch",
        source: &["https://github.com/getsentry/sentry/issues/79354"],
        wrong: "400 \"value must be a boolean or object\"",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            (call.kind() == Some(Kind::User) && operations.iter().any(|o| !touches(o, "active")))
                .then(|| bad("The value must be a boolean or an object with active."))
        })],
    },
    Fault {
        id: "patch-primary-not-exclusive",
        title: "Setting a new primary leaves the old one primary",
        area: "patch",
        source: &[
            "https://github.com/sourcegraph/sourcegraph-public-snapshot/issues/49210",
            "https://github.com/python-scim/scim2-models/issues/116",
            "https://github.com/wso2/product-is/issues/3866",
        ],
        wrong: "two primary values",
        right: "old one set to false",
        hooks: &[Hook::Store(|call, before, after| {
            let adds = sent_operations(call).iter().any(|o| op(o) == "add");
            let (Some(before), true) = (before, on_item(call, "PATCH", Kind::User) && adds) else {
                return;
            };
            for name in ["emails", "phoneNumbers", "addresses"] {
                let primary = |v: &&Value| v.get("primary") == Some(&Value::Bool(true));
                let was: Vec<&Value> = before[name].as_array().into_iter().flatten().filter(primary).collect();
                for entry in after[name].as_array_mut().into_iter().flatten() {
                    if was.iter().any(|w| w["value"] == entry["value"]) {
                        entry["primary"] = true.into();
                    }
                }
                if after[name].is_null() {
                    cut(after, name);
                }
            }
        })],
    },
    Fault {
        id: "patch-remove-ignored",
        title: "remove operations skipped silently",
        area: "patch",
        source: &[
            "https://github.com/better-auth/better-auth/issues/10421",
            "https://github.com/open-webui/open-webui/issues/30074",
        ],
        wrong: "success, title still T",
        right: "title gone",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| op(o) != "remove");
            None
        })],
    },
    Fault {
        id: "patch-response-schema-is-patchop",
        title: "PATCH response carries the PatchOp schema",
        area: "patch",
        source: &["https://github.com/jelhub/scimgateway/issues/33"],
        wrong: "schemas:[PatchOp]",
        right: "schemas of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && call.kind().is_some() {
                each(call, reply, |resource| {
                    resource.insert("schemas".into(), json!([urn::PATCH_OP]));
                });
            }
        })],
    },
    Fault {
        id: "patch-returns-stale-resource",
        title: "PATCH response shows the state before the change",
        area: "patch",
        source: &["https://github.com/open-webui/open-webui/issues/30074"],
        wrong: "body without the new title",
        right: "body with it",
        hooks: &[
            Hook::Before(|call, state| {
                call.memo = current(call, state).filter(|_| on_item(call, "PATCH", Kind::User));
                None
            }),
            Hook::After(|call, reply, _| {
                let Some(Value::Object(old)) = &call.memo else {
                    return;
                };
                for user in shown(call, reply, Kind::User) {
                    user.retain(|name, _| matches!(name.as_str(), "schemas" | "id" | "groups" | "meta"));
                    for (name, value) in old.iter().filter(|(name, _)| *name != "password") {
                        user.insert(name.clone(), value.clone());
                    }
                }
            }),
        ],
    },
    Fault {
        id: "patch-username-duplicate-accepted",
        title: "Rename onto an existing userName accepted",
        area: "patch",
        source: &[
            "https://github.com/simpleidserver/SimpleIdServer/issues/928",
            "https://github.com/NorthlandPositronics/Cogtrix/pull/128",
        ],
        wrong: "200, two users with one name",
        right: "409 uniqueness",
        hooks: &[Hook::Switch(|b| b.unchecked_names = &["PATCH"])],
    },
    Fault {
        id: "patch-value-path-no-match-400",
        title: "add/replace on emails[type eq \"work\"].value fails when there is none yet",
        area: "patch",
        source: &[
            "https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/73",
            "https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/416",
            "https://github.com/sourcegraph/sourcegraph-public-snapshot/pull/49200",
            "https://github.com/zitadel/zitadel/pull/9690",
            "https://github.com/thomaspoignant/scim-patch/issues/187",
        ],
        wrong: "400 noTarget",
        right: "200, a work e-mail is created (Entra expects it)",
        hooks: &[Hook::Switch(|b| b.value_path_creates = false)],
    },
    Fault {
        id: "patch-string-false-is-true",
        title: "The text \"False\" counts as true",
        area: "patch",
        source: &[],
        wrong: "active stays true",
        right: "active false",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if touches(o, "active")
                    && value(o)
                        .map(|v| v.get("active").unwrap_or(v))
                        .and_then(Value::as_str)
                        .is_some_and(|s| s.eq_ignore_ascii_case("false"))
                {
                    let on = match path(o).is_empty() {
                        true => json!({ "active": true }),
                        false => true.into(),
                    };
                    set(operation, "value", on);
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-string-boolean-500",
        title: "A Boolean sent as text crashes",
        area: "patch",
        source: &[],
        wrong: "500 for \"value\": \"False\"",
        right: "200, or 400",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.iter().any(|o| {
                touches(o, "active") && value(o).map(|v| v.get("active").unwrap_or(v)).is_some_and(Value::is_string)
            }))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-second-operation-ignored",
        title: "Only the first operation is applied",
        area: "patch",
        source: &[],
        wrong: "the other changes are lost",
        right: "all are applied",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.truncate(1);
            None
        })],
    },
    Fault {
        id: "patch-order-reversed",
        title: "Operations are applied from last to first",
        area: "patch",
        source: &[],
        wrong: "the first one wins",
        right: "the last one wins",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.reverse();
            None
        })],
    },
    Fault {
        id: "patch-urn-path-rejected",
        title: "Paths with a schema URN are refused",
        area: "patch",
        source: &[],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.iter().any(|o| path(o).starts_with("urn:")))
                .then(|| Reply::error(400, Some("invalidPath"), "Unknown attribute."))
        })],
    },
    Fault {
        id: "patch-urn-path-ignored",
        title: "Paths with a schema URN are skipped silently",
        area: "patch",
        source: &[],
        wrong: "200, nothing changed",
        right: "the attribute changes",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !(path(o).starts_with("urn:")));
            None
        })],
    },
    Fault {
        id: "patch-dotted-key-ignored",
        title: "Dotted keys in a path-less value are skipped silently",
        area: "patch",
        source: &[],
        wrong: "200, old name",
        right: "the sub-attribute changes",
        hooks: &[
            Hook::Operations(|operations, _, _| {
                for operation in operations.iter_mut() {
                    let o = &*operation;
                    if path(o).is_empty()
                        && let Some(mut map) = value(o).and_then(Value::as_object).cloned()
                    {
                        map.retain(|k, _| k.starts_with("urn:") || !k.contains('.'));
                        set(operation, "value", map);
                    }
                }
                None
            }),
            Hook::Operations(|operations, _, _| {
                operations.retain(|o| !(value(o) == Some(&json!({}))));
                None
            }),
        ],
    },
    Fault {
        id: "patch-pathless-ignored",
        title: "Operations without a path are skipped silently",
        area: "patch",
        source: &[],
        wrong: "200, nothing changed",
        right: "200, changed",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !(path(o).is_empty()));
            None
        })],
    },
    Fault {
        id: "patch-replace-appends",
        title: "replace of a multi-valued attribute adds to it",
        area: "patch",
        source: &[],
        wrong: "old and new values",
        right: "only the new values",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if op(o) == "replace" && value(o).is_some_and(Value::is_array) && !touches(o, "members") {
                    set(operation, "op", "add");
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-replace-ignored",
        title: "replace operations are skipped silently",
        area: "patch",
        source: &[],
        wrong: "200, old value",
        right: "new value",
        hooks: &[Hook::Operations(|operations, call, _| {
            operations.retain(|o| !(call.kind() == Some(Kind::User) && (op(o) == "replace" && !touches(o, "active"))));
            None
        })],
    },
    Fault {
        id: "patch-answers-empty-200",
        title: "PATCH answers 200 without a body",
        area: "patch",
        source: &[],
        wrong: "200 and nothing",
        right: "200 with the resource, or 204",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && reply.status == 200 {
                reply.content = Content::Empty;
            }
        })],
    },
    Fault {
        id: "patch-answers-202",
        title: "PATCH answers 202",
        area: "patch",
        source: &[],
        wrong: "202",
        right: "200 or 204",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && reply.status == 200 {
                reply.status = 202;
            }
        })],
    },
    Fault {
        id: "patch-unknown-op-accepted",
        title: "An unknown op is skipped silently",
        area: "patch",
        source: &[],
        wrong: "200",
        right: "400 invalidSyntax",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| matches!(op(o).as_str(), "add" | "remove" | "replace"));
            None
        })],
    },
    Fault {
        id: "patch-unknown-path-accepted",
        title: "A path that names no attribute is skipped silently",
        area: "patch",
        source: &[],
        wrong: "200",
        right: "400 invalidPath or noTarget",
        hooks: &[Hook::Operations(|operations, call, _| {
            let rt = resource_type(call.kind()?);
            operations.retain(|o| {
                let path = path(o);
                let name = path.split(['.', '[']).next().unwrap_or_default();
                path.is_empty()
                    || path.starts_with("urn:")
                    || name == "manager"
                    || rt.attribute(&AttrPath::of(name)).is_some()
            });
            None
        })],
    },
    Fault {
        id: "patch-bad-path-500",
        title: "A path that can not be read crashes",
        area: "patch",
        source: &[],
        wrong: "500",
        right: "400 invalidPath",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.iter().any(|o| parse_path(&path(o), resource_type(Kind::User)).is_err() && !path(o).is_empty()))
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-id-changes",
        title: "PATCH changes the id",
        area: "patch",
        source: &[],
        wrong: "the resource moves to the new id",
        right: "400 mutability, or ignored",
        hooks: &[
            Hook::Operations(|operations, _, _| {
                operations.retain(|o| !path(o).eq_ignore_ascii_case("id"));
                None
            }),
            Hook::After(|call, reply, state| {
                let wanted = sent_operations(call)
                    .iter()
                    .find(|o| path(o).eq_ignore_ascii_case("id"))
                    .and_then(|o| value(o)?.as_str().map(str::to_owned));
                if let (Some(new), Some(kind), true) = (wanted, call.kind(), call.method == "PATCH") {
                    move_id(call, reply, state, kind, &new);
                }
            }),
        ],
    },
    Fault {
        id: "patch-clears-other-attributes",
        title: "PATCH clears what it does not mention",
        area: "patch",
        source: &[],
        wrong: "the other attributes are gone",
        right: "they stay",
        hooks: &[Hook::Store(|call, _, after| {
            if on_item(call, "PATCH", Kind::User)
                && let Some(map) = after.as_object_mut()
            {
                let operations = sent_operations(call);
                map.retain(|name, _| {
                    matches!(name.as_str(), "userName" | "active" | "password")
                        || operations.iter().any(|o| touches(o, name))
                });
            }
        })],
    },
    Fault {
        id: "patch-name-part-clears-siblings",
        title: "Setting name.familyName clears name.givenName",
        area: "patch",
        source: &[],
        wrong: "only the new part is left",
        right: "both parts",
        hooks: &[Hook::Store(|call, _, after| {
            let part = sent_operations(call)
                .iter()
                .filter(|o| op(o) != "remove")
                .find_map(|o| path(o).strip_prefix("name.").map(str::to_owned));
            if let Some(part) = part
                && let Some(name) = after.get_mut("name").and_then(Value::as_object_mut)
            {
                name.retain(|sub, _| *sub == part);
            }
        })],
    },
    Fault {
        id: "patch-extension-part-clears-siblings",
        title: "Setting the department clears the rest of the extension",
        area: "patch",
        source: &[],
        wrong: "only the department is left",
        right: "the rest stays",
        hooks: &[Hook::Store(|call, _, after| {
            let prefix = format!("{}:", urn::ENTERPRISE);
            let part = sent_operations(call).iter().find_map(|o| path(o).strip_prefix(&prefix).map(str::to_owned));
            if let Some(part) = part
                && let Some(extension) = after.get_mut(urn::ENTERPRISE).and_then(Value::as_object_mut)
            {
                extension.retain(|sub, _| *sub == part);
            }
        })],
    },
    Fault {
        id: "patch-username-remove-accepted",
        title: "Removing userName is answered with success",
        area: "patch",
        source: &[],
        wrong: "200, still there",
        right: "400",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !(op(o) == "remove" && path(o).eq_ignore_ascii_case("userName")));
            None
        })],
    },
    Fault {
        id: "patch-manager-string-rejected",
        title: "The manager sent as a bare id is refused",
        area: "patch",
        source: &[],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations
                .iter()
                .any(|o| path(o).to_ascii_lowercase().ends_with("manager") && value(o).is_some_and(Value::is_string)))
            .then(|| bad("manager must be an object."))
        })],
    },
    Fault {
        id: "patch-manager-not-cleared",
        title: "The manager can not be removed",
        area: "patch",
        source: &[],
        wrong: "200, manager stays",
        right: "manager gone",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| {
                !(path(o).to_ascii_lowercase().contains("manager")
                    && (op(o) == "remove" || value(o).is_some_and(|v| *v == "" || is_unassigned(v))))
            });
            None
        })],
    },
    Fault {
        id: "patch-value-filter-touches-all",
        title: "A filter in the path is ignored: every e-mail changes",
        area: "patch",
        source: &[],
        wrong: "all e-mails changed",
        right: "only the work e-mail",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if path(o).starts_with("emails[") && op(o) != "remove" {
                    let path = path(o);
                    let rest = path.rsplit(']').next().unwrap_or_default();
                    set(operation, "path", format!("emails[value pr]{rest}"));
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-value-filter-duplicates",
        title: "Replacing the work e-mail adds a second one",
        area: "patch",
        source: &[],
        wrong: "two work e-mails",
        right: "one, changed",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if path(o) == "emails[type eq \"work\"].value" && value(o).is_some_and(Value::is_string) {
                    let entry = json!([{ "type": "work", "value": value(o) }]);
                    set(operation, "op", "add");
                    set(operation, "path", "emails");
                    set(operation, "value", entry);
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-remove-filter-removes-all",
        title: "Removing one e-mail by filter removes all",
        area: "patch",
        source: &[],
        wrong: "no e-mails left",
        right: "the others stay",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if op(o) == "remove" && path(o).starts_with("emails[") {
                    set(operation, "path", "emails");
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-path-case-sensitive",
        title: "Attribute names in a path are compared with case",
        area: "patch",
        source: &[],
        wrong: "400 for path \"USERNAME\"",
        right: "attribute names are case-insensitive",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.iter().any(|o| {
                ["userName", "displayName", "title", "active", "nickName"]
                    .iter()
                    .any(|n| n.eq_ignore_ascii_case(&path(o)) && *n != path(o))
            }))
            .then(|| Reply::error(400, Some("invalidPath"), "Unknown attribute."))
        })],
    },
    Fault {
        id: "patch-add-scalar-exists-400",
        title: "add on an attribute that has a value is refused",
        area: "patch",
        source: &[],
        wrong: "400",
        right: "the value is replaced",
        hooks: &[Hook::Operations(|operations, call, state| {
            let user = current(call, state)?;
            let exists = |o: &Value| op(o) == "add" && user.get(path(o).as_str()).is_some_and(Value::is_string);
            operations.iter().any(exists).then(|| bad("The attribute has a value already."))
        })],
    },
    Fault {
        id: "patch-displayname-ignored",
        title: "displayName can not be changed",
        area: "patch",
        source: &[],
        wrong: "200, old value",
        right: "new value",
        hooks: &[Hook::Operations(|operations, call, _| {
            operations.retain(|o| !(call.kind() == Some(Kind::User) && (touches(o, "displayName"))));
            None
        })],
    },
    Fault {
        id: "patch-username-ignored",
        title: "userName can not be changed",
        area: "patch",
        source: &[],
        wrong: "200, old name",
        right: "new name",
        hooks: &[Hook::Operations(|operations, call, _| {
            operations.retain(|o| !(call.kind() == Some(Kind::User) && (touches(o, "userName"))));
            None
        })],
    },
    Fault {
        id: "patch-enterprise-ignored",
        title: "Enterprise attributes are not changed by PATCH",
        area: "patch",
        source: &[],
        wrong: "200, old department",
        right: "new department",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PATCH", Kind::User) {
                match before.and_then(|b| b.get(urn::ENTERPRISE)) {
                    Some(extension) => after[urn::ENTERPRISE] = extension.clone(),
                    None => cut(after, urn::ENTERPRISE),
                }
            }
        })],
    },
    Fault {
        id: "patch-users-405",
        title: "PATCH of users is not implemented",
        area: "patch",
        source: &[],
        wrong: "405",
        right: "200 or 204",
        hooks: &[Hook::Before(|call, _| {
            on_item(call, "PATCH", Kind::User)
                .then(|| Reply::error(405, None, "Not allowed.").with("Allow", "GET, HEAD, PUT, DELETE"))
        })],
    },
    Fault {
        id: "patch-unknown-id-204",
        title: "PATCH of an unknown id answers success",
        area: "patch",
        source: &[],
        wrong: "200",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && reply.status == 404 && call.id().is_some() {
                *reply = Reply::empty(204);
            }
        })],
    },
    Fault {
        id: "patch-remove-without-path-accepted",
        title: "remove without a path is accepted",
        area: "patch",
        source: &[],
        wrong: "200",
        right: "400 noTarget",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !(op(o) == "remove" && path(o).is_empty()));
            None
        })],
    },
    Fault {
        id: "patch-unknown-op-500",
        title: "An unknown op crashes",
        area: "patch",
        source: &[],
        wrong: "500",
        right: "400 invalidSyntax",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.iter().any(|o| !matches!(op(o).as_str(), "add" | "remove" | "replace"))).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-several-operations-rejected",
        title: "More than one operation is refused",
        area: "patch",
        source: &[],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            (operations.len() > 1).then(|| bad("Only one operation is supported."))
        })],
    },
    Fault {
        id: "patch-readonly-accepted",
        title: "A change of a readOnly attribute is answered with success",
        area: "patch",
        source: &[],
        wrong: "200, nothing changed",
        right: "400 mutability",
        hooks: &[Hook::Operations(|operations, call, _| {
            operations.retain(|o| {
                !(call.kind() == Some(Kind::User)
                    && (["id", "meta", "groups"].iter().any(|n| path(o).eq_ignore_ascii_case(n))))
            });
            None
        })],
    },
    Fault {
        id: "patch-add-existing-work-email-400",
        title: "add on an existing work e-mail is refused",
        area: "patch",
        source: &[],
        wrong: "400",
        right: "the value is replaced",
        hooks: &[Hook::Operations(|operations, call, state| {
            let has = current(call, state)?["emails"].as_array().is_some_and(|l| l.iter().any(|m| m["type"] == "work"));
            let adds = operations.iter().any(|o| op(o) == "add" && path(o).starts_with("emails[type eq \"work\"]"));
            (has && adds).then(|| bad("There is a work e-mail already."))
        })],
    },
];
