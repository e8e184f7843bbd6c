"""Bugs of a fresh sample of public reports: PATCH of users, in every form that clients send it."""

import re

from bugkit import bug, crash, crash_if, edit, is_users, lower, refuse_if, wrap
from catalogue import GROUPS
from errors import ScimError, bad


def path_of(operation):
    """The path of an operation, or an empty one."""
    path = lower(operation).get("path")
    return path if isinstance(path, str) else ""


def verb_of(operation):
    """The verb of an operation in lower case."""
    return str(lower(operation).get("op")).lower()


def brackets(path):
    """What stands in the brackets of a path."""
    return path.partition("[")[2].rpartition("]")[0]


@bug("patch-filter-path-keeps-first-word")
def first_word(app):
    """addresses[type eq "work"].streetAddress: the new value is cut at its first blank."""
    def chosen(inner, base, op, path, value):
        if op == "replace" and path.sub and isinstance(value, str) and value.split():
            value = value.split()[0]
        return inner(base, op, path, value)
    wrap(app.patcher, "chosen", chosen)


@bug("patch-replace-filter-no-match-adds")
def no_match_adds(app):
    """replace at a[filter] that matches nothing adds the value instead of saying noTarget."""
    def chosen(inner, base, op, path, value):
        if op != "replace" or path.sub or not isinstance(value, dict) or app.patcher.matching(base, path):
            return inner(base, op, path, value)
        base[path.attr.name] = base.get(path.attr.name, []) + [app.reader.one(path.attr, value)]
        return None
    wrap(app.patcher, "chosen", chosen)


@bug("patch-replace-without-value-accepted")
def no_value(app):
    """add is checked for a value, replace is not: undefined is written, the attribute is gone."""
    def operation(inner, rtype, data, o):
        if path_of(o) and verb_of(o) == "replace" and "value" not in lower(o):
            o = {**o, "value": None}
        return inner(rtype, data, o)
    wrap(app.patcher, "operation", operation)


@bug("patch-replace-filter-drops-others")
def drops_others(app):
    """replace at emails[value eq "..."]: what the filter matches is replaced, all the rest is gone."""
    def chosen(inner, base, op, path, value):
        matched = [] if path.sub or op != "replace" else app.patcher.matching(base, path)
        inner(base, op, path, value)
        if matched:
            base[path.attr.name] = [item for item in base[path.attr.name] if any(item is m for m in matched)]
    wrap(app.patcher, "chosen", chosen)


@bug("patch-filter-colon-500")
def colon(app):
    """A colon in the filter of a path is taken for the end of a URN."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: ":" in brackets(path_of(o)))


@bug("patch-operations-lowercase-500")
def lower_operations(app):
    """`operations` instead of `Operations` is not found, and nobody looks whether it was."""
    crash_if(app.patcher, "operations", lambda body: "Operations" not in body and "operations" in body)


@bug("patch-add-filter-path-400")
def add_filter(app):
    """add must not have a filter in its path."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: verb_of(o) == "add" and "[" in path_of(o),
              bad("invalidPath", "the path of an add must not include a value selection filter"))


@bug("patch-unknown-path-500")
def unknown_path(app):
    """An attribute that does not exist is null, and null has no type."""
    def operation(inner, *given):
        try:
            return inner(*given)
        except ScimError as error:
            if error.scim_type == "invalidPath":
                crash()
            raise
    wrap(app.patcher, "operation", operation)


@bug("patch-add-filter-path-always-new")
def always_new(app):
    """add at addresses[type eq "work"].locality makes a value of its own each time, though one is there."""
    def chosen(inner, base, op, path, value):
        item = app.patcher.wished(app.filters.compile_values(path.attr, path.filter))
        if op != "add" or not path.sub or item is None or path.attr.name == "members":
            return inner(base, op, path, value)
        app.patcher.assign(item, path.sub, value)
        base[path.attr.name] = base.get(path.attr.name, []) + [item]
        return None
    wrap(app.patcher, "chosen", chosen)


@bug("patch-dotted-key-stored-literally")
def literal_key(app):
    """{"name.familyName": ...} without a path becomes an attribute of that very name; name stays as it was."""
    def pathless(inner, rtype, data, op, value):
        if isinstance(value, dict) and op != "remove":
            dotted = {name: item for name, item in value.items() if "." in name and not name.startswith("urn:")}
            if dotted:
                data["_literal"] = {**data.get("_literal", {}), **dotted}
            value = {name: item for name, item in value.items() if name not in dotted}
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)
    edit(app.render, "shown", lambda body, record, wanted=None, *_: wanted or body.update(
        record.data.get("_literal", {})))


