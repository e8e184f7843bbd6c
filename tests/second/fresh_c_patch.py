"""Public bugs, third sample: PATCH of users, paths and values."""

import re

from bugkit import bug, crash, crash_if, edit, is_users, lower, refuse_if, wrap
from catalogue import BADGE, ENTERPRISE
from errors import ScimError, bad
from fresh_b_patch import brackets, path_of, verb_of


@bug("patch-adds-null-parts")
def null_parts(app):
    """A PATCH adds null for every part that a value of a list lacks; the next PATCH fails on the null type."""
    def apply(inner, rtype, before, body):
        for name, items in before.items():
            if isinstance(items, list) and any(isinstance(i, dict) and i.get("type", "") is None for i in items):
                raise bad("invalidValue", f"Attribute 'type' contains non-canonical value from complex attribute '{name}'")
        data = inner(rtype, before, body)
        for attr in rtype.schema.attrs:
            if is_users(rtype) and attr.multi and attr.subs and attr.name in data:
                data[attr.name] = [{**{s.name: None for s in attr.subs}, **item} for item in data[attr.name]]
        return data
    wrap(app.patcher, "apply", apply)


@bug("patch-extension-replace-known-400")
def frozen(app):
    """replace of an attribute of the enterprise extension that has a value already is 400 invalidPath."""
    def operation(inner, rtype, data, o):
        urn, _, name = path_of(o).rpartition(":")
        known = lower(data.get(ENTERPRISE, {}))
        if verb_of(o) == "replace" and urn.lower() == ENTERPRISE.lower() and name.partition(".")[0].lower() in known:
            raise bad("invalidPath", f"Invalid attribute path '{path_of(o)}' in supplied value for 'replace'")
        return inner(rtype, data, o)
    wrap(app.patcher, "operation", operation)


def flat_shown(app):
    """Attributes whose names are whole URNs are shown at the root."""
    ids = (ENTERPRISE.lower(), BADGE.lower())
    edit(app.render, "shown", lambda out, record, wanted=None, *_: wanted or out.update(
        {k: v for k, v in record.data.items() if ":" in k and k.lower() not in ids}))


def flat(name):
    """Whether a name is a URN with an attribute behind it."""
    return any(name.lower().startswith(urn.lower() + ":") for urn in (ENTERPRISE, BADGE))


@bug("patch-urn-key-stored-at-root")
def root_key(app):
    """A key urn:...:User:employeeNumber without a path becomes an attribute of that name at the root."""
    def pathless(inner, rtype, data, op, value):
        if isinstance(value, dict) and op != "remove":
            data.update({k: v for k, v in value.items() if flat(k)})
            value = {k: v for k, v in value.items() if not flat(k)}
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)
    flat_shown(app)


@bug("patch-urn-path-stored-flat")
def root_path(app):
    """A path urn:...:User:department is taken as one name: the value is stored at the root under it."""
    def operation(inner, rtype, data, o):
        path = path_of(o)
        if not flat(path) or "[" in path:
            return inner(rtype, data, o)
        if verb_of(o) == "remove":
            data.pop(path, None)
        else:
            data[path] = lower(o).get("value")
        return None
    wrap(app.patcher, "operation", operation)
    flat_shown(app)


def badge_list(o):
    """Whether an operation names the list of the custom extension by a path."""
    return path_of(o).lower() == f"{BADGE}:floors".lower()


@bug("patch-extension-list-add-replaces")
def add_replaces(app):
    """add to a plain multi-valued attribute of an extension, with a path, replaces the list; without one it adds."""
    wrap(app.patcher, "operation", lambda inner, rtype, data, o: inner(
        rtype, data, {**lower(o), "op": "replace"} if badge_list(o) and verb_of(o) == "add" else o))


@bug("patch-remove-extension-list-500")
def remove_last(app):
    """remove with the last value of a list in a custom extension: what is left has no length."""
    def operation(inner, rtype, data, o):
        had = data.get(BADGE, {}).get("floors")
        inner(rtype, data, o)
        if badge_list(o) and verb_of(o) == "remove" and had and not data.get(BADGE, {}).get("floors"):
            crash()
    wrap(app.patcher, "operation", operation)


@bug("patch-pathless-add-list-replaces")
def pathless_list(app):
    """add without a path replaces a list instead of adding to it; with a path it adds."""
    def pathless(inner, rtype, data, op, value):
        if op == "add" and isinstance(value, dict):
            lists = {k: v for k, v in value.items() if isinstance(v, list)}
            inner(rtype, data, "replace", lists)
            value = {k: v for k, v in value.items() if k not in lists}
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)


