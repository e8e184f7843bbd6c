"""A further fresh sample, from release notes, change logs, documents and reviews of products and libraries: groups."""

import re

from app import Response
from bugkit import bug, crash, is_groups, is_users, lower, refuse_if, wrap
from errors import ScimError
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of

MOST = 20
PLAIN = re.compile(r"[A-Za-z0-9 _-]*")


def first_members(value):
    """At most twenty members of a list."""
    return value[:MOST] if isinstance(value, list) else value


@bug("group-write-keeps-twenty")
def twenty(app):
    """A group that comes with more than twenty members, or an operation that brings more, keeps the first twenty; further
    requests can add more. All is answered as done."""
    def cut(body):
        return {k: first_members(v) if k.lower() == "members" else v for k, v in body.items()}

    def cut_operation(o):
        value = lower(o).get("value")
        if path_of(o).lower() == "members":
            value = first_members(value)
        elif not path_of(o) and isinstance(value, dict):
            value = cut(value)
        else:
            return o
        return {k: value if k.lower() == "value" else v for k, v in o.items()}

    def patch(inner, record, body):
        if is_groups(record.rtype):
            body = {k: [cut_operation(o) if isinstance(o, dict) and verb_of(o) != "remove" else o for o in v]
                    if k.lower() == "operations" and isinstance(v, list) else v for k, v in body.items()}
        return inner(record, body)
    wrap(app.service, "create", lambda inner, tenant, rtype, body:
         inner(tenant, rtype, cut(body) if is_groups(rtype) else body))
    wrap(app.service, "replace", lambda inner, record, body: inner(record, cut(body) if is_groups(record.rtype) else body))
    wrap(app.service, "patch", patch)


def go_on_showing(app, left, kind):
    """Users show groups that they have left, as long as those exist: `left` has them by the id of the user."""
    def groups(inner, record):
        out = inner(record)
        for group in left.get(record.id, ()):
            if group.id in app.store.records and group.id not in [g["value"] for g in out]:
                out.append({"value": group.id, "$ref": app.render.location(group),
                            "display": group.data["displayName"], "type": kind})
        return out
    wrap(app.render, "groups", groups)


@bug("delete-middle-group-leaves-above")
def leaves_above(app):
    """A group between two others is deleted: those who were in the group above only through it still show that group as
    an indirect membership."""
    stale = {}

    def below(record, seen):
        for member in record.data.get("members", ()):
            found = app.store.records.get(member["value"])
            if found is None or found.id in seen:
                continue
            seen.add(found.id)
            if is_users(found.rtype):
                yield found
            else:
                yield from below(found, seen)

    def above(record):
        todo, out = app.store.parents(record.id)[:], []
        while todo:
            group = todo.pop()
            if group not in out:
                out.append(group)
                todo += app.store.parents(group.id)
        return out

    def delete(inner, record):
        if is_groups(record.rtype):
            for user in below(record, set()):
                stale.setdefault(user.id, []).extend(above(record))
        return inner(record)
    wrap(app.service, "delete", delete)

    go_on_showing(app, stale, "indirect")


@bug("group-removed-member-keeps-group")
def keeps_group(app):
    """PATCH remove of a member: the group is right, but the user goes on showing the group among the own groups."""
    left = {}

    def ids(record):
        return {m["value"] for m in record.data.get("members", ())}

    def patch(inner, record, body):
        before = ids(record)
        answer = inner(record, body)
        if is_groups(record.rtype) and any(verb_of(o) == "remove" for o in objects(body, "Operations")):
            for gone in before - ids(record):
                left.setdefault(gone, []).append(record)
        return answer
    wrap(app.service, "patch", patch)

    go_on_showing(app, left, "direct")


@bug("group-rename-special-400")
def rename_special(app):
    """A create turns the marks in the name of a group into something that the product allows; an update does not: PUT and
    PATCH with a displayName that has other marks than hyphen and underscore are refused."""
    def special(name):
        return isinstance(name, str) and not PLAIN.fullmatch(name)

    def renamed(operation):
        value = lower(operation).get("value")
        return value if path_of(operation).lower() == "displayname" else lower(value).get("displayname")

    refusal = ScimError(400, "name: can only contain alphanumeric, -, _ and space characters")
    refuse_if(app.service, "replace", lambda record, body:
              is_groups(record.rtype) and special(lower(body).get("displayname")), refusal)
    refuse_if(app.service, "patch", lambda record, body: is_groups(record.rtype) and any(
        special(renamed(o)) for o in objects(body, "Operations") if verb_of(o) != "remove"), refusal)


@bug("group-patch-pathless-first-rest-dropped")
def rest_dropped(app):
    """When the first operation of a PATCH is a replace without a path, the name is taken out of it, and that was it: the
    members in it and all other operations are dropped. 200 with an empty body; without a displayName, 500."""
    def do_patch(inner, request, record):
        ops = objects(request.body, "Operations")
        if not is_groups(record.rtype) or not ops or verb_of(ops[0]) != "replace" or path_of(ops[0]):
            return inner(request, record)
        name = lower(lower(ops[0]).get("value")).get("displayname")
        if name is None:
            crash()
        app.service.patch(record, {**request.body, "Operations": [
            {"op": "replace", "path": "displayName", "value": name}]})
        return Response(200)
    wrap(app, "do_patch", do_patch)