@bug("patch-extension-container-path-500")
def container(app):
    """A path that is the URN of an extension is taken for an attribute, and none is found."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: verb_of(o) != "remove"
             and rtype.extension(path_of(o)) is not None)


@bug("patch-extension-absent-500")
def absent_extension(app):
    """urn:...:User:costCenter of a user who has nothing of the extension yet: the map is null."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: any(
        path_of(o).lower().startswith(s.id.lower() + ":") and s.id not in data for s in rtype.extensions))


@bug("patch-attributes-answers-204")
def always_204(app):
    """PATCH is answered 204, even when the client asks for attributes and the standard demands 200."""
    edit(app, "do_patch", lambda answer, request, record: vars(answer).update(status=204, body=None))


@bug("patch-two-replaces-first-wins")
def first_wins(app):
    """Two replaces of one attribute in one request: the first one stays."""
    def operations(inner, body):
        seen, kept = set(), []
        for operation in inner(body):
            mark = path_of(operation).lower()
            if not (verb_of(operation) == "replace" and mark and mark in seen):
                kept.append(operation)
            seen |= {mark} if verb_of(operation) == "replace" else set()
        return kept
    wrap(app.patcher, "operations", operations)


@bug("patch-add-existing-role-400")
def existing_role(app):
    """add of a role that the user has makes two of it, and two are refused."""
    refuse_if(app.patcher, "plural", lambda base, op, attr, value: attr.name == "roles" and op == "add" and any(
        isinstance(item, dict) and item.get("value") in [r.get("value") for r in base.get("roles", ())]
        for item in (value if isinstance(value, list) else [value])),
        bad("invalidValue", "exactly one role, found 2"))


@bug("patch-addresses-400")
def no_addresses(app):
    """addresses[type eq "work"].locality is not in the list of what can be changed: the whole request fails."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: path_of(o).lower().startswith("addresses"),
              bad("invalidPath", "unsupported user attribute"))


@bug("patch-empty-operations-accepted")
def no_operations(app):
    """A list without operations is done at once."""
    wrap(app.patcher, "operations", lambda inner, body: [] if body.get("Operations") == [] else inner(body))


@bug("patch-complex-empty-string-accepted")
def empty_string(app):
    """replace name with "": a string where an object must be is thanked for and forgotten."""
    wrap(app.patcher, "attribute", lambda inner, base, op, attr, value:
         None if attr.type == "complex" and not attr.multi and value == "" else inner(base, op, attr, value))


@bug("patch-scalar-value-400")
def scalar(app):
    """`value` must be a list: "value": "x" is refused, "value": ["x"] is right."""
    def operation(inner, rtype, data, o):
        value = lower(o).get("value")
        if path_of(o) and value is not None and not isinstance(value, (list, dict)):
            raise ScimError(400, "'Operations.value' is of type string, but multi-valued")
        if path_of(o) and isinstance(value, list) and len(value) == 1 and not isinstance(value[0], (list, dict)):
            o = {**lower(o), "value": value[0]}
        return inner(rtype, data, o)
    wrap(app.patcher, "operation", operation)


@bug("patch-urn-filter-path-400")
def urn_filter(app):
    """A URN in front of a path with a filter: the dots of the URN tear it apart."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: path_of(o).startswith("urn:") and "[" in path_of(o),
              bad("invalidPath", "no such attribute"))


@bug("patch-user-groups-honoured")
def user_groups(app):
    """groups of a user is read-only, yet PATCH of it changes the groups."""
    def move(record, groups, into):
        for group in groups:
            rest = [m for m in group.data.get("members", []) if m["value"] != record.id]
            app.store.change(group, {**group.data, "members": rest + [{"value": record.id}] * into})

    def patch(inner, record, body):
        mine = [o for o in app.patcher.operations(body) if is_users(record.rtype)
                and re.match(r"groups\b", path_of(o), re.I)]
        for o in mine:
            value = lower(o).get("value")
            named = [v.get("value") for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]
            named += re.findall(r'value eq "([^"]*)"', path_of(o))
            groups = [app.store.get(record.tenant, GROUPS, rid) for rid in named]
            move(record, [g for g in groups if g], verb_of(o) != "remove")
        rest = [o for o in app.patcher.operations(body) if o not in mine]
        return inner(record, {**body, "Operations": rest}) if rest else None
    wrap(app.service, "patch", patch)
