"""A further fresh sample of public reports: groups and their members."""

from bugkit import bug, crash, crash_if, edit, is_groups, lower, nodes, refuse_if, wrap
from catalogue import USERS
from errors import ScimError, bad
from fresh_b_group import given, ids, members
from fresh_b_patch import path_of, verb_of
from store import Record


@bug("group-other-replace-empties-members")
def other_replace(app):
    """A replace that is neither of members nor of the path displayName takes an absent list of members for an empty
    one: a rename without a path, or a replace of externalId, empties the group."""
    def operation(inner, rtype, data, o):
        path, value = path_of(o).lower(), lower(o).get("value")
        if not is_groups(rtype) or verb_of(o) != "replace" or path in ("members", "displayname"):
            return inner(rtype, data, o)
        if not path and "members" in lower(value):
            return inner(rtype, data, o)
        if not path:
            inner(rtype, data, o)
        data.pop("members", None)
        return None
    wrap(app.patcher, "operation", operation)


@bug("group-rename-taken-500")
def rename_taken(app):
    """Names of groups are unique: a create says 409, a rename to a name that is taken is a 500."""
    def check(inner, record, data):
        name = data.get("displayName", "").lower()
        if is_groups(record.rtype) and any(r.id != record.id and r.data["displayName"].lower() == name
                                           for r in app.store.all(record.tenant, record.rtype)):
            if record.id in app.store.records:
                crash()
            raise ScimError(409, "the name of the group is taken", "uniqueness")
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("group-member-display-refused")
def display_refused(app):
    """display is not in the schema of a member: a member that comes with it, as Okta and Entra send it, is a 400."""
    refuse_if(app.reader, "as_complex", lambda attr, value: attr.name == "members" and "display" in lower(value),
              bad("invalidValue", "the attribute 'display' is not defined for members"))


@bug("group-member-stranger-refused")
def stranger_refused(app):
    """PATCH add of a member with a sub-attribute that nobody knows (displayName) is a 400 invalidPath."""
    def around(inner, base, op, attr, value):
        for item in given(value):
            for name in item:
                if attr.sub(name) is None:
                    raise bad("invalidPath", f"no attribute named '{name}' in members")
        return inner(base, op, attr, value)
    members(app, around)


@bug("group-inactive-member-refused")
def inactive_member(app):
    """A member who is not active makes the whole POST, PUT or PATCH of the group fail with 400."""
    def known(inner, record, found):
        old = set(ids(record.data)) if record.id in app.store.records else set()
        for member in found:
            user = app.store.records.get(member["value"])
            if user and member["value"] not in old and user.data.get("active") is False:
                raise bad("invalidValue", "a member is not active in the organization")
        return inner(record, found)
    wrap(app.service, "members", known)


@bug("group-without-members-500")
def empty_500(app):
    """The conversion of a group that has no members fails: GET, the list and every other answer with it are 500."""
    crash_if(app.render, "shown", lambda record, *_: is_groups(record.rtype) and not record.data.get("members"))


@bug("group-remove-nested-group-500")
def nested_remove(app):
    """A group that is a member of a group can be added, but taking it out again is a 500."""
    def finish(inner, rtype, before, data):
        for rid in set(ids(before)) - set(ids(data)):
            if rid in app.store.records and is_groups(app.store.records[rid].rtype):
                crash()
        return inner(rtype, before, data)
    wrap(app.patcher, "finish", finish)


@bug("group-unknown-member-creates-user")
def phantom(app):
    """A member whose id nobody has becomes a user: it is created with that id, which is also its userName."""
    def known(inner, record, found):
        for member in found:
            if member["value"].strip() and member["value"] not in app.store.records:
                app.store.add(Record(record.tenant, USERS, {"userName": member["value"], "active": True},
                                     id=member["value"]))
        return inner(record, found)
    wrap(app.service, "members", known)


@bug("group-remove-compound-filter-ignored")
def compound_remove(app):
    """remove at members[a and b]: only one comparison is understood, the rest is 200 and nobody leaves."""
    def remove(inner, base, path, value):
        if path.attr.name == "members" and path.filter and any(
                n[0] in ("and", "or") for n in nodes(app.filters.compile_values(path.attr, path.filter))):
            return None
        return inner(base, path, value)
    wrap(app.patcher, "remove", remove)


