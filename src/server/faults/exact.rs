//! Faults in details that a look at the whole does not see: a number that is missing, a status beside the right one.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{current, each, each_group, each_user, on_item};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::Reply;
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "meta-dates-missing",
        title: "meta has neither created nor lastModified",
        area: "schema",
        source: &[],
        wrong: "\"meta\":{\"resourceType\":…,\"location\":…}",
        right: "with created and lastModified",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                if let Some(Value::Object(meta)) = resource.get_mut("meta") {
                    meta.retain(|name, _| name != "created" && name != "lastModified");
                }
            });
        })],
    },
    Fault {
        id: "employee-number-as-number",
        title: "An employeeNumber of digits comes as a number",
        area: "schema",
        source: &[],
        wrong: "\"employeeNumber\": 701984",
        right: "\"employeeNumber\": \"701984\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let extension = user.get_mut(urn::ENTERPRISE).and_then(Value::as_object_mut);
                if let Some(number) = extension.and_then(|e| e.get_mut("employeeNumber"))
                    && let Some(digits) = number.as_str().and_then(|n| n.parse::<u64>().ok())
                {
                    *number = digits.into();
                }
            });
        })],
    },
    Fault {
        id: "list-page-numbers-missing",
        title: "A page lacks startIndex and itemsPerPage",
        area: "pagination",
        source: &[],
        wrong: "\"totalResults\":7 and two entries",
        right: "with startIndex and itemsPerPage",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                body.retain(|name, _| name != "startIndex" && name != "itemsPerPage");
            }
        })],
    },
    Fault {
        id: "put-answers-201",
        title: "PUT of an existing resource answers 201",
        area: "put",
        source: &[],
        wrong: "201",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| restate_put(call, reply, 201))],
    },
    Fault {
        id: "put-answers-202",
        title: "PUT answers 202",
        area: "put",
        source: &[],
        wrong: "202",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| restate_put(call, reply, 202))],
    },
    Fault {
        id: "location-without-base-path",
        title: "Locations lack the base path of the service",
        area: "schema",
        source: &[],
        wrong: "https://example.com/Users/2819",
        right: "https://example.com/scim/v2/Users/2819",
        hooks: &[Hook::After(|call, reply, _| {
            let cut = |text: &str| text.replacen("/scim/v2/", "/", 1);
            each(call, reply, |resource| {
                if let Some(Value::String(location)) = resource.get_mut("meta").and_then(|m| m.get_mut("location")) {
                    *location = location.replacen("/scim/v2/", "/", 1);
                }
            });
            for name in ["Location", "Content-Location"] {
                if let Some(same) = reply.header(name).map(cut) {
                    reply.set(name, same);
                }
            }
        })],
    },
    Fault {
        id: "location-wrong-endpoint",
        title: "Locations have the right id below another endpoint",
        area: "schema",
        source: &[],
        wrong: "…/resources/2819",
        right: "…/Users/2819",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                if let Some(Value::String(location)) = resource.get_mut("meta").and_then(|m| m.get_mut("location")) {
                    *location = location.replace("/Users/", "/resources/").replace("/Groups/", "/resources/");
                }
            });
            if let Some(same) = reply.header("Content-Location").map(|l| l.replace("/Users/", "/resources/")) {
                reply.set("Content-Location", same.replace("/Groups/", "/resources/"));
            }
        })],
    },
    Fault {
        id: "group-member-ref-nowhere",
        title: "$ref of a member has the right id below no endpoint",
        area: "schema",
        source: &[],
        wrong: "…/Members/2819",
        right: "…/Users/2819",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                for member in group.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(Value::String(target)) = member.get_mut("$ref") {
                        *target = target.replace("/Users/", "/Members/").replace("/Groups/", "/Members/");
                    }
                }
            });
        })],
    },
    Fault {
        id: "bulk-create-status-200",
        title: "A create in a bulk request has the status 200",
        area: "bulk",
        source: &[],
        wrong: "\"status\":\"200\"",
        right: "\"status\":\"201\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_operation(call, reply, |operation| {
                if operation.get("status").is_some_and(|s| s == "201") {
                    operation.insert("status".into(), "200".into());
                }
            });
        })],
    },
    Fault {
        id: "bulk-change-without-location",
        title: "Bulk answers have a location for creates only",
        area: "bulk",
        source: &[],
        wrong: "no location for PUT and PATCH",
        right: "the URI of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            each_operation(call, reply, |operation| {
                if operation.get("method").is_some_and(|m| m != "POST") {
                    operation.shift_remove("location");
                }
            });
        })],
    },
    Fault {
        id: "bulk-failed-without-location",
        title: "A PUT, PATCH or DELETE that fails in a bulk request is told without location",
        area: "bulk",
        source: &[],
        wrong: "{\"method\":\"PATCH\",\"status\":\"404\",\"response\":{…}}",
        right: "{\"method\":\"PATCH\",\"location\":\"https://…/Users/2819\",\"status\":\"404\",\"response\":{…}}",
        hooks: &[Hook::After(|call, reply, _| {
            each_operation(call, reply, |operation| {
                if operation.get("status").and_then(Value::as_str).is_some_and(|s| s >= "400") {
                    operation.shift_remove("location");
                }
            });
        })],
    },
    Fault {
        id: "bulk-error-empty",
        title: "The response of a failed bulk operation is an empty object",
        area: "bulk",
        source: &[],
        wrong: "\"response\":{}",
        right: "\"response\":{…Error}",
        hooks: &[Hook::After(|call, reply, _| {
            each_operation(call, reply, |operation| {
                if operation.get("status").and_then(Value::as_str).is_some_and(|s| s >= "400") {
                    operation.insert("response".into(), json!({}));
                }
            });
        })],
    },
    Fault {
        id: "if-match-refused-400",
        title: "A request with If-Match is refused",
        area: "headers",
        source: &[],
        wrong: "400",
        right: "200 for the current tag",
        hooks: &[Hook::Before(|call, _| {
            call.header("if-match").is_some().then(|| Reply::error(400, None, "If-Match is not understood."))
        })],
    },
    Fault {
        id: "delete-unknown-400",
        title: "DELETE of an unknown id is called a bad request",
        area: "deactivate",
        source: &[],
        wrong: "400",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            let unknown = call.method == "DELETE" && call.id().is_some() && current(call, state).is_none();
            unknown.then(|| Reply::error(400, None, "Nothing to delete."))
        })],
    },
    Fault {
        id: "noop-add-moves-modified",
        title: "A PATCH that changes nothing moves lastModified",
        area: "patch",
        source: &[],
        wrong: "add of the address that is there → a later lastModified",
        right: "the same lastModified",
        hooks: &[Hook::Switch(|b| b.touches_unchanged = true)],
    },
    Fault {
        id: "user-groups-first-only",
        title: "A user's groups show one of the groups it is in",
        area: "groups",
        source: &[],
        wrong: "member of two groups → groups: [one]",
        right: "both",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(Value::Array(groups)) = user.get_mut("groups") {
                    groups.truncate(1);
                }
            });
        })],
    },
    Fault {
        id: "user-groups-always-empty",
        title: "A user's groups are always an empty list",
        area: "groups",
        source: &[],
        wrong: "member of a group → groups: []",
        right: "the group",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                user.insert("groups".into(), json!([]));
            });
        })],
    },
    Fault {
        id: "user-groups-declared-and-absent",
        title: "groups is declared in the User schema and never shown",
        area: "groups",
        source: &[],
        wrong: "member of a group → no groups",
        right: "the group",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                user.shift_remove("groups");
            });
        })],
    },
    Fault {
        id: "schemas-names-undeclared",
        title: "A user's schemas names an extension that its resource type does not have",
        area: "schema",
        source: &[],
        wrong: "\"schemas\": [\"urn:…:core:2.0:User\", \"urn:example:undeclared\"]",
        right: "declared URIs only",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(Value::Array(schemas)) = user.get_mut("schemas") {
                    schemas.push("urn:example:undeclared".into());
                }
            });
        })],
    },
    Fault {
        id: "list-names-pascal-case",
        title: "Lists spell their members in Pascal case",
        area: "pagination",
        source: &[],
        wrong: "\"TotalResults\": 1",
        right: "\"totalResults\": 1",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                capitalise(body);
            }
        })],
    },
    Fault {
        id: "meta-names-pascal-case",
        title: "meta spells its members in Pascal case",
        area: "schema",
        source: &[],
        wrong: "\"ResourceType\": \"User\"",
        right: "\"resourceType\": \"User\"",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                resource.get_mut("meta").and_then(Value::as_object_mut).into_iter().for_each(capitalise);
            });
        })],
    },
    Fault {
        id: "sub-attribute-names-pascal-case",
        title: "Sub-attributes are spelled in Pascal case",
        area: "schema",
        source: &[],
        wrong: "\"members\": [{\"Value\": \"2819\"}]",
        right: "\"members\": [{\"value\": \"2819\"}]",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                for value in resource.iter_mut().filter(|(name, _)| *name != "meta").map(|(_, value)| value) {
                    match value {
                        Value::Object(map) => capitalise(map),
                        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(capitalise),
                        _ => {}
                    }
                }
            });
        })],
    },
];

fn restate_put(call: &Call, reply: &mut Reply, status: u16) {
    if [Kind::User, Kind::Group].into_iter().any(|kind| on_item(call, "PUT", kind)) && reply.status == 200 {
        reply.status = status;
    }
}

fn each_operation(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    let body = reply.body_mut().filter(|_| call.path.ends_with("/Bulk"));
    let operations = body.and_then(|b| b.get_mut("Operations")).and_then(Value::as_array_mut);
    operations.into_iter().flatten().filter_map(Value::as_object_mut).for_each(change);
}

fn capitalise(map: &mut Map<String, Value>) {
    let names: Vec<String> = map.keys().cloned().collect();
    for name in names {
        let value = map.shift_remove(&name).unwrap_or_default();
        let mut letters = name.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        map.insert(first.into_iter().chain(letters).collect(), value);
    }
}
