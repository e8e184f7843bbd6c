"""Bugs of a fresh sample of public reports: groups and their members."""

import paths
from bugkit import bug, crash, crash_if, edit, is_groups, is_users, lower, refuse_if, wrap
from errors import ScimError, bad
from fresh_b_patch import path_of, verb_of


def ids(data):
    """The ids of all members."""
    return [member["value"] for member in data.get("members", ())]


def given(value):
    """The members that an operation brings, as a list of objects."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def members(app, around):
    """Changes how PATCH handles the list of members."""
    def plural(inner, base, op, attr, value):
        return around(inner, base, op, attr, value) if attr.name == "members" else inner(base, op, attr, value)
    wrap(app.patcher, "plural", plural)


@bug("group-remove-member-deletes-user")
def off_boarded(app):
    """Who is taken out of a group leaves the organization."""
    def patch(inner, record, body):
        before = ids(record.data)
        inner(record, body)
        for rid in before if is_groups(record.rtype) else ():
            user = app.store.records.get(rid)
            if rid not in ids(record.data) and user and is_users(user.rtype):
                app.store.remove(user)
    wrap(app.service, "patch", patch)


@bug("group-replace-members-501")
def no_replace(app):
    """add and remove are written, replace of members is not."""
    def around(inner, base, op, attr, value):
        if op == "replace":
            raise ScimError(501, "replace is not supported for members")
        return inner(base, op, attr, value)
    members(app, around)


@bug("group-remove-shifts-index")
def shifting(app):
    """The places of all members to remove are worked out first, then cut one after the other, from the front."""
    def chosen(rtype, data, operation):
        path = paths.parse(rtype, path_of(operation))
        if path.filter is not None:
            return app.patcher.matching(data, path)
        return [m for m in data.get("members", ()) if app.patcher.named(m, lower(operation).get("value"))]

    def single(operation):
        return verb_of(operation) == "remove" and path_of(operation).lower().startswith("members") and (
            "[" in path_of(operation) or lower(operation).get("value"))

    def apply(inner, rtype, before, body):
        operations = app.patcher.operations(body)
        if not is_groups(rtype) or not all(single(o) for o in operations):
            return inner(rtype, before, body)
        data = app.patcher.start(before)
        kept = list(data.get("members", ()))
        for at in [at for o in operations for at, m in enumerate(data.get("members", ()))
                   if any(m is c for c in chosen(rtype, data, o))]:
            kept.pop(at) if at < len(kept) else crash()
        app.patcher.put(data, rtype.attr("members"), kept)
        return data
    wrap(app.patcher, "apply", apply)


@bug("group-replace-nests-list")
def nests(app):
    """replace pushes the new list into the old one, as one value."""
    def around(inner, base, op, attr, value):
        if op != "replace" or not isinstance(value, list) or "members" not in base:
            return inner(base, op, attr, value)
        base["_nested"] = base.get("_nested", []) + [value]
        return None
    members(app, around)
    edit(app.render, "shown", lambda body, record, *_: "members" in body and body.update(
        members=body["members"] + record.data.get("_nested", [])))


@bug("group-replace-overlap-409")
def overlap(app):
    """replace inserts the new list before it takes away the old one: who is in both is a duplicate."""
    def around(inner, base, op, attr, value):
        if op == "replace" and {item.get("value") for item in given(value)} & set(ids(base)):
            raise ScimError(409, "duplicate reference", "uniqueness")
        return inner(base, op, attr, value)
    members(app, around)


@bug("delete-group-remains-nested-member")
def ghost_member(app):
    """A group that was deleted stays a member of other groups."""
    ghosts = {}

    def holders(inner, record):
        if is_groups(record.rtype):
            ghosts[record.id] = {"value": record.id, "$ref": app.render.location(record), "type": "Group",
                                 "display": app.render.display(record)}
            return []
        return inner(record)

    def kept(inner, record, found):
        dead = [m for m in found if m["value"] in ghosts]
        return inner(record, [m for m in found if m["value"] not in ghosts]) + [{"value": m["value"]} for m in dead]
    wrap(app.store, "holders", holders)
    wrap(app.render, "member", lambda inner, member: dict(ghosts.get(member["value"]) or inner(member)))
    wrap(app.service, "members", kept)


@bug("group-answer-lists-member-twice")
def answer_twice(app):
    """add of who is a member already: the group is right, the answer lists the member a second time."""
    def do_patch(inner, request, record):
        before = set(ids(record.data))
        answer = inner(request, record)
        for o in app.patcher.operations(request.body) if is_groups(record.rtype) else ():
            value = lower(o).get("value")
            value = value if path_of(o) else lower(value).get("members")
            if verb_of(o) == "add" and "members" in (answer.body or {}):
                answer.body["members"] = answer.body["members"] + [
                    app.render.member({"value": item["value"]}) for item in given(value) if item.get("value") in before]
        return answer
    wrap(app, "do_patch", do_patch)


@bug("group-member-ref-500")
def ref_crash(app):
    """A member that comes with $ref is looked for by its address, and not found."""
    def around(inner, base, op, attr, value):
        return crash() if any(item.get("$ref") for item in given(value)) else inner(base, op, attr, value)
    members(app, around)


@bug("group-member-ref-required")
def ref_required(app):
    """$ref is required of each member, though its id says it all."""
    refuse_if(app.reader, "as_complex", lambda attr, value: attr.name == "members" and isinstance(value, dict)
              and not value.get("$ref"), bad("invalidValue", "members[0].$ref is required and must have a value"))


@bug("group-unknown-member-ignored")
def unknown_ignored(app):
    """PATCH with an id that nobody has is 200 and changes nothing; replace clears the group on the way."""
    def finish(inner, rtype, before, data):
        if "members" in data:
            app.patcher.put(data, rtype.attr("members"), [m for m in data["members"]
                                                          if m["value"] in app.store.records])
        return inner(rtype, before, data)
    wrap(app.patcher, "finish", finish)


@bug("group-put-keeps-one-member")
def one_kept(app):
    """PUT deletes by the id of the schema while it inserts: of several members the last one is saved."""
    def replace(inner, record, body):
        if is_groups(record.rtype) and isinstance(body.get("members"), list):
            body = {**body, "members": body["members"][-1:]}
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("group-put-duplicate-member-500")
def put_twice(app):
    """The same member twice in a PUT breaks the key of the join table."""
    crash_if(app.service, "replace", lambda record, body: is_groups(record.rtype) and len(given(body.get("members")))
             > len({item.get("value") for item in given(body.get("members"))}))


@bug("group-patch-loses-beyond-hundred")
def first_hundred(app):
    """PATCH reads the first hundred members and writes them back: the rest is gone."""
    def finish(inner, rtype, before, data):
        if "members" in data:
            data["members"] = data["members"][:100]
        return inner(rtype, before, data)
    wrap(app.patcher, "finish", finish)


@bug("group-create-one-member-500")
def one_member(app):
    """A list of one member is unwrapped on the way to the directory."""
    crash_if(app.service, "create", lambda tenant, rtype, body: is_groups(rtype)
             and len(given(body.get("members"))) == 1)


@bug("group-add-unknown-member-500")
def unknown_crash(app):
    """A member who cannot be found is an error that nobody expected: identity providers retry for ever."""
    def patch(inner, record, body):
        try:
            return inner(record, body)
        except ScimError as error:
            if error.detail.startswith("no user or group"):
                crash()
            raise
    wrap(app.service, "patch", patch)


def removal(app, around):
    """Every removal of members by PATCH: `around(before, after)` with the lists of ids."""
    def remove(inner, base, path, value):
        before = ids(base) if path.attr.name == "members" else None
        inner(base, path, value)
        if before is not None:
            around(before, ids(base))
    wrap(app.patcher, "remove", remove)


@bug("group-remove-absent-member-500")
def absent_crash(app):
    """Who is no member cannot be removed, and the answer is 500."""
    removal(app, lambda before, after: before == after and crash())


@bug("group-remove-member-without-email-500")
def no_email(app):
    """The event of a removal needs an address; a user without one makes it fail."""
    def around(before, after):
        for rid in set(before) - set(after):
            record = app.store.records.get(rid)
            if record and is_users(record.rtype) and not record.data.get("emails"):
                crash()
    removal(app, around)


@bug("group-add-single-object-500")
def single_object(app):
    """add members with one object instead of a list of objects: object has no forEach."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and path_of(o).lower() == "members"
             and isinstance(lower(o).get("value"), dict))


@bug("delete-group-400")
def no_delete(app):
    """Groups are not deleted, and DELETE is a bad request."""
    refuse_if(app, "do_delete", lambda request, record: is_groups(record.rtype),
              ScimError(400, "DELETE group not supported", "mutability"))
