"""A seventh sample of public reports: PATCH of users."""

import paths
from bugkit import bug, crash_if, is_users, lower, refuse_if, wrap
from catalogue import BADGE, ENTERPRISE
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of
from fresh_e_patch import target
from fresh_g_create import checked


def only(operation, name):
    """Whether an operation is about this one attribute and nothing else."""
    value = lower(operation).get("value")
    if path_of(operation):
        return path_of(operation).lower() == name
    return isinstance(value, dict) and [k.lower() for k in value] == [name]


@bug("patch-external-id-answer-stale")
def stale(app):
    """A PATCH of nothing but externalId is done, and answered with the user as it was before."""
    def do_patch(inner, request, record):
        operations = objects(lower(request.body), "operations")
        if not (is_users(record.rtype) and operations and all(only(o, "externalid") for o in operations)):
            return inner(request, record)
        before = app.shown(request, record, 200)
        inner(request, record)
        return before
    wrap(app, "do_patch", do_patch)


@bug("patch-add-email-becomes-primary")
def promoted(app):
    """add of an e-mail address that says nothing of primary makes it the primary one and demotes the other."""
    def plural(inner, base, op, attr, value):
        if attr.name == "emails" and op == "add" and value:
            given = [dict(i) if isinstance(i, dict) else i for i in (value if isinstance(value, list) else [value])]
            if all(isinstance(i, dict) and not i.get("primary") for i in given):
                given[0]["primary"] = True
                value = given
        return inner(base, op, attr, value)
    wrap(app.patcher, "plural", plural)


@bug("patch-given-name-rewrites-formatted")
def rewritten(app):
    """A formatted name that equals given and family name counts as derived: a PATCH of one of these writes it anew, and
    a displayName that is the same text too."""
    def apply(inner, rtype, before, body):
        data = inner(rtype, before, body)
        old, new = before.get("name", {}), data.get("name", {})
        text = f"{old.get('givenName', '')} {old.get('familyName', '')}".strip()
        fresh = f"{new.get('givenName', '')} {new.get('familyName', '')}".strip()
        if is_users(rtype) and text and fresh and fresh != text and old.get("formatted") == new.get("formatted") == text:
            data["name"]["formatted"] = fresh
            if data.get("displayName") == before.get("displayName") == text:
                data["displayName"] = fresh
        return data
    wrap(app.patcher, "apply", apply)


@bug("patch-guards-case-sensitive")
def guards(app):
    """Whether an attribute may be written or must be there is looked up with the spelling of the client: a path in other
    case (GROUPS, USERNAME) passes the guard, writes what is readOnly and removes what is required."""
    gone = []

    def operation(inner, rtype, data, given):
        path = target(rtype, given) if isinstance(given, dict) else None
        text = path_of(given) if isinstance(given, dict) else ""
        if path is None or path.attr is None or path.urn or path.sub or path.filter or path.attr.name in text:
            return inner(rtype, data, given)
        if path.attr.mutability == "readOnly" and verb_of(given) != "remove":
            data[path.attr.name] = lower(given).get("value")
            return None
        if path.attr.required and verb_of(given) == "remove":
            gone.append(path.attr.name)
        return inner(rtype, data, given)

    def finish(inner, rtype, before, data):
        lost = [name for name in gone if name not in data]
        gone.clear()
        data.update({name: "there" for name in lost})
        inner(rtype, before, data)
        for name in lost:
            data.pop(name)
    wrap(app.patcher, "operation", operation)
    wrap(app.patcher, "finish", finish)


@bug("patch-filter-first-match-only")
def first_match(app):
    """A filter in a path that fits several values changes or removes the first of them only."""
    wrap(app.patcher, "matching", lambda inner, base, path: inner(base, path)[:1])


@bug("patch-second-role-400")
def second_role(app):
    """A user has one role: add of another by PATCH is refused, because then there are two."""
    def finish(inner, rtype, before, data):
        inner(rtype, before, data)
        if is_users(rtype) and len(data.get("roles", ())) > 1 and data["roles"] != before.get("roles"):
            raise bad("invalidValue", "Roles array must contain exactly one organization role, found 2")
    wrap(app.patcher, "finish", finish)