@bug("patch-add-second-phone-500")
def second_phone(app):
    """phoneNumbers[type eq "mobile"].value when there are numbers, but none of that type: null."""
    crash_if(app.patcher, "chosen", lambda base, op, path, value: path.attr.name == "phoneNumbers"
             and base.get("phoneNumbers") and not app.patcher.matching(base, path))


@bug("patch-filter-path-500")
def no_filters(app):
    """A path with a filter on emails or phoneNumbers is an error of the server."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o:
              re.match(r"(urn:.*:)?(emails|phonenumbers)\[", path_of(o), re.I), ScimError(500, "Server Error"))


@bug("patch-filter-object-becomes-list")
def nested(app):
    """replace at addresses[type eq "work"] with an object: a list with the object takes the place of the value."""
    def chosen(inner, base, op, path, value):
        found = app.patcher.matching(base, path)
        if op != "replace" or path.sub or not found:
            return inner(base, op, path, value)
        clean = app.reader.one(path.attr, value)
        base[path.attr.name] = [[clean] if item in found else item for item in base[path.attr.name]]
        return None
    wrap(app.patcher, "chosen", chosen)


@bug("patch-filter-few-operators-400")
def few_operators(app):
    """In the filter of a path only eq and co are known, and no parentheses: everything else is 400 invalidFilter."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: re.search(
        r"\b(ne|sw|ew|gt|ge|lt|le|pr|not)\b|[()]", re.sub(r'"[^"]*"', "", brackets(path_of(o))), re.I),
        bad("invalidFilter", "Filter operation is not supported in value path"))


@bug("patch-filter-string-boolean-no-target")
def string_filter(app):
    """roles[primary eq "True"], as Entra writes it, is compared as a text: nothing fits, noTarget."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: re.search(
        r'primary eq "(True|False)"', brackets(path_of(o))),
        bad("noTarget", "Attribute does not have a value matching the filter"))


@bug("patch-filter-on-single-500")
def single_filter(app):
    """A filter on an attribute with a single value (title[primary eq true]) is an unhandled TypeError."""
    def single(rtype, data, o):
        name, bracket, _ = path_of(o).partition("[")
        attr = rtype.attr(name) if bracket else None
        return attr is not None and not attr.multi
    crash_if(app.patcher, "operation", single)


@bug("patch-name-sub-path-500")
def sub_path(app):
    """replace with the path name.familyName and a string: the string has no items."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: verb_of(o) == "replace"
             and path_of(o).lower().startswith("name.") and isinstance(lower(o).get("value"), str))


@bug("patch-error-types-swallowed")
def swallowed(app):
    """Whatever is wrong with a PATCH, scimType is invalidValue (noTarget, invalidPath, mutability are lost)."""
    def patch(inner, record, body):
        try:
            return inner(record, body)
        except ScimError as error:
            if error.status == 400:
                raise bad("invalidValue", error.detail) from None
            raise
    wrap(app.service, "patch", patch)


@bug("patch-add-known-and-new-500")
def known_and_new(app):
    """add of several e-mails of which one type is there already and another is new: 500."""
    def mixed(base, op, attr, value):
        if op != "add" or attr.name != "emails" or not isinstance(value, list):
            return False
        old = {e.get("type") for e in base.get("emails", ())}
        new = [e.get("type") in old for e in value if isinstance(e, dict)]
        return any(new) and not all(new)
    crash_if(app.patcher, "plural", mixed)


@bug("patch-active-path-form-400")
def path_form(app):
    """active can only be changed without a path; {"path": "active", "value": false} is an invalid operation."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: path_of(o).lower() == "active",
              ScimError(400, "Invalid Patch Operation."))


@bug("patch-active-garbage-accepted")
def garbage(app):
    """PATCH of active with what is no boolean is accepted; whatever is not empty counts as true."""
    def as_boolean(inner, attr, value):
        try:
            return inner(attr, value)
        except ScimError:
            return bool(value)

    def attribute(inner, base, op, attr, value):
        if attr.name == "active" and value is not None:
            value = as_boolean(app.reader.as_boolean, attr, value)
        return inner(base, op, attr, value)
    wrap(app.patcher, "attribute", attribute)


@bug("patch-operations-object-500")
def operations_object(app):
    """Operations as one object instead of a list: forEach is not a function."""
    crash_if(app.patcher, "operations", lambda body: isinstance(lower(body).get("operations"), dict))


@bug("group-remove-filter-required-400")
def required_part(app):
    """remove of a whole value is refused when one of its parts is required: members[value eq "..."]."""
    refuse_if(app.patcher, "remove_chosen", lambda base, path: not path.sub and any(s.required for s in path.attr.subs),
              ScimError(400, "required attributes cannot be removed", "mutability"))
