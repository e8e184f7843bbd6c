//! Legal variants: what a correct server may do differently. No rule may call any of them a fault.
//!
//! Must not know the rules. Where an identity provider needs one of two allowed behaviours, `breaks` names it: then a
//! rule may note what breaks, and choosing that provider makes the choice.

mod declared;
mod demands;
mod gaps;
mod habits;
mod limits;
mod met;
mod policies;

use super::behaviour::{Hook, PatchAnswer, Timestamps, UnknownMember};
use super::call::{Kind, Target};
use super::faults::tools::{
    alter, body_value, current, cut, each, each_group, each_user, lists, move_id, on_item, op, path, remember,
    sent_members, touches, value,
};
use super::faults::unknown;
use super::reply::{Content, Reply, SCIM_JSON};
use crate::scim::value::is_unassigned;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// One allowed behaviour that differs from the healthy server's.
#[derive(Clone, Copy)]
pub struct Variant {
    /// Kebab-case id; never reused.
    pub id: &'static str,
    /// What is different, in one line.
    pub title: &'static str,
    /// The text that leaves it open.
    pub spec: &'static str,
    /// Identity providers that do not get along with it all the same.
    pub breaks: &'static [&'static str],
    /// Where it acts.
    pub hooks: &'static [Hook],
}

/// Every variant.
pub fn all() -> &'static [Variant] {
    static ALL: LazyLock<Vec<Variant>> = LazyLock::new(|| {
        [
            VARIANTS,
            declared::VARIANTS,
            limits::VARIANTS,
            demands::VARIANTS,
            gaps::VARIANTS,
            habits::VARIANTS,
            met::VARIANTS,
            policies::VARIANTS,
        ]
        .concat()
    });
    &ALL
}

/// The variant of this id, or what was probably meant.
pub fn find(id: &str) -> Result<&'static Variant, String> {
    all().iter().find(|v| v.id == id).ok_or_else(|| unknown("variant", id, all().iter().map(|v| v.id)))
}

/// The schema of the extension that `own-extension` adds.
const OWN: &str = "urn:example:params:scim:schemas:extension:desk:2.0:User";