@bug("patch-roles-entitlements-ignored")
def unread(app):
    """PATCH of roles and entitlements is stored under a key that nobody reads: 200, and nothing is different."""
    def targeted(inner, rtype, data, op, path, value):
        if path.attr is not None and is_users(rtype) and path.attr.name in ("roles", "entitlements"):
            return None
        return inner(rtype, data, op, path, value)
    wrap(app.patcher, "targeted", targeted)


@bug("patch-email-unchangeable-400")
def email_fixed(app):
    """An e-mail address cannot be changed by PATCH: another one, or the same in other case, is refused."""
    def finish(inner, rtype, before, data):
        inner(rtype, before, data)
        old, new = ([e.get("value") for e in d.get("emails", ())][:1] for d in (before, data))
        if is_users(rtype) and old and new and old != new:
            raise ScimError(400, "Email cannot be changed")
    wrap(app.patcher, "finish", finish)


@bug("patch-enterprise-only-department-400")
def department_only(app):
    """The schema of the library has department and no other attribute of the enterprise extension: a PATCH of another
    one is refused, together with all that came in the same request."""
    refuse_if(app.patcher, "targeted", lambda rtype, data, op, path, value: path.urn == ENTERPRISE
              and path.attr is not None and path.attr.name != "department", bad("invalidPath", "unknown attribute"))


@bug("patch-complex-extension-path-500")
def complex_path(app):
    """A path to a complex attribute of an extension (manager) with an object as its value finds no attribute; the same
    inside of a value works."""
    def when(rtype, data, given):
        path = target(rtype, given) if isinstance(given, dict) else None
        return bool(path and path.urn and path.attr is not None and path.attr.type == "complex" and not path.sub
                    and isinstance(lower(given).get("value"), dict))
    crash_if(app.patcher, "operation", when)


@bug("patch-pathless-extension-object-400")
def extension_object(app):
    """A value without a path that has the URN of an extension as a key is refused."""
    refuse_if(app.patcher, "pathless", lambda rtype, data, op, value: isinstance(value, dict)
              and any(rtype.extension(k) for k in value), bad("invalidSyntax", "invalid attribute name"))


@bug("patch-custom-urn-split")
def urn_split(app):
    """A custom URN as a key without a path is split at its last colon: User, with the values in it, becomes a part of an
    attribute that is named like the rest; the extension stays as it was."""
    head, _, tail = BADGE.rpartition(":")

    def pathless(inner, rtype, data, op, value):
        if isinstance(value, dict) and any(k.lower() == BADGE.lower() for k in value):
            data[head] = {tail: next(v for k, v in value.items() if k.lower() == BADGE.lower())}
            value = {k: v for k, v in value.items() if k.lower() != BADGE.lower()}
        return inner(rtype, data, op, value)

    def shown(inner, record, *more):
        body = inner(record, *more)
        return {**body, head: record.data[head]} if head in record.data else body
    wrap(app.patcher, "pathless", pathless)
    wrap(app.render, "shown", shown)


@bug("patch-list-answer-empty")
def empty_answer(app):
    """A PATCH that replaces a list of objects is done, and answered with 200 and an empty object."""
    def do_patch(inner, request, record):
        answer = inner(request, record)
        for given in objects(lower(request.body), "operations"):
            path = target(record.rtype, given)
            if is_users(record.rtype) and verb_of(given) == "replace" and path and path.attr is not None \
                    and path.attr.multi and path.attr.subs and not path.filter and not path.sub:
                answer.body = {}
        return answer
    wrap(app, "do_patch", do_patch)


@bug("patch-empty-value-400")
def empty_value(app):
    """replace with an empty list, object or text as its value is a bad request instead of a removal."""
    refuse_if(app.patcher, "operation", lambda rtype, data, given: is_users(rtype) and isinstance(given, dict)
              and verb_of(given) == "replace" and lower(given).get("value") in ([], {}, ""),
              bad("invalidSyntax", "value field must not be null or an empty container"))


@bug("deactivate-writes-none")
def none_text(app):
    """When a user is deactivated, middle name and title that the user does not have become the text None."""
    def change(record, data):
        if record.data.get("active") and data.get("active") is False:
            data.setdefault("title", "None")
            data["name"] = {"middleName": "None", **data.get("name", {})}
    checked(app, change)
