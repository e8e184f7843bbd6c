"""Bugs of groups and their members."""

import copy

from bugkit import bug, edit, is_groups, lower, refuse_if, wrap
from errors import ScimError, bad

LEGACY = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@bug("create-group-legacy-schema-rejected")
def legacy(app):
    """Unknown schemas are refused."""
    refuse_if(app.reader, "schemas", lambda rtype, body: LEGACY in (lower(body).get("schemas") or ()),
              bad("invalidValue", "unknown schema"))


@bug("delete-group-remains-in-user-groups")
def ghost_group(app):
    """The join table keeps its rows."""
    ghosts = []

    def remove(inner, record):
        if is_groups(record.rtype):
            ghosts.append(copy.deepcopy(record))
        return inner(record)
    wrap(app.store, "remove", remove)
    wrap(app.store, "parents", lambda inner, rid: inner(rid) + [
        g for g in ghosts if any(m["value"] == rid for m in g.data.get("members", ()))])


def members(app, around):
    """Changes how PATCH handles the list of members."""
    def plural(inner, base, op, attr, value):
        return around(inner, base, op, attr, value) if attr.name == "members" else inner(base, op, attr, value)
    wrap(app.patcher, "plural", plural)


@bug("group-add-member-replaces")
def add_replaces(app):
    """group.members = value."""
    members(app, lambda inner, base, op, attr, value: inner(base, "replace", attr, value))


@bug("group-replace-members-additive")
def replace_adds(app):
    """INSERT for each, DELETE for none."""
    members(app, lambda inner, base, op, attr, value: inner(base, "add", attr, value))


@bug("group-create-members-ignored")
def create_ignores(app):
    """The group is saved, the join table is forgotten."""
    def create(inner, tenant, rtype, body):
        return inner(tenant, rtype, {k: v for k, v in body.items() if k.lower() != "members"})
    wrap(app.service, "create", create)


@bug("group-member-display-required")
def display(app):
    """The model of a member has the field as mandatory."""
    refuse_if(app.reader, "as_complex", lambda attr, value:
              attr.name == "members" and isinstance(value, dict) and not value.get("display"),
              ScimError(422, "members.display is required"))


@bug("group-member-null-ref-not-removed")
def null_ref(app):
    """Members are compared as whole objects."""
    wrap(app.patcher, "named", lambda inner, item, value: inner(item, [
        v for v in (value if isinstance(value, list) else [value])
        if not (isinstance(v, dict) and v.get("$ref", "") is None)]))


@bug("group-member-type-required")
def type_required(app):
    """if member.type == "User": add."""
    def around(inner, base, op, attr, value):
        items = value if isinstance(value, list) else [value]
        return inner(base, op, attr, [m for m in items if isinstance(m, dict) and m.get("type")])
    members(app, around)


@bug("group-put-members-ignored")
def put_ignores(app):
    """PUT saves the columns of the group, not the join table."""
    def keep(_, record, new):
        new.pop("members", None)
        if "members" in record.data:
            new["members"] = record.data["members"]
    edit(app.service, "keep", keep)


def removal(app, when, error=None):
    """Removals of members of one form do nothing, or are refused."""
    def remove(inner, base, path, value):
        if path.attr.name != "members" or not when(path, value):
            return inner(base, path, value)
        if error:
            raise error
        return None
    wrap(app.patcher, "remove", remove)


@bug("group-remove-filter-path-ignored")
def filter_ignored(app):
    """Only the form that Entra used to send is known."""
    removal(app, lambda path, value: path.filter is not None)


@bug("group-remove-value-list-rejected")
def list_rejected(app):
    """remove takes no value."""
    removal(app, lambda path, value: path.filter is None and value is not None,
            bad("invalidSyntax", "remove takes no value"))


@bug("group-rename-keeps-old-name-index")
def old_name(app):
    """The index of names is filled when a group is made, and emptied when it is deleted."""
    old = set()

    def change(inner, record, data):
        if is_groups(record.rtype) and data["displayName"] != record.data["displayName"]:
            old.add(record.data["displayName"])
        return inner(record, data)

    def create(inner, tenant, rtype, body):
        if is_groups(rtype) and str(lower(body).get("displayname")) in old:
            raise ScimError(409, "the name is taken", "uniqueness")
        return inner(tenant, rtype, body)
    wrap(app.store, "change", change)
    wrap(app.service, "create", create)


@bug("group-rename-pathless-multi-rejected")
def multi(app):
    """One attribute at a time."""
    refuse_if(app.patcher, "pathless", lambda rtype, data, op, value:
              is_groups(rtype) and isinstance(value, dict) and len(value) > 1,
              bad("invalidValue", "one attribute at a time"))


@bug("group-unknown-member-stored")
def unknown_member(app):
    """No foreign key."""
    app.service.members = lambda record, given: list({m["value"]: {"value": m["value"]} for m in given}.values())


@bug("list-groups-omits-members")
def no_members(app):
    """The list does not join."""
    edit(app.listing, "item", lambda body, record, query: body.pop("members", None))


@bug("patch-groups-405")
def no_patch(app):
    """The route is for GET, PUT and DELETE."""
    refuse_if(app, "one", lambda request, rtype, rid: is_groups(rtype) and request.method == "PATCH",
              ScimError(405, 'Method "PATCH" not allowed', headers={"Allow": "GET, PUT, DELETE"}))


@bug("group-add-existing-member-409")
def existing(app):
    """The primary key of the join table is violated."""
    def around(inner, base, op, attr, value):
        ids = {m.get("value") for m in (value if isinstance(value, list) else [value]) if isinstance(m, dict)}
        if op == "add" and ids & {m["value"] for m in base.get("members", ())}:
            raise ScimError(409, "already a member")
        return inner(base, op, attr, value)
    members(app, around)


@bug("member-value-integer")
def integer(app):
    """Ids are numbers in the database, and become strings in some places only."""
    def add(inner, record):
        record.id = str(1000 + app.store.revision)
        return inner(record)
    wrap(app.store, "add", add)
    edit(app.render, "shown", lambda body, *_: [
        m.update(value=int(m["value"])) for m in body.get("members", ()) if m.get("value", "").isdigit()])
    app.patcher.named = lambda item, value: any(
        str(v.get("value") if isinstance(v, dict) else v) == item.get("value")
        for v in (value if isinstance(value, list) else [value]))
