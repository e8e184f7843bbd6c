"""A further fresh sample of public reports: groups as a whole, their life and what is shown of them; limits, bulk."""

import json
import re
import time

from app import Response
from bugkit import bug, crash, edit, is_groups, lower, wrap
from bulk import WANTED
from catalogue import GROUPS, USER
from errors import ScimError, bad
from fresh_a_create import lose_races
from fresh_b_group import ids, members
from fresh_b_patch import path_of

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@bug("group-slug-collision-409")
def slug(app):
    """Names are unique by their slug: "A:B" cannot be created when there is "A B", and no look-up finds the other."""
    def made(name):
        return re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-")

    def create(inner, tenant, rtype, body):
        name = made(lower(body).get("displayname"))
        if is_groups(rtype) and any(made(r.data["displayName"]) == name for r in app.store.all(tenant, rtype)):
            raise ScimError(409, "A team with this slug already exists.", "uniqueness")
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("group-create-race-500")
def race(app):
    """Names of groups are unique; of two equal creates at the same time one meets the index."""
    def create(inner, tenant, rtype, body):
        name = str(lower(body).get("displayname")).lower()
        if is_groups(rtype) and any(r.data["displayName"].lower() == name for r in app.store.all(tenant, rtype)):
            raise ScimError(409, "the name of the group is taken", "uniqueness")
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)
    lose_races(app, is_groups, "displayname")


@bug("group-schemas-of-user")
def user_urn(app):
    """Groups say that they are users: schemas holds the URN of the core User."""
    wrap(app.render, "schemas", lambda inner, record: [USER] if is_groups(record.rtype) else inner(record))


@bug("group-members-always-empty")
def hard_coded(app):
    """Memberships work, but members of every group that is shown is the constant []."""
    def shown(body, record, wanted=None, excluded=None):
        if is_groups(record.rtype) and ("members" in body or not (wanted or excluded)):
            body["members"] = []
    edit(app.render, "shown", shown)


@bug("groups-unsupported-500")
def no_groups(app):
    """There are no groups: every request to /Groups is a 500 with a number as status. Discovery lists users only."""
    def resources(inner, request, rtype, rest):
        if is_groups(rtype):
            return Response(500, {"schemas": [ERROR], "status": 500, "detail": "The resource type `Groups` is not valid"})
        return inner(request, rtype, rest)
    wrap(app, "resources", resources)
    wrap(app.discovery, "types", lambda inner: [t for t in inner() if t["id"] != "Group"])
    wrap(app.discovery, "schemas", lambda inner: [s for s in inner() if s["id"] != GROUPS.schema.id])


@bug("list-groups-large-group-500")
def large(app):
    """The list fails as a whole when one of its groups has some thousand members."""
    edit(app.listing, "item", lambda body, record, query: len(body.get("members", ())) >= 3500 and crash())


@bug("delete-members-at-once-500")
def dead_delete(app):
    """Two users of one group deleted at the same time: a deadlock of the database, one of the two is a 500."""
    done = {}

    def do_delete(inner, request, record):
        held = {g.id for g in app.store.parents(record.id)}
        if any(vars(request).get("since", 0) < done.get(rid, 0) for rid in held):
            crash()
        answer = inner(request, record)
        if held:
            time.sleep(0.01)
            done.update(dict.fromkeys(held, time.monotonic()))
        return answer

    def guarded(inner, request):
        request.since = time.monotonic()
        return inner(request)
    wrap(app, "do_delete", do_delete)
    wrap(app, "guarded", guarded)


@bug("group-replace-empty-400")
def empty_refused(app):
    """PATCH replace of members with [] is a 400: `members.value` is required. Okta sends it for an empty group."""
    def around(inner, base, op, attr, value):
        if op == "replace" and value == []:
            raise bad("invalidValue", "required sub-attribute 'members.value' is missing in patch object")
        return inner(base, op, attr, value)
    members(app, around)


@bug("delete-group-leaves-indirect")
def indirect(app):
    """After DELETE of a group that has members, each of them still shows it, now as an indirect membership."""
    ghosts = {}

    def remove(inner, record):
        if is_groups(record.rtype):
            for rid in ids(record.data):
                ghosts.setdefault(rid, []).append({"value": record.id, "$ref": app.render.location(record),
                                                   "display": record.data["displayName"], "type": "indirect"})
        return inner(record)
    wrap(app.store, "remove", remove)
    wrap(app.render, "groups", lambda inner, record: inner(record) + [dict(g) for g in ghosts.get(record.id, ())])


@bug("group-pathless-patch-400-text")
def pathless(app):
    """PATCH of a group without a path, as Okta sends it, is a 400 whose body is a line of plain text."""
    def do_patch(inner, request, record):
        if is_groups(record.rtype) and any(not path_of(o) for o in app.patcher.operations(request.body)):
            return Response(400, b"Unsupported group path", {"Content-Type": "text/plain"})
        return inner(request, record)
    wrap(app, "do_patch", do_patch)


@bug("location-id-twice-on-get")
def twice(app):
    """meta.location of a resource that is read by its id ends with the id twice; in lists it is right."""
    def do_get(answer, request, record):
        if "location" in (answer.body or {}).get("meta", {}):
            answer.body["meta"] = {**answer.body["meta"], "location": answer.body["meta"]["location"] + "/" + record.id}
    edit(app, "do_get", do_get)


@bug("rate-limit-json-429")
def limited(app):
    """More than 60 requests in a minute are answered 429 with Retry-After and a JSON that is no SCIM error."""
    seen = {}

    def handle(inner, request):
        minute = int(time.monotonic() // 60)
        who = request.headers.get("authorization")
        seen[(who, minute)] = seen.get((who, minute), 0) + 1
        if seen[(who, minute)] > 60:
            left = str(60 - int(time.monotonic() % 60))
            return Response(429, {"message": "Too many requests, limit to 60 per minute"},
                            {"Retry-After": left, "RateLimit-Limit": "60", "Content-Type": "application/json"})
        return inner(request)
    wrap(app, "handle", handle)


@bug("bulk-nested-group-reference-refused")
def group_reference(app):
    """bulkId of a created user is resolved, bulkId of a created group is not."""
    made = set()

    def play(inner, request, operation, known):
        wanted = set(WANTED.findall(json.dumps(operation.get("data"))))
        if wanted & made:
            return {"method": operation.get("method"), "bulkId": operation.get("bulkId"), "status": "400",
                    "response": bad("invalidValue", "bulkId cannot be resolved").body()}
        out = inner(request, operation, known)
        if str(operation.get("path")).lower() == "/groups" and int(out["status"]) < 400:
            made.add(operation.get("bulkId"))
        return out

    def answer(inner, *args):
        made.clear()
        return inner(*args)
    wrap(app.bulk, "play", play)
    wrap(app.bulk, "answer", answer)


@bug("bulk-group-patch-location-users")
def location_users(app):
    """location of a PATCH of a group in a BulkResponse leads to /Users."""
    def told(out, operation, *_):
        if str(operation.get("method")).upper() == "PATCH" and "location" in out:
            out["location"] = out["location"].replace("/Groups/", "/Users/")
    edit(app.bulk, "told", told)


@bug("error-schema-singular")
def singular(app):
    """Errors name their schema in `schema`; `schemas` is missing."""
    edit(app, "failure", lambda answer, error: answer.body and answer.__setattr__(
        "body", {"schema" if k == "schemas" else k: v for k, v in answer.body.items()}))
