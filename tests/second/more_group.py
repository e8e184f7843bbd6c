"""Plausible bugs of PATCH on groups."""

from bugkit import bug, is_groups, wrap


@bug("group-remove-filter-removes-all")
def removes_members(app):
    """The same, for members: everybody loses access."""
    wrap(app.patcher, "remove_chosen", lambda inner, base, path: base.pop(path.attr.name)
         if path.attr.name == "members" else inner(base, path))


@bug("group-add-member-twice-listed")
def listed_twice(app):
    """INSERT without a key."""
    def plural(inner, base, op, attr, value):
        items = value if isinstance(value, list) else [value]
        if attr.name == "members" and op == "add":
            known = {m["value"] for m in base.get("members", ())}
            app.again = [m for m in items if isinstance(m, dict) and m.get("value") in known]
        return inner(base, op, attr, value)

    def patch(inner, record, body):
        app.again = []
        inner(record, body)
        if app.again:
            app.store.change(record, {**record.data, "members": record.data["members"] + [
                {"value": m["value"]} for m in app.again]})
    wrap(app.patcher, "plural", plural)
    wrap(app.service, "patch", patch)


def members_of(app, change):
    """The members of an add or replace, changed."""
    def plural(inner, base, op, attr, value):
        return inner(base, op, attr, change(op, value) if attr.name == "members" else value)
    wrap(app.patcher, "plural", plural)


@bug("group-add-only-first-member")
def first_member(app):
    """value[0]."""
    members_of(app, lambda op, value: value[:1] if isinstance(value, list) and op == "add" else value)


@bug("group-replace-with-empty-ignored")
def empty_ignored(app):
    """if (members.length)."""
    def plural(inner, base, op, attr, value):
        return None if attr.name == "members" and not value else inner(base, op, attr, value)
    wrap(app.patcher, "plural", plural)


@bug("group-remove-only-first-of-list")
def first_removed(app):
    """value[0]."""
    wrap(app.patcher, "named", lambda inner, item, value: inner(item, value[:1] if isinstance(value, list) else value))


@bug("group-remove-all-members-ignored")
def clear_ignored(app):
    """remove members without a filter and without a value does nothing."""
    def remove(inner, base, path, value):
        if path.attr.name == "members" and path.filter is None and not value:
            return None
        return inner(base, path, value)
    wrap(app.patcher, "remove", remove)


@bug("group-remove-list-clears-all")
def list_clears(app):
    """remove members looks at the path only: one name in the value, and all are gone."""
    wrap(app.patcher, "remove", lambda inner, base, path, value:
         inner(base, path, None if path.attr.name == "members" else value))


@bug("group-filter-or-removes-first")
def first_of_or(app):
    """members[value eq "a" or value eq "b"] removes a."""
    wrap(app.patcher, "matching", lambda inner, base, path: inner(base, path)[:1]
         if path.attr.name == "members" else inner(base, path))


@bug("group-rename-ignored")
def rename(app):
    """PATCH on groups is for members."""
    def patch(inner, record, body):
        name = record.data.get("displayName")
        inner(record, body)
        if is_groups(record.rtype):
            record.data = {**record.data, "displayName": name}
    wrap(app.service, "patch", patch)


@bug("group-rename-drops-members")
def rename_drops(app):
    """save() of a model without members."""
    def change(inner, record, data):
        if is_groups(record.rtype) and data["displayName"] != record.data["displayName"]:
            data = {k: v for k, v in data.items() if k != "members"}
        return inner(record, data)
    wrap(app.store, "change", change)
