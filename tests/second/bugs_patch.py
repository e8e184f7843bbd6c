"""Bugs of PATCH on users."""

import copy

import patch
from bugkit import bug, crash, crash_if, edit, is_users, lower, refuse_if, wrap
from errors import ScimError, bad


def skip_op(app, verb):
    """Operations of this kind fall through a switch statement."""
    def around(inner, rtype, data, operation):
        if is_users(rtype) and str(lower(operation).get("op")).lower() == verb:
            return None
        return inner(rtype, data, operation)
    wrap(app.patcher, "operation", around)


@bug("patch-add-ignored")
def add_ignored(app):
    """Only replace and remove are handled."""
    skip_op(app, "add")


@bug("patch-remove-ignored")
def remove_ignored(app):
    """Only add and replace are handled."""
    skip_op(app, "remove")


@bug("patch-add-overwrites-multivalued")
def add_is_replace(app):
    """add and replace share their code."""
    wrap(app.patcher, "plural", lambda inner, base, op, attr, value:
         inner(base, op if attr.name == "members" else "replace", attr, value))


@bug("patch-capitalized-op-rejected")
def capitals(app):
    """The enumeration is compared with case."""
    refuse_if(app.patcher, "verb", lambda op: op not in patch.LEGAL, bad("invalidSyntax", "unknown op"))


@bug("patch-dotted-key-rejected")
def dotted(app):
    """A key with a dot is no attribute name."""
    refuse_if(app.patcher, "key", lambda rtype, name: "." in name and not name.startswith("urn:"),
              bad("invalidValue", "unknown attribute"))


@bug("patch-email-ignored")
def email_fixed(app):
    """Addresses are read when a user is created, never again."""
    def change(inner, record, data):
        kept = {k: v for k, v in data.items() if k != "emails"}
        return inner(record, {**kept, "emails": record.data["emails"]} if "emails" in record.data else kept)
    wrap(app.store, "change", change)


@bug("patch-leaks-into-name")
def leaks(app):
    """The operation is tried on every object that could take it."""
    def attribute(inner, base, op, attr, value):
        inner(base, op, attr, value)
        if attr.type == "string" and isinstance(base.get("name"), dict):
            base["name"] = {**base["name"], attr.name: value}
    wrap(app.patcher, "attribute", attribute)


@bug("patch-not-atomic")
def not_atomic(app):
    """Each operation is saved by itself."""
    def apply(inner, rtype, before, body):
        done = []
        for operation in app.patcher.operations(body):
            try:
                inner(rtype, before, {**body, "Operations": done + [operation]})
            except ScimError:
                data = copy.deepcopy(before)
                for earlier in done:
                    app.patcher.operation(rtype, data, earlier)
                before.clear()
                before.update(data)
                raise
            done.append(operation)
        return inner(rtype, before, body)
    wrap(app.patcher, "apply", apply)


@bug("patch-null-value-500")
def null(app):
    """value.length of null."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: lower(o).get("value", "") is None)


@bug("patch-only-active-supported")
def only_active(app):
    """The handler was written for deactivation."""
    def wrong(rtype, data, operation):
        value = lower(operation).get("value")
        simple = isinstance(value, (bool, dict)) or str(value).lower() in ("true", "false")
        return is_users(rtype) and isinstance(operation, dict) and not simple
    refuse_if(app.patcher, "operation", wrong, bad("invalidValue", "value must be a boolean or object"))


@bug("patch-primary-not-exclusive")
def two_primaries(app):
    """Nobody looks at the other values."""
    app.patcher.demote = lambda old, new: None
    app.patcher.lead = lambda base, path, item: None


@bug("patch-response-schema-is-patchop")
def patchop_schema(app):
    """The answer is the request's model."""
    edit(app, "do_patch", lambda answer, request, record: answer.body.update(schemas=[patch.PATCH]))


@bug("patch-returns-stale-resource")
def stale_answer(app):
    """The answer was loaded before the change."""
    def do_patch(inner, request, record):
        before = app.shown(request, record, 200)
        answer = inner(request, record)
        answer.body = before.body
        return answer
    wrap(app, "do_patch", do_patch)


@bug("patch-username-duplicate-accepted")
def rename_onto(app):
    """Only creates look for duplicates."""
    def do_patch(inner, request, record):
        unique, app.service.unique = app.service.unique, lambda *_: None
        try:
            return inner(request, record)
        finally:
            app.service.unique = unique
    wrap(app, "do_patch", do_patch)


@bug("patch-value-path-no-match-400")
def no_match(app):
    """The letter of RFC 7644 section 3.5.2.3, which Entra cannot live with."""
    def fresh(base, path):
        raise bad("noTarget", "no value fits the filter")
    app.patcher.fresh = fresh


def touches_active(operation):
    """The value that an operation gives to `active`, or None."""
    given = lower(operation)
    value = given.get("value")
    if str(given.get("path", "")).lower() == "active":
        return value
    return lower(value).get("active") if isinstance(value, dict) and not given.get("path") else None


@bug("patch-active-add-op-rejected")
def active_add(app):
    """A boolean can only be replaced."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o:
              str(lower(o).get("op")).lower() == "add" and touches_active(o) is not None,
              bad("invalidSyntax", "active takes replace"))


@bug("patch-active-ignored")
def active_ignored(app):
    """The field is not on the list of those that may change."""
    def apply(inner, rtype, before, body):
        data = inner(rtype, before, body)
        return {**data, "active": before["active"]} if "active" in before else data
    wrap(app.patcher, "apply", apply)


@bug("patch-active-true-rejected")
def active_true(app):
    """Reactivation was not thought of."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: str(touches_active(o)).lower() == "true",
              bad("invalidSyntax", "Invalid Patch Operation"))


@bug("patch-pathless-500")
def pathless(app):
    """path.split of nothing."""
    wrap(app.patcher, "pathless", crash)


@bug("deactivate-response-404")
def deactivate_404(app):
    """The answer is looked up among the active users."""
    def do_patch(inner, request, record):
        answer = inner(request, record)
        if record.data.get("active") is False:
            raise ScimError(404, "User not found")
        return answer
    wrap(app, "do_patch", do_patch)


@bug("patch-noop-400")
def noop(app):
    """UPDATE without columns is an error of the database."""
    def apply(inner, rtype, before, body):
        data = inner(rtype, before, body)
        if data == before:
            raise bad("invalidValue", "No valid fields to update")
        return data
    wrap(app.patcher, "apply", apply)


@bug("patch-missing-operations-500")
def no_operations(app):
    """body["Operations"] without looking."""
    crash_if(app.patcher, "operations", lambda body: "operations" not in lower(body))


@bug("patch-null-schemas-500")
def null_schemas(app):
    """body["schemas"].includes(...) of null."""
    crash_if(app.patcher, "operations", lambda body: lower(body).get("schemas") is None)
