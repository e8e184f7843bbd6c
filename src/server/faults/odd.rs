//! Faults that only rare requests show: odd names, long texts, operations in an unusual order, references that are old.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, conflict, current, each, each_user, lists, on_item, op, path, sent_operations, shown, value,
};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::Reply;
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "user-groups-ref-below-users",
        title: "References of a user's groups lead below /Users",
        area: "groups",
        source: &[],
        wrong: "\"$ref\": \"…/Users/g1\"",
        right: "\"$ref\": \"…/Groups/g1\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                for group in user.get_mut("groups").and_then(Value::as_array_mut).into_iter().flatten() {
                    turn(group, "/Groups/", "/Users/");
                }
            });
        })],
    },
    Fault {
        id: "manager-ref-nowhere",
        title: "The reference of a manager leads below no endpoint's resource",
        area: "schema",
        source: &[],
        wrong: "\"$ref\": \"…/Users/manager\"",
        right: "\"$ref\": \"…/Users/2819\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let extension = user.get_mut(crate::scim::urn::ENTERPRISE);
                if let Some(place) = extension.and_then(|e| e.get_mut("manager")).and_then(|m| m.get_mut("$ref")) {
                    let root =
                        place.as_str().and_then(|p| p.rsplit_once('/')).map(|(root, _)| format!("{root}/manager"));
                    *place = root.into();
                }
            });
        })],
    },
    Fault {
        id: "user-groups-display-stale",
        title: "A user's groups keep the name from before a rename",
        area: "groups",
        source: &[],
        wrong: "\"display\": the old name",
        right: "the new name",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "PATCH", Kind::Group)
                    && let (Some(id), Some(document)) = (call.id().map(str::to_owned), current(call, state))
                {
                    let first = json!([id, document["displayName"]]);
                    let kept = state.of_mut(call).scratch.entry("first-names".to_owned()).or_default();
                    if !kept.iter().any(|k| k[0] == first[0]) {
                        kept.push(first);
                    }
                }
                None
            }),
            Hook::After(|call, reply, state| {
                let kept = state.of(call).scratch.get("first-names").cloned().unwrap_or_default();
                for user in shown(call, reply, Kind::User) {
                    for group in user.get_mut("groups").and_then(Value::as_array_mut).into_iter().flatten() {
                        if let Some(old) = kept.iter().find(|k| k[0] == group["value"]) {
                            group["display"] = old[1].clone();
                        }
                    }
                }
            }),
        ],
    },
    Fault {
        id: "list-omits-groups",
        title: "Users in a list come without their groups",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/7396"],
        wrong: "no groups",
        right: "groups, as in GET by id",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call) {
                each_user(call, reply, |user| {
                    user.shift_remove("groups");
                });
            }
        })],
    },
    Fault {
        id: "create-group-answer-without-members",
        title: "The answer to the create of a group has no members",
        area: "create",
        source: &["https://github.com/Infisical/infisical/issues/2138"],
        wrong: "201 {\"members\": []}",
        right: "201 with the members",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "POST" && call.target == Target::Collection(Kind::Group) {
                each(call, reply, |group| {
                    if let Some(members) = group.get_mut("members") {
                        *members = json!([]);
                    }
                });
            }
        })],
    },
    Fault {
        id: "create-user-answer-without-emails",
        title: "The answer to the create of a user has no e-mail addresses",
        area: "create",
        source: &[],
        wrong: "201 without emails",
        right: "201 with them",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "POST" && call.target == Target::Collection(Kind::User) {
                each(call, reply, |user| {
                    user.shift_remove("emails");
                });
            }
        })],
    },
    Fault {
        id: "dates-without-zone",
        title: "Dates have no time zone",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/4455"],
        wrong: "\"created\": \"2019-02-18T08:03:34\"",
        right: "\"created\": \"2019-02-18T08:03:34Z\"",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                for (name, date) in resource.get_mut("meta").and_then(Value::as_object_mut).into_iter().flatten() {
                    if matches!(name.as_str(), "created" | "lastModified") {
                        *date = date.as_str().map(|d| d.trim_end_matches('Z').to_owned()).into();
                    }
                }
            });
        })],
    },
    Fault {
        id: "discovery-location-wrong",
        title: "Discovery documents name a place where they are not",
        area: "discovery",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/2793"],
        wrong: "\"location\": \"…/v1/User\"",
        right: "the URI of the document",
        hooks: &[Hook::After(|call, reply, _| {
            each_document(call, reply, "location", "https://example.com/api/v1/User")
        })],
    },
    Fault {
        id: "discovery-resource-type-wrong",
        title: "Discovery documents say that they are users",
        area: "discovery",
        source: &[],
        wrong: "\"resourceType\": \"User\"",
        right: "\"resourceType\": \"Schema\"",
        hooks: &[Hook::After(|call, reply, _| each_document(call, reply, "resourceType", "User"))],
    },
    Fault {
        id: "patch-pathless-last-wins",
        title: "Of several operations without a path the last one alone is applied to a complex attribute",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/327"],
        wrong: "only givenName is changed",
        right: "both halves of the name",
        hooks: &[Hook::Operations(|operations, _, _| {
            let halves = |o: &Value| path(o).is_empty() && value(o).is_some_and(|v| v.get("name").is_some());
            let last = operations.iter().rposition(halves);
            let mut number = 0;
            operations.retain(|o| {
                number += 1;
                !halves(o) || Some(number - 1) == last
            });
            None
        })],
    },
    Fault {
        id: "patch-urn-of-list-ignored",
        title: "A path with the schema's URN before a list or complex attribute is ignored",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/114"],
        wrong: "204, nothing changed",
        right: "applied",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| {
                let path = path(o);
                !["name", "phoneNumbers", "members"]
                    .iter()
                    .any(|n| path.starts_with("urn:") && path.ends_with(&format!(":{n}")))
            });
            None
        })],
    },
    Fault {
        id: "patch-value-path-cut-at-bracket",
        title: "A value path is cut at the first closing bracket, inside a text as well",
        area: "patch",
        source: &["https://github.com/pingidentity/scim2/issues/44"],
        wrong: "400 for roles[value eq \"a] and b\"]",
        right: "applied",
        hooks: &[Hook::Operations(|operations, _, _| {
            let cut = |o: &Value| path(o).find(']').is_some_and(|at| path(o)[..at].matches('"').count() % 2 == 1);
            operations.iter().any(cut).then(|| Reply::error(400, Some("invalidPath"), "The path cannot be read."))
        })],
    },
    Fault {
        id: "patch-path-to-own-words-500",
        title: "A path that names what every object of the language has makes the server fail",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/issues/1165"],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            let own = sent_operations(call)
                .iter()
                .any(|o| path(o).starts_with("__proto__") || path(o).starts_with("constructor"));
            own.then(Reply::crash)
        })],
    },
    Fault {
        id: "null-element-500",
        title: "An element without a value makes the server fail",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/747"],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            let empty =
                |e: &Value| e.is_null() || e.as_object().is_some_and(|o| o.get("value").is_none_or(Value::is_null));
            let odd = |o: &Value| {
                op(o) == "add" && value(o).and_then(Value::as_array).is_some_and(|all| all.iter().any(empty))
            };
            let found = on_item(call, "PATCH", Kind::User) || on_item(call, "PATCH", Kind::Group);
            (found && sent_operations(call).iter().any(odd)).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-removals-first",
        title: "Operations on members are sorted: removals first",
        area: "groups",
        source: &["https://github.com/Tr3kkR/Yuzu/issues/2127"],
        wrong: "add u, remove u → u is a member",
        right: "u is no member",
        hooks: &[Hook::Operations(|operations, call, _| {
            if call.kind() == Some(Kind::Group) {
                operations.sort_by_key(|o| op(o) != "remove");
            }
            None
        })],
    },
    Fault {
        id: "group-refused-create-stays",
        title: "A group whose create is refused for a member is there all the same",
        area: "groups",
        source: &["https://github.com/croffasia/itsaplan/issues/264"],
        wrong: "400, and a look-up finds the group",
        right: "400, and nothing is there",
        hooks: &[Hook::After(|call, reply, state| {
            let refused =
                call.method == "POST" && call.target == Target::Collection(Kind::Group) && reply.status == 400;
            if let Some(name) = body_text(call, "displayName").filter(|n| refused && !n.is_empty()) {
                let id = uuid::Uuid::new_v4().to_string();
                state.of_mut(call).insert(Kind::Group, id, &json!({ "displayName": name }));
            }
        })],
    },
    Fault {
        id: "user-refused-create-stays",
        title: "A user whose create is refused for one value is there all the same",
        area: "create",
        source: &[],
        wrong: "400, and a look-up finds the user",
        right: "400, and nothing is there",
        hooks: &[Hook::After(|call, reply, state| {
            let refused = call.method == "POST" && call.target == Target::Collection(Kind::User) && reply.status == 400;
            if let Some(name) = body_text(call, "userName").filter(|n| refused && !n.trim().is_empty()) {
                let id = uuid::Uuid::new_v4().to_string();
                state.of_mut(call).insert(Kind::User, id, &json!({ "userName": name, "active": true }));
            }
        })],
    },
    Fault {
        id: "put-follows-body-id",
        title: "PUT replaces the resource that the body names, not the one in the path",
        area: "put",
        source: &["https://github.com/keycloak/keycloak/issues/46658"],
        wrong: "PUT /Users/a {\"id\": \"b\", …} changes b",
        right: "a is changed, or 400",
        hooks: &[Hook::Before(|call, _| {
            let other = body_text(call, "id").filter(|_| call.method == "PUT");
            if let (Target::Item(_, id), Some(other)) = (&mut call.target, other) {
                *id = other;
            }
            None
        })],
    },
    Fault {
        id: "recreated-group-has-old-members",
        title: "A group that is made again under its old name has its old members",
        area: "groups",
        source: &[],
        wrong: "members from before",
        right: "none",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "DELETE", Kind::Group)
                    && let Some(document) = current(call, state)
                {
                    super::tools::remember(call, state, "deleted-groups", document);
                }
                None
            }),
            Hook::After(|call, reply, state| {
                if call.method != "POST" || call.target != Target::Collection(Kind::Group) || reply.status != 201 {
                    return;
                }
                let id = reply.body().and_then(|b| b["id"].as_str()).unwrap_or_default().to_owned();
                let name = body_text(call, "displayName");
                let old = state.of(call).scratch.get("deleted-groups").cloned().unwrap_or_default();
                let old = old.into_iter().find(|d| d["displayName"].as_str() == name.as_deref());
                let now = state.of(call).get(Kind::Group, &id).map(|r| r.document());
                if let (Some(old), Some(mut now)) = (old, now) {
                    now["members"] = old["members"].clone();
                    state.of_mut(call).update(Kind::Group, &id, &now);
                }
            }),
        ],
    },
    Fault {
        id: "recreated-user-has-old-attributes",
        title: "A user that is made again under its old name has its old attributes",
        area: "create",
        source: &[],
        wrong: "the old title",
        right: "what was sent",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "DELETE", Kind::User)
                    && let Some(document) = current(call, state)
                {
                    super::tools::remember(call, state, "deleted-users", document);
                }
                None
            }),
            Hook::After(|call, reply, state| {
                if call.method != "POST" || call.target != Target::Collection(Kind::User) || reply.status != 201 {
                    return;
                }
                let id = reply.body().and_then(|b| b["id"].as_str()).unwrap_or_default().to_owned();
                let old = state.of(call).scratch.get("deleted-users").cloned().unwrap_or_default();
                let now = state.of(call).get(Kind::User, &id).map(|r| r.document());
                let same = |d: &Value, n: &Value| {
                    d["userName"].as_str().map(str::to_lowercase) == n["userName"].as_str().map(str::to_lowercase)
                };
                if let Some(mut now) = now
                    && let Some(old) = old.into_iter().find(|d| same(d, &now))
                    && now.get("title").is_none()
                {
                    now["title"] = old["title"].clone();
                    now["nickName"] = old["nickName"].clone();
                    state.of_mut(call).update(Kind::User, &id, &now);
                }
            }),
        ],
    },
    Fault {
        id: "phone-number-unique",
        title: "A phone number that another user has is refused with 409",
        area: "create",
        source: &[],
        wrong: "409",
        right: "201",
        hooks: &[Hook::Before(|call, state| {
            let number = |d: &Value| d["phoneNumbers"][0]["value"].as_str().map(str::to_owned);
            let mine =
                call.json().and_then(number).filter(|_| call.method == "POST" && call.kind() == Some(Kind::User))?;
            let taken = state.of(call).iter(Kind::User).any(|r| number(&r.document()).as_deref() == Some(&mine));
            taken.then(conflict)
        })],
    },
    Fault {
        id: "bulk-deletes-first-only",
        title: "Of several deletes in one bulk request the first alone is done",
        area: "bulk",
        source: &["https://github.com/wso2/product-is/issues/3275"],
        wrong: "204 for all, one is deleted",
        right: "all are deleted",
        hooks: &[
            Hook::Before(|call, state| {
                if call.target != Target::Bulk {
                    return None;
                }
                let operations = call.json().and_then(|b| b["Operations"].as_array()).cloned().unwrap_or_default();
                let deletes = operations.iter().filter(|o| o["method"] == "DELETE").filter_map(|o| o["path"].as_str());
                let kept: Vec<Value> = deletes
                    .skip(1)
                    .filter_map(|path| path.strip_prefix("/Users/"))
                    .filter_map(|id| Some(json!([id, state.of(call).get(Kind::User, id)?.document()])))
                    .collect();
                state.of_mut(call).scratch.insert("bulk-kept".to_owned(), kept);
                None
            }),
            Hook::After(|call, _, state| {
                // The operations inside are calls of their own.
                if call.target != Target::Bulk {
                    return;
                }
                let kept = state.of_mut(call).scratch.remove("bulk-kept");
                for pair in kept.into_iter().flatten() {
                    if let Some(id) = pair[0].as_str() {
                        state.of_mut(call).insert(Kind::User, id.to_owned(), &pair[1]);
                    }
                }
            }),
        ],
    },
    Fault {
        id: "group-refused-put-renames",
        title: "A PUT of a group that is refused for a member renames it all the same",
        area: "groups",
        source: &["https://github.com/Tr3kkR/Yuzu/issues/2137"],
        wrong: "400, and the group has the new name",
        right: "400, and nothing changed",
        hooks: &[Hook::After(|call, reply, state| {
            let refused = on_item(call, "PUT", Kind::Group) && reply.status == 400;
            let name = body_text(call, "displayName").filter(|_| refused);
            if let (Some(name), Some(mut group), Some(id)) = (name, current(call, state), call.id().map(str::to_owned))
            {
                group["displayName"] = name.into();
                state.of_mut(call).update(Kind::Group, &id, &group);
            }
        })],
    },
    Fault {
        id: "delete-across-types",
        title: "DELETE of a group's id below /Users deletes the group",
        area: "deactivate",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/422"],
        wrong: "204",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            let id = call.id().filter(|_| call.method == "DELETE")?.to_owned();
            let (kind, _) = state.of(call).find(&id)?;
            if Some(kind) == call.kind() || call.kind().is_none() {
                return None;
            }
            state.of_mut(call).remove(kind, &id);
            Some(Reply::empty(204))
        })],
    },
    Fault {
        id: "names-collide-without-marks",
        title: "Names that differ in punctuation alone are taken for the same",
        area: "create",
        source: &["https://github.com/getsentry/sentry/issues/88623"],
        wrong: "409 for \"Eng-Team\" beside \"Eng Team\"",
        right: "201",
        hooks: &[Hook::Before(|call, state| {
            let kind = call.kind().filter(|_| call.method == "POST")?;
            let slug =
                |n: &str| n.chars().filter(|c| c.is_alphanumeric() || *c == '@').collect::<String>().to_lowercase();
            let name = body_text(call, kind.unique_attribute())?;
            let taken =
                |r: &crate::server::store::Record| r.name != name.to_lowercase() && slug(&r.name) == slug(&name);
            state.of(call).iter(kind).any(taken).then(conflict)
        })],
    },
    Fault {
        id: "long-text-500",
        title: "A text of more than 255 characters makes the server fail",
        area: "create",
        source: &[],
        wrong: "500",
        right: "201 or 400",
        hooks: &[Hook::Before(|call, _| call.json().is_some_and(|b| longest(b) > 255).then(Reply::crash))],
    },
    Fault {
        id: "nul-in-text-500",
        title: "A NUL in a text makes the server fail",
        area: "create",
        source: &[],
        wrong: "500",
        right: "201 or 400",
        hooks: &[Hook::Before(|call, _| {
            call.json().is_some_and(|b| b.to_string().contains("\\u0000")).then(Reply::crash)
        })],
    },
    Fault {
        id: "username-backslash-500",
        title: "A backslash in a userName makes the server fail",
        area: "create",
        source: &["https://github.com/thomaspoignant/scim2-parse-filter/issues/110"],
        wrong: "500",
        right: "201 or 400",
        hooks: &[Hook::Before(|call, _| {
            body_text(call, "userName").is_some_and(|n| n.contains('\\')).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-name-marks-replaced",
        title: "Marks in a group name are replaced by underscores",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/4668"],
        wrong: "\"A/B.C\" → \"A_B_C\"",
        right: "kept as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::Group)
                && let Some(name) = after["displayName"].as_str()
            {
                after["displayName"] = name.replace(['/', '.', '\\', '[', ']'], "_").into();
            }
        })],
    },
    Fault {
        id: "filter-deep-500",
        title: "A filter with many parentheses makes the server fail",
        area: "filter",
        source: &["https://github.com/kanidm/kanidm/security/advisories/GHSA-r5fr-9gmv-jggh"],
        wrong: "500",
        right: "an answer, or 400",
        hooks: &[Hook::Before(|call, _| {
            call.param("filter").is_some_and(|f| f.matches('(').count() > 20).then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-two-ids-500",
        title: "A filter with two ids makes the server fail",
        area: "filter",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/596"],
        wrong: "500",
        right: "both",
        hooks: &[Hook::Before(|call, _| {
            call.param("filter").is_some_and(|f| f.matches("id eq ").count() > 1).then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-groups-everybody",
        title: "A filter on a user's groups is ignored",
        area: "filter",
        source: &["https://github.com/wso2/product-is/issues/11299"],
        wrong: "everybody",
        right: "the members, or 400",
        hooks: &[Hook::Before(|call, _| {
            if call.param("filter").is_some_and(|f| f.starts_with("groups")) {
                call.query.retain(|(name, _)| name != "filter");
            }
            None
        })],
    },
    Fault {
        id: "weak-password-500",
        title: "A password that the policy refuses makes the server fail",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/4285"],
        wrong: "500",
        right: "400 invalidValue",
        hooks: &[Hook::Before(|call, _| body_text(call, "password").is_some_and(|p| p.len() < 4).then(Reply::crash))],
    },
    Fault {
        id: "delete-manager-500",
        title: "DELETE of a user who is somebody's manager makes the server fail",
        area: "deactivate",
        source: &["https://github.com/getprobo/probo/issues/1277"],
        wrong: "500",
        right: "204",
        hooks: &[Hook::Before(|call, state| {
            let id = call.id().filter(|_| on_item(call, "DELETE", Kind::User))?;
            let manages = |r: &crate::server::store::Record| {
                r.document()[crate::scim::urn::ENTERPRISE]["manager"]["value"] == *id && r.id != id
            };
            state.of(call).iter(Kind::User).any(manages).then(Reply::crash)
        })],
    },
    Fault {
        id: "member-list-over-ten-refused",
        title: "An operation with more than ten members is refused",
        area: "groups",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/2784"],
        wrong: "400",
        right: "204",
        hooks: &[Hook::Before(|call, _| {
            let many = |o: &Value| value(o).and_then(Value::as_array).is_some_and(|all| all.len() > 10);
            (on_item(call, "PATCH", Kind::Group) && sent_operations(call).iter().any(many))
                .then(|| bad("Too many members."))
        })],
    },
];

fn turn(reference: &mut Value, from: &str, to: &str) {
    if let Some(place) = reference.get_mut("$ref") {
        *place = place.as_str().map(|p| p.replace(from, to)).into();
    }
}

/// Sets a member of `meta` of each discovery document.
fn each_document(call: &Call, reply: &mut Reply, name: &str, text: &str) {
    let set = |document: &mut Map<String, Value>| {
        if let Some(meta) = document.get_mut("meta") {
            meta[name] = text.into();
        }
    };
    match call.target {
        Target::Config => reply.body_mut().into_iter().for_each(set),
        Target::ResourceTypes(_) | Target::Schemas(_) => reply.resources().into_iter().for_each(set),
        _ => {}
    }
}

/// Characters of the longest text in a body.
fn longest(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(longest).max().unwrap_or(0),
        Value::Object(map) => map.values().map(longest).max().unwrap_or(0),
        _ => 0,
    }
}
