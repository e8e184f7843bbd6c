"""One more fresh sample of public reports: the groups of a user, and what the discovery documents say."""

import time

from bugkit import bug, edit, is_groups, is_users, wrap
from fresh_a_shape import users
from fresh_b_edge import attributes
from fresh_b_group import ids
from more_discovery import types


def above(app, start, levels=None):
    """The ids of these groups and of all groups that hold them, up to so many levels."""
    found = level = set(start)
    while level and levels != 0:
        level = {g.id for rid in level for g in app.store.parents(rid)} - found
        found = found | level
        levels = None if levels is None else levels - 1
    return found


@bug("user-groups-two-levels-up")
def two_levels(app):
    """The groups of a user are followed two levels up and no further."""
    wrap(app.render, "groups", lambda inner, record: [g for g in inner(record) if g["value"] in above(
        app, (g.id for g in app.store.parents(record.id)), 2)])


@bug("user-groups-late-member-direct-only")
def late_member(app):
    """Indirect groups are worked out when a group joins another: who joins the inner group later has only that."""
    late = set()

    def joined(inner, record, *more):
        before = set(ids(record.data))
        inner(record, *more)
        for rid in set(ids(record.data)) - before if is_groups(record.rtype) else ():
            member = app.store.records.get(rid)
            if member and is_users(member.rtype):
                late.add((rid, record.id))
            else:
                late.difference_update([pair for pair in late if pair[1] == rid])

    def groups(inner, record):
        direct = {g.id for g in app.store.parents(record.id)}
        known = direct | above(app, (rid for rid in direct if (record.id, rid) not in late))
        return [g for g in inner(record) if g["value"] in known]
    wrap(app.service, "patch", joined)
    wrap(app.service, "replace", joined)
    wrap(app.render, "groups", groups)


@bug("user-groups-race-twice")
def race_twice(app):
    """Two adds of the same member at the same time both find that it is missing: the user shows the group twice."""
    added, twice = {}, set()

    def patch(inner, record, body):
        before = set(ids(record.data))
        inner(record, body)
        new = set(ids(record.data)) - before if is_groups(record.rtype) else ()
        time.sleep(0.01 if new else 0)
        added.update({(rid, record.id): time.monotonic() for rid in new})

    def do_patch(inner, request, record):
        for o in app.patcher.operations(request.body) if is_groups(record.rtype) else ():
            for rid in ids(record.data):
                if rid in str(o) and vars(request).get("since", 0) < added.get((rid, record.id), 0):
                    twice.add((rid, record.id))
        return inner(request, record)

    def guarded(inner, request):
        request.since = time.monotonic()
        return inner(request)
    wrap(app.service, "patch", patch)
    wrap(app, "do_patch", do_patch)
    wrap(app, "guarded", guarded)
    wrap(app.render, "groups", lambda inner, record: [
        g for g in inner(record) for _ in range(2 if (record.id, g["value"]) in twice else 1)])


@bug("schemas-group-name-optional")
def name_optional(app):
    """The description of a group's displayName ends with REQUIRED, and required is false."""
    attributes(app, lambda item, *names: names == ("Group", "displayName") and item.update(required=False))


@bug("schemas-group-members-required")
def members_required(app):
    """members of a group is required in the schema; a group without members is taken all the same."""
    attributes(app, lambda item, *names: names == ("Group", "members") and item.update(required=True))


@bug("schemas-name-string-with-parts")
def name_string(app):
    """name has sub-attributes, and its type is string: the default of the attribute class."""
    attributes(app, lambda item, *names: names == ("User", "name") and item.update(type="string"))


@bug("schemas-id-returned-default")
def id_default(app):
    """id is listed among the attributes of a user, returned by default instead of always."""
    edit(app.discovery, "schemas", lambda schemas: schemas[0]["attributes"].insert(0, {
        "name": "id", "type": "string", "multiValued": False, "description": "The id of the user.", "required": False,
        "caseExact": True, "mutability": "readOnly", "returned": "default", "uniqueness": "server"}))


@bug("resourcetypes-items-schemas-core")
def items_schemas(app):
    """schemas of each resource type is the URN of what it describes, not of ResourceType."""
    types(app, lambda item: item.update(schemas=[item["schema"]]))


@bug("discovery-startindex-zero")
def discovery_zero(app):
    """The lists of resource types and schemas begin at 0."""
    edit(app.discovery, "listed", lambda body, *_: body.update(startIndex=0))


@bug("emails-object-pascal-case")
def go_fields(app):
    """emails is one object, and its names are those of the fields in the code: Value, Display, Type, Primary."""
    def change(out):
        if out.get("emails"):
            first = out["emails"][0]
            out["emails"] = {k.capitalize(): first.get(k, k == "primary" or "")
                             for k in ("value", "display", "type", "primary")}
    users(app, change)