const VARIANTS: &[Variant] = &[
    Variant {
        id: "patch-answers-204",
        title: "PATCH answers 204 without a body",
        spec: "RFC 7644 §3.5.2: 200 with the resource or 204",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.patch_answer = PatchAnswer::NoContent)],
    },
    Variant {
        id: "group-patch-answers-204",
        title: "PATCH of groups answers 204, PATCH of users 200",
        spec: "RFC 7644 §3.5.2: 200 with the resource or 204",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").is_some() || call.param("excludedAttributes").is_some();
            if on_item(call, "PATCH", Kind::Group) && reply.status == 200 && !asked {
                reply.status = 204;
                reply.content = Content::Empty;
            }
        })],
    },
    Variant {
        id: "application-json",
        title: "Answers are application/json",
        spec: "RFC 7644 §3.1 and §8.1: application/json may be used as well",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| reply.media_type = "application/json".into())],
    },
    Variant {
        id: "charset-parameter",
        title: "Content-Type has a charset parameter",
        spec: "RFC 9110 §8.3: media types have parameters",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| reply.media_type = format!("{SCIM_JSON}; charset=utf-8"))],
    },
    Variant {
        id: "reordered-attributes",
        title: "Attributes come in another order",
        spec: "RFC 8259 §4: members of an object have no order",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| {
            if let Content::Json(body) = &mut reply.content {
                reversed(body);
            }
        })],
    },
    Variant {
        id: "extra-headers",
        title: "Answers have headers that SCIM does not know",
        spec: "RFC 9110 §5.1: unknown fields are ignored",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| {
            reply.set("X-Request-Id", "0b0e7a4e");
            reply.set("Cache-Control", "no-store");
        })],
    },
    Variant {
        id: "connection-close",
        title: "The connection is closed after each answer",
        spec: "RFC 9112 §9.6: either side may close",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| reply.set("Connection", "close"))],
    },
    Variant {
        id: "own-extension",
        title: "Users carry an extension of the server's own",
        spec: "RFC 7643 §3.3: service providers define extensions",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                user.insert(OWN.into(), json!({ "desk": "12" }));
                alter(user, "schemas", |s| {
                    if let Some(list) = s.as_array_mut() {
                        list.push(OWN.into());
                    }
                });
            });
            let Some(body) = reply.body_mut() else {
                return;
            };
            match &call.target {
                Target::Schemas(None) => add_to_list(body, own_schema(&call.base)),
                Target::Schemas(Some(id)) if id == OWN => *reply = Reply::json(200, own_schema(&call.base)),
                Target::ResourceTypes(_) => {
                    for entry in reply.resources() {
                        if let Some(list) = entry.get_mut("schemaExtensions").and_then(Value::as_array_mut) {
                            list.push(json!({ "schema": OWN, "required": false }));
                        }
                    }
                }
                _ => {}
            }
        })],
    },
    Variant {
        id: "displayname-filled",
        title: "The server fills displayName when the client sends none",
        spec: "RFC 7644 §3.3: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User) && after.get("displayName").is_none() {
                after["displayName"] = after["userName"].clone();
            }
        })],
    },
    Variant {
        id: "name-formatted-filled",
        title: "The server fills name.formatted",
        spec: "RFC 7644 §3.3: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            let Some(name) = after.get_mut("name").and_then(Value::as_object_mut) else {
                return;
            };
            if !name.contains_key("formatted") {
                let part = |n: &str| name.get(n).and_then(Value::as_str).unwrap_or_default().to_owned();
                let formatted = format!("{} {}", part("givenName"), part("familyName"));
                name.insert("formatted".into(), formatted.trim().into());
            }
        })],
    },
    Variant {
        id: "first-email-primary",
        title: "The first e-mail is made primary when none is",
        spec: "RFC 7644 §3.3: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            let Some(mails) = after.get_mut("emails").and_then(Value::as_array_mut) else {
                return;
            };
            let has = mails.iter().any(|m| m["primary"] == true);
            if let (false, Some(first)) = (has, mails.first_mut()) {
                first["primary"] = true.into();
            }
        })],
    },
    Variant {
        id: "active-not-filled",
        title: "A user created without active has none",
        spec: "RFC 7643 §4.1.1: active is optional",
        breaks: &[],
        hooks: &[Hook::Store(|call, _, after| {
            if call.method == "POST" && body_value(call, "active").is_none() {
                cut(after, "active");
            }
        })],
    },
    Variant {
        id: "unassigned-as-null",
        title: "Attributes without value are shown as null",
        spec: "RFC 7643 §2.5: null, the empty array and absence are the same",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("attributes").is_some() || call.param("excludedAttributes").is_some() {
                return;
            }
            each_user(call, reply, |user| {
                for name in OPTIONAL {
                    user.entry(name).or_insert(Value::Null);
                }
            });
        })],
    },
    Variant {
        id: "unassigned-as-empty-array",
        title: "Multi-valued attributes without value are shown as empty arrays",
        spec: "RFC 7643 §2.5: null, the empty array and absence are the same",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("attributes").is_some() || call.param("excludedAttributes").is_some() {
                return;
            }
            each_user(call, reply, |user| {
                for name in ["emails", "phoneNumbers", "groups"] {
                    user.entry(name).or_insert_with(|| json!([]));
                }
            });
            each_group(call, reply, |group| {
                group.entry("members").or_insert_with(|| json!([]));
            });
        })],
    },
    Variant {
        id: "no-etag",
        title: "No entity tags; ServiceProviderConfig says so",
        spec: "RFC 7644 §3.14: versioning is optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.etag = false)],
    },
    Variant {
        id: "strong-etags",
        title: "Entity tags are strong",
        spec: "RFC 7644 §3.14: weak or strong",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if let Some(tag) = reply.header("ETag").map(|t| t.replace("W/", "")) {
                reply.set("ETag", tag);
            }
            each(call, reply, |resource| {
                alter(resource, "meta", |m| {
                    if let Some(tag) = m["version"].as_str().map(|t| t.replace("W/", "")) {
                        m["version"] = tag.into();
                    }
                });
            });
        })],
    },
    Variant {
        id: "meta-version-absent",
        title: "Entity tags are only in the ETag header",
        spec: "RFC 7643 §3.1: meta.version where versioning is supported; sub-attributes are optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.meta_version = false)],
    },
    Variant {
        id: "stale-if-match-409",
        title: "A stale If-Match answers 409",
        spec: "RFC 7644 §3.12 table 8: 409 when the version does not match",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.stale_status = Some(409))],
    },
    Variant {
        id: "no-sort",
        title: "No sorting; ServiceProviderConfig says so",
        spec: "RFC 7644 §3.4.2.3: sorting is optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.sort = false)],
    },
    Variant {
        id: "no-bulk",
        title: "No bulk operations; ServiceProviderConfig says so",
        spec: "RFC 7644 §3.7: bulk is optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.bulk = false)],
    },
    Variant {
        id: "no-patch",
        title: "No PATCH; ServiceProviderConfig says so",
        spec: "RFC 7644 §3.5.2: PATCH is optional",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[Hook::Switch(|b| b.patch = false)],
    },
    Variant {
        id: "no-change-password",
        title: "No passwords; ServiceProviderConfig says so",
        spec: "RFC 7643 §5: changePassword.supported",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.password = false)],
    },
    Variant {
        id: "no-cursor",
        title: "No cursor paging",
        spec: "draft-ietf-scim-cursor-pagination §2: cursors are optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.cursor = false)],
    },
    Variant {
        id: "bulk-small-limits",
        title: "A bulk request has at most ten operations",
        spec: "RFC 7644 §3.7.4: service providers set limits",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.bulk_operations = 10)],
    },
    Variant {
        id: "small-pages",
        title: "A page has at most five entries",
        spec: "RFC 7644 §3.4.2.4: the service provider may return fewer than count",
        breaks: &[],
        hooks: &[Hook::Switch(|b| (b.page_size, b.max_results) = (5, 5))],
    },
    Variant {
        id: "small-default-page",
        title: "Without count a page has two entries",
        spec: "RFC 7644 §3.4.2.4: the default page size is the service provider's",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.page_size = 2)],
    },
    Variant {
        id: "newest-first",
        title: "Lists begin with the newest resource",
        spec: "RFC 7644 §3.4.2.3: without sortBy the order is the service provider's",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.newest_first = true)],
    },
    Variant {
        id: "empty-list-without-resources",
        title: "An empty list has no Resources",
        spec: "RFC 7644 §3.4.2: Resources is required only when totalResults is not 0",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let empty = reply.body().is_some_and(|b| b["totalResults"] == 0);
            if lists(call)
                && empty
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("Resources");
            }
        })],
    },
    Variant {
        id: "filter-unknown-attribute-matches-nothing",
        title: "A filter on an undeclared attribute matches nothing",
        spec: "RFC 7644 §3.4.2.1 and §3.4.2.2: 400 or no match",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.unknown_filter_attributes_match_nothing = true)],
    },
    Variant {
        id: "root-query-not-offered",
        title: "The root can not be queried",
        spec: "RFC 7644 §3.4.2.1: queries against the root are optional (403, 501)",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            matches!(call.target, Target::Root | Target::RootSearch)
                .then(|| Reply::error(501, None, "The root can not be queried."))
        })],
    },
    Variant {
        id: "unknown-member-404",
        title: "An unknown member is refused with 404",
        spec: "RFC 7643 §4.2 does not say how",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.unknown_member = UnknownMember::NotFound)],
    },
    Variant {
        id: "unknown-member-stored",
        title: "An unknown member is kept",
        spec: "RFC 7643 §4.2 asks for no check",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.unknown_member = UnknownMember::Store)],
    },
    Variant {
        id: "duplicate-group-names-allowed",
        title: "Two groups may have one displayName",
        spec: "RFC 7643 §4.2: uniqueness none",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.unique_group_names = false)],
    },
    Variant {
        id: "value-path-no-target",
        title: "add and replace on a value filter without match answer 400 noTarget",
        spec: "RFC 7644 §3.5.2.3",
        breaks: &["entra"],
        hooks: &[Hook::Switch(|b| b.value_path_creates = false)],
    },
    Variant {
        id: "remove-value-list-refused",
        title: "remove with a value is refused",
        spec: "RFC 7644 §3.5.2.2: a remove has a path and no value",
        breaks: &["entra"],
        hooks: &[Hook::Operations(|operations, _, _| {
            let odd = |o: &Value| op(o) == "remove" && value(o).is_some_and(|v| !is_unassigned(v));
            operations.iter().any(odd).then(|| Reply::error(400, Some("invalidSyntax"), "remove takes no value."))
        })],
    },
    Variant {
        id: "remove-without-match-400",
        title: "Removing a member that is not there answers 400 noTarget",
        spec: "RFC 7644 §3.5.2.2 and table 9",
        breaks: &["okta", "entra"],
        hooks: &[Hook::Operations(|operations, call, state| {
            let group = current(call, state).filter(|_| call.kind() == Some(Kind::Group))?.to_string();
            let absent =
                |o: &Value| op(o) == "remove" && path(o).split('"').nth(1).is_some_and(|id| !group.contains(id));
            operations.iter().any(absent).then(|| Reply::error(400, Some("noTarget"), "No member matches."))
        })],
    },
    Variant {
        id: "string-booleans-refused",
        title: "The text \"True\" is no Boolean",
        spec: "RFC 7643 §2.3.2: a Boolean is true or false",
        breaks: &["entra"],
        hooks: &[
            Hook::Operations(|operations, _, _| {
                let text = |o: &Value| {
                    let value = value(o).map(|v| v.get("active").unwrap_or(v));
                    touches(o, "active") && value.is_some_and(Value::is_string)
                };
                operations
                    .iter()
                    .any(text)
                    .then(|| Reply::error(400, Some("invalidValue"), "active must be true or false."))
            }),
            Hook::Switch(|b| b.refuse_string_booleans = true),
        ],
    },
    Variant {
        id: "unknown-attributes-refused",
        title: "Undeclared attributes are refused with 400",
        spec: "RFC 7644 §3.3 and §3.12: invalidSyntax, or ignored",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.refuse_unknown_attributes = true)],
    },
    Variant {
        id: "create-without-schemas-refused",
        title: "A create without schemas is refused with 400",
        spec: "RFC 7643 §3: schemas is required",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            let creates =
                call.method == "POST" && matches!(call.target, Target::Collection(_)) && call.json().is_some();
            (creates && body_value(call, "schemas").is_none())
                .then(|| Reply::error(400, Some("invalidSyntax"), "schemas is required."))
        })],
    },
    Variant {
        id: "nested-groups-refused",
        title: "Groups can not be members",
        spec: "RFC 7643 §4.2: members may be users or groups; the service provider decides",
        breaks: &[],
        hooks: &[Hook::Before(|call, state| {
            let nested = sent_members(call)
                .iter()
                .any(|m| m["value"].as_str().is_some_and(|id| state.of(call).get(Kind::Group, id).is_some()));
            (call.kind() == Some(Kind::Group) && nested)
                .then(|| Reply::error(400, Some("invalidValue"), "Groups can not be members."))
        })],
    },
    Variant {
        id: "group-external-id-not-kept",
        title: "Groups have no externalId",
        spec: "RFC 7643 §3.1: externalId is optional",
        breaks: &["entra"],
        hooks: &[Hook::Switch(|b| b.group_external_id = false)],
    },
    Variant {
        id: "user-groups-not-filled",
        title: "User.groups is not offered",
        spec: "RFC 7643 §4.1.2: groups is optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.user_groups = false)],
    },
    Variant {
        id: "member-display-absent",
        title: "Members have no display",
        spec: "RFC 7643 §2.4: display is optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.member_display = false)],
    },
    Variant {
        id: "member-type-absent",
        title: "Members have no type",
        spec: "RFC 7643 §4.2: type is optional",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |members| {
                    for member in members.as_array_mut().into_iter().flatten() {
                        cut(member, "type");
                    }
                });
            });
        })],
    },
    Variant {
        id: "references-absent",
        title: "References have no $ref",
        spec: "RFC 7643 §2.4: $ref is optional",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.references = false)],
    },
    Variant {
        id: "delete-leaves-members",
        title: "A deleted user stays listed in groups",
        spec: "RFC 7644 §3.6 says nothing about references",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.delete_cleans_groups = false)],
    },
    Variant {
        id: "put-keeps-omitted",
        title: "PUT keeps what the body leaves out",
        spec: "RFC 7644 §3.5.1: the service provider may assume that it is to be cleared",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.put_keeps_omitted = true)],
    },
    Variant {
        id: "numeric-ids",
        title: "Ids are numbers as text",
        spec: "RFC 7643 §3.1: id is an opaque string",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, state| {
            if let (Some(kind), 201) = (call.kind(), reply.status) {
                remember(call, state, "numbers", Value::Null);
                let number = 1000 + state.of(call).scratch["numbers"].len();
                move_id(call, reply, state, kind, &number.to_string());
            }
        })],
    },
    Variant {
        id: "prefixed-ids",
        title: "Ids have a prefix and are long",
        spec: "RFC 7643 §3.1: id is an opaque string",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, state| {
            if let (Some(kind), 201) = (call.kind(), reply.status) {
                let id = format!(
                    "{}_{}-{}",
                    kind.name().to_lowercase(),
                    uuid::Uuid::new_v4().simple(),
                    uuid::Uuid::new_v4()
                );
                move_id(call, reply, state, kind, &id);
            }
        })],
    },
    Variant {
        id: "timestamps-in-seconds",
        title: "Times have no fraction",
        spec: "RFC 7643 §2.3.5: xsd:dateTime",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.timestamps = Timestamps::Seconds)],
    },
    Variant {
        id: "timestamps-with-offset",
        title: "Times have another zone than UTC",
        spec: "RFC 7643 §2.3.5: xsd:dateTime",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.timestamps = Timestamps::Offset)],
    },
    Variant {
        id: "discovery-needs-token",
        title: "Discovery needs the token",
        spec: "RFC 7644 §4 leaves it to the service provider",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.discovery_needs_auth = true)],
    },
    Variant {
        id: "raw-token-accepted",
        title: "The token is accepted without its scheme as well",
        spec: "RFC 7644 §2: authentication schemes are the service provider's",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.raw_token = true)],
    },
    Variant {
        id: "unknown-endpoint-before-auth",
        title: "Unknown endpoints answer 404 before the token is looked at",
        spec: "RFC 9110 §15.5.2: no order is prescribed",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && call.target == Target::Unknown {
                *reply = Reply::error(404, None, "No such endpoint.");
            }
        })],
    },
    Variant {
        id: "me-404",
        title: "/Me answers 404",
        spec: "RFC 7644 §3.11: 501 or 404 where it is not offered",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            (call.target == Target::Me).then(|| Reply::error(404, None, "There is no /Me."))
        })],
    },
    Variant {
        id: "error-detail-absent",
        title: "Errors have no detail",
        spec: "RFC 7644 §3.12: detail is optional",
        breaks: &["okta"],
        hooks: &[Hook::After(|_, reply, _| {
            if let Some(body) = reply.body_mut().filter(|b| b.contains_key("detail") && b.contains_key("status")) {
                body.shift_remove("detail");
            }
        })],
    },
    Variant {
        id: "error-extra-members",
        title: "Errors have members that SCIM does not know",
        spec: "RFC 7643 §3: messages may be extended",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.insert("traceId".into(), "0b0e7a4e".into());
            }
        })],
    },
    Variant {
        id: "core-only",
        title: "Nothing but users and groups of RFC 7643 is advertised",
        spec: "RFC 7643 §6: resource types beyond the core are the provider's own",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.inventory = false)],
    },
    Variant {
        id: "me-not-offered",
        title: "/Me is not offered",
        spec: "RFC 7644 §3.11: 501",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.me = false)],
    },
    Variant {
        id: "content-location",
        title: "Reads and changes have a Content-Location and a Location header",
        spec: "RFC 7644 §3.4.1 and RFC 9110 §8.7",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let address = reply.body().and_then(|b| b.get("meta")?.get("location")?.as_str()).map(str::to_owned);
            if let (Some(address), true) = (address, call.id().is_some() && reply.ok()) {
                reply.set("Content-Location", address.clone());
                reply.set("Location", address);
            }
        })],
    },
];

/// The attributes of a user that may stand empty.
const OPTIONAL: [&str; 3] = ["title", "nickName", "preferredLanguage"];

fn own_schema(base: &str) -> Value {
    json!({
        "schemas": [crate::scim::urn::SCHEMA],
        "id": OWN,
        "name": "Desk",
        "description": "Where a user sits",
        "attributes": [{
            "name": "desk", "type": "string", "multiValued": false, "description": "Number of the desk",
            "required": false, "caseExact": false, "mutability": "readOnly", "returned": "always", "uniqueness": "none",
        }],
        "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{OWN}") },
    })
}

fn add_to_list(body: &mut Map<String, Value>, entry: Value) {
    let mut size = 0;
    if let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut) {
        list.push(entry);
        size = list.len();
    }
    body.insert("totalResults".into(), size.into());
    body.insert("itemsPerPage".into(), size.into());
}

fn reversed(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let old = std::mem::take(map);
            for (name, mut inner) in old.into_iter().rev() {
                reversed(&mut inner);
                map.insert(name, inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(reversed),
        _ => {}
    }
}