def dropping(app, keep):
    """Members that nobody knows are left out on the way to the store: `keep(record, dropped)`."""
    def known(inner, record, found):
        there = [m for m in found if app.store.any(record.tenant, m["value"])]
        keep(record, [m for m in found if m not in there])
        return inner(record, there)

    def check(inner, record, data):
        inner(record, data)
        if not data.get("members", True):
            data.pop("members")
    wrap(app.service, "members", known)
    wrap(app.service, "check", check)


@bug("group-answer-echoes-unknown-members")
def echo(app):
    """Unknown members are not stored, but the answer to POST, PUT and PATCH lists them; GET is right."""
    dropping(app, lambda record, dropped: setattr(record, "dropped", dropped))

    def shown(answer, request, record, status):
        if request.method != "GET" and vars(record).get("dropped"):
            answer.body["members"] = answer.body.get("members", []) + [dict(m) for m in record.dropped]
            record.dropped = []
    edit(app, "shown", shown)


@bug("group-unknown-members-dropped")
def dropped_silently(app):
    """Members that nobody knows are left out of POST, PUT and PATCH without a word."""
    dropping(app, lambda record, dropped: None)


@bug("group-put-external-id-ignored")
def put_external(app):
    """PUT of a group does not write externalId: the old one stays."""
    def replace(inner, record, body):
        if is_groups(record.rtype):
            body = {k: v for k, v in body.items() if k.lower() != "externalid"}
            if "externalId" in record.data:
                body["externalId"] = record.data["externalId"]
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("group-patch-external-id-ignored")
def patch_external(app):
    """PATCH of a group does not know externalId: 200, and what was set by the create stays for ever."""
    wrap(app.patcher, "targeted", lambda inner, rtype, data, op, path, value: None if is_groups(rtype)
         and path.attr and path.attr.name == "externalId" else inner(rtype, data, op, path, value))


@bug("group-write-unknown-member-500-sql")
def sql(app):
    """POST or PUT of a group with an id that nobody has: 500, and the error of the database in detail."""
    def guarded(inner, *args):
        try:
            return inner(*args)
        except ScimError as error:
            if error.detail.startswith("no user or group"):
                raise ScimError(500, "batch insert scim group users: Error 1452 (23000): Cannot add or update a child "
                                "row: a foreign key constraint fails (`app`.`scim_user_group`)") from None
            raise
    wrap(app.service, "create", guarded)
    wrap(app.service, "replace", guarded)


@bug("group-put-members-only-in-user")
def one_side(app):
    """PUT writes the groups of the users, not the members of the group: the two sides disagree until a PATCH."""
    def replace(inner, record, body):
        before = ids(record.data)
        inner(record, body)
        if is_groups(record.rtype):
            record.side = before

    def patch(inner, record, body):
        vars(record).pop("side", None)
        return inner(record, body)

    def full(out, record):
        if "side" in vars(record):
            out["members"] = [app.render.member({"value": rid}) for rid in record.side if rid in app.store.records]
            if not out["members"]:
                out.pop("members")
    wrap(app.service, "replace", replace)
    wrap(app.service, "patch", patch)
    edit(app.render, "full", full)


@bug("group-name-slash-500")
def name_slash(app):
    """What stands before a slash in the name of a new group is taken for a user store that does not exist: 500."""
    crash_if(app.service, "create", lambda tenant, rtype, body: is_groups(rtype)
             and "/" in str(lower(body).get("displayname")))


@bug("group-create-existing-adopts")
def adopts(app):
    """POST of a group whose name exists: 201 with the id of the old group, which gets the new content."""
    def create(inner, tenant, rtype, body):
        name = str(lower(body).get("displayname")).lower()
        old = next((r for r in app.store.all(tenant, rtype) if r.data["displayName"].lower() == name), None) \
            if is_groups(rtype) else None
        if old is None:
            return inner(tenant, rtype, body)
        app.service.replace(old, body)
        return old
    wrap(app.service, "create", create)
