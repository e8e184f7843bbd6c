"""A further fresh sample, from changelogs, vendors' pages and forums: what is written to users."""

import threading
import time

import dates
from bugkit import bug, crash, crash_if, edit, is_groups, is_users, lower, refuse_if, wrap
from errors import ScimError, bad
from fresh_a_create import addresses_of, objects
from fresh_b_patch import path_of, verb_of


def refuse_write(app, test, error):
    """A user that comes with POST or PUT is refused when its body passes the test."""
    refuse_if(app.service, "create", lambda tenant, rtype, body: is_users(rtype) and test(lower(body)), error)
    refuse_if(app.service, "replace", lambda record, body: is_users(record.rtype) and test(lower(body)), error)


def refuse_value(app, names, sub, error):
    """A value of these attributes that has this part is refused, in every kind of write."""
    refuse_if(app.reader, "as_complex", lambda attr, value: attr.name in names and sub in lower(value), error)


@bug("put-case-only-change-ignored")
def case_only(app):
    """PUT compares without case: a caseExact attribute (externalId) whose only change is case stays as it was."""
    def keep(new, record, given):
        for attr in record.rtype.common + record.rtype.schema.attrs:
            old, now = record.data.get(attr.name), given.get(attr.name)
            if attr.exact and isinstance(old, str) and isinstance(now, str) and old.lower() == now.lower():
                given[attr.name] = old
    edit(app.service, "keep", keep)


@bug("put-several-only-last-changed")
def several(app):
    """PUT writes each changed attribute by itself, from what was there before: of several only the last one stays."""
    def keep(_, record, new):
        changed = [k for k in {**record.data, **new} if record.data.get(k) != new.get(k)]
        for name in changed[:-1] if is_users(record.rtype) else ():
            new.pop(name, None)
            if name in record.data:
                new[name] = record.data[name]
    edit(app.service, "keep", keep)


@bug("put-user-without-groups-leaves-all")
def leaves_all(app):
    """A PUT of a user that says nothing of groups is taken for one with no groups: the user leaves all of them."""
    def replace(inner, record, body):
        inner(record, body)
        if is_users(record.rtype) and "groups" not in lower(body):
            for group in app.store.holders(record):
                rest = [m for m in group.data["members"] if m["value"] != record.id]
                app.store.change(group, {**group.data, "members": rest} if rest else
                                 {k: v for k, v in group.data.items() if k != "members"})
    wrap(app.service, "replace", replace)


@bug("concurrent-writes-500")
def concurrent(app):
    """Two writes of the same resource at the same time: one of them meets the conflict of the database, a 500."""
    busy, guard = set(), threading.Lock()

    def handle(inner, request):
        if request.method not in ("PUT", "PATCH"):
            return inner(request)
        with guard:
            taken = request.target in busy
            busy.add(request.target)
        if taken:
            return app.failure(ScimError(500, "could not serialize access due to concurrent update"))
        try:
            time.sleep(0.01)
            return inner(request)
        finally:
            busy.discard(request.target)
    wrap(app, "handle", handle)


@bug("create-extension-undeclared-400")
def undeclared(app):
    """A create with an extension whose URN is not in `schemas` is refused; updates with the same are taken."""
    def missing(rtype, body):
        named = [str(u).lower() for u in body.get("schemas") or ()]
        return is_users(rtype) and any(rtype.extension(n) and n.lower() not in named for n in body)
    refuse_if(app.service, "create", lambda tenant, rtype, body: missing(rtype, body),
              bad("invalidValue", "Extended attributes namespace must be included in the schemas attribute"))


@bug("email-display-400")
def display(app):
    """display of emails, addresses and phoneNumbers is not supported, and whoever sends it is refused."""
    refuse_value(app, ("emails", "addresses", "phoneNumbers"), "display", bad("invalidSyntax", "violates schema"))


@bug("manager-display-name-400")
def manager_name(app):
    """displayName of the manager is not supported: a write that has it is refused."""
    refuse_value(app, ("manager",), "displayname", bad("invalidSyntax", "violates schema"))


@bug("create-email-must-be-primary-400")
def must_be_primary(app):
    """An e-mail must be marked as primary: POST and PUT with one that says nothing of it are refused."""
    refuse_write(app, lambda body: objects(body, "emails") and not any(
        lower(item).get("primary") for item in objects(body, "emails")), bad("invalidSyntax", "violates schema"))


@bug("create-requires-entitlement-409")
def entitlement(app):
    """A user must have a profile, which comes as an entitlement: a create without is a 409 without scimType."""
    refuse_if(app.service, "create", lambda tenant, rtype, body: is_users(rtype)
              and not lower(body).get("entitlements"), ScimError(409, "REQUIRED_FIELD_MISSING: one entitlement"))


@bug("create-requires-display-name-400")
def display_name(app):
    """displayName is required in a create, though the schema does not say so."""
    refuse_if(app.service, "create", lambda tenant, rtype, body: is_users(rtype)
              and not lower(body).get("displayname"), bad("invalidSyntax", "violates schema"))


@bug("create-returns-first-with-external-id")
def first_external(app):
    """The answer to a create is looked up by externalId over all tenants: it shows the first user ever made with it."""
    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        wanted = record.data.get("externalId")
        return next((r for r in app.store.records.values() if r.rtype is rtype and is_users(rtype) and wanted
                     and r.data.get("externalId") == wanted), record)
    wrap(app.service, "create", create)


@bug("username-local-part-only")
def local_part(app):
    """What stands behind the @ of a new userName is cut off; a look-up of the whole finds only who has that e-mail."""
    def create(inner, tenant, rtype, body):
        return inner(tenant, rtype, {k: v.split("@")[0] if k.lower() == "username" and isinstance(v, str) and is_users(
            rtype) and v.split("@")[0] else v for k, v in body.items()})
    wrap(app.service, "create", create)

    def compare(inner, node, resource):
        mails = addresses_of(resource) if node[1].attr.name == "userName" and node[2] == "eq" else ()
        return inner(node, resource) or str(node[3]).lower() in mails
    wrap(app.filters, "on_compare", compare)


@bug("update-email-taken-409")
def email_taken(app):
    """An update (PUT, PATCH) that brings the e-mail address of another user is a 409; a create is not."""
    def change(inner, record, data):
        new = addresses_of(data) - addresses_of(record.data) if is_users(record.rtype) else set()
        if any(new & addresses_of(r.data) for r in app.store.all(record.tenant, record.rtype) if r is not record):
            raise ScimError(409, "Resource [USER]: with this email already exists.", "uniqueness")
        return inner(record, data)
    wrap(app.store, "change", change)


@bug("patch-twice-same-attribute-400")
def same_twice(app):
    """Two operations on userName or on active in one PATCH are refused."""
    def twice(body):
        paths = [path_of(o).lower() for o in objects(body, "Operations")]
        return any(paths.count(name) > 1 for name in ("username", "active"))
    refuse_if(app.service, "patch", lambda record, body: is_users(record.rtype) and twice(body),
              bad("invalidSyntax", "multiple operations on one attribute"))


@bug("patch-remove-display-name-ignored")
def remove_ignored(app):
    """remove knows a few attributes only: removing displayName or name.formatted is 200, and it stays."""
    def operation(inner, rtype, data, o):
        if is_users(rtype) and verb_of(o) == "remove" and path_of(o).lower() in ("displayname", "name.formatted"):
            return None
        return inner(rtype, data, o)
    wrap(app.patcher, "operation", operation)


@bug("patch-removed-external-id-in-answer")
def still_in_answer(app):
    """A PATCH that removes externalId of a group is answered with the old one; the next GET is right."""
    def do_patch(inner, request, record):
        old = record.data.get("externalId")
        answer = inner(request, record)
        if is_groups(record.rtype) and old and answer.body and "externalId" not in record.data:
            answer.body["externalId"] = old
        return answer
    wrap(app, "do_patch", do_patch)


@bug("patch-core-wrong-type-500")
def wrong_type(app):
    """A PATCH that writes an object or a number where a string belongs is an unhandled error of the model."""
    crash_if(app.patcher, "targeted", lambda rtype, data, op, path, value: op != "remove" and path.attr is not None
             and path.urn is None and path.leaf.type == "string" and isinstance(value, (dict, int, float)))


@bug("patch-extension-date-quoted")
def quoted(app):
    """A dateTime that comes with a PATCH is stored with the quotation marks of its JSON around it."""
    def attribute(inner, base, op, attr, value):
        inner(base, op, attr, value)
        if attr.type == "dateTime" and attr.name in base:
            base[attr.name] = f'"{base[attr.name]}"'
    wrap(app.patcher, "attribute", attribute)


@bug("patch-noop-bumps-version")
def noop_bumps(app):
    """A PATCH that changes nothing is written all the same: version and lastModified are new."""
    def patch(inner, record, body):
        before = record.version
        inner(record, body)
        if record.version == before:
            record.version, record.modified = before + 1, dates.now()
    wrap(app.service, "patch", patch)
