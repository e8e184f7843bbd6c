"""A fifth sample of public reports: PATCH of users, what it misses and what it does besides."""

import json

import paths
from bugkit import bug, crash, crash_if, is_users, lower, refuse_if, wrap
from catalogue import BADGE, ENTERPRISE_SCHEMA
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of
from fresh_c_write import aside, touches


def main_address(data):
    """The primary e-mail address, or the first one."""
    emails = sorted(data.get("emails", ()), key=lambda e: not e.get("primary"))
    return next((e["value"] for e in emails if e.get("value")), None)


def plain(body):
    """A PATCH whose paths lack their filters, which may hold colons."""
    return {"Operations": [{**o, "path": path_of(o).partition("[")[0]} for o in objects(lower(body), "operations")]}


def target(rtype, operation):
    """What the path of an operation leads to, or None."""
    try:
        return paths.parse(rtype, path_of(operation)) if path_of(operation) else None
    except ScimError:
        return None


@bug("patch-email-deletes-user")
def email_deletes(app):
    """Writing a new address marks the old row as deleted, and with it the user: the answer is fine, the user gone."""
    def do_patch(inner, request, record):
        answer = inner(request, record)
        if is_users(record.rtype) and touches(plain(request.body), "emails"):
            app.store.remove(record)
        return answer
    wrap(app, "do_patch", do_patch)


@bug("patch-email-renames-user")
def email_renames(app):
    """The login is an address here, so a changed e-mail changes userName as well."""
    def change(data, body):
        if touches(plain(body), "emails") and main_address(data):
            data["userName"] = main_address(data)
    aside(app, change)


@bug("patch-extension-value-object-text")
def object_text(app):
    """add of an extension without a path: each value is turned into text before it was taken out of its wrapper."""
    def pathless(inner, rtype, data, op, value):
        if op == "add" and isinstance(value, dict):
            value = {k: {n: "core.attributes.SimpleAttribute@3fcc28bd" if isinstance(v, str) else v
                         for n, v in item.items()} if rtype.extension(k) and isinstance(item, dict) else item
                     for k, item in value.items()}
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)


@bug("patch-remove-all-parts-keeps")
def parts_kept(app):
    """A parent is worked out anew from the parts it still has; when the last part is removed it stays as it was."""
    def apply(inner, rtype, before, body):
        data = inner(rtype, before, body)
        for path in (target(rtype, o) for o in objects(lower(body), "operations") if verb_of(o) == "remove"):
            if path and path.sub and not path.attr.multi and not path.urn and path.attr.name in before:
                data.setdefault(path.attr.name, before[path.attr.name])
        return data
    wrap(app.patcher, "apply", apply)


@bug("patch-remove-without-value-500")
def remove_value(app):
    """Each operation is asked for its value, though remove has none."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: verb_of(o) == "remove" and "value" not in lower(o))


@bug("patch-pathless-unknown-key-400")
def unknown_key(app):
    """One key that the switch does not know, and all that came in the same value is refused."""
    refuse_if(app.patcher, "pathless", lambda rtype, data, op, value: is_users(rtype) and isinstance(value, dict)
              and any(k.lower() != "schemas" and app.patcher.key(rtype, k) is None for k in value),
              bad("invalidValue", "Invalid parameter provided in request: value"))


@bug("patch-phone-breaks-read")
def breaks_read(app):
    """A phone number of a type that the user did not have is stored without its index: from then on reading the user by
    id is a null reference."""
    broken = set()

    def patch(inner, record, body):
        before = {p.get("type") for p in record.data.get("phoneNumbers", ())}
        inner(record, body)
        if {p.get("type") for p in record.data.get("phoneNumbers", ())} - before:
            broken.add(record.id)
    wrap(app.service, "patch", patch)
    crash_if(app, "do_get", lambda request, record: record.id in broken)


@bug("patch-username-conflict-500")
def conflict(app):
    """PATCH writes userName without a look: the index of the database says no, and nobody catches that."""
    def patch(inner, record, body):
        try:
            return inner(record, body)
        except ScimError as error:
            if error.status == 409:
                crash()
            raise
    wrap(app.service, "patch", patch)


@bug("patch-pathless-active-ignored")
def active_ignored(app):
    """Without a path the value is stored under the empty key, in a bag that nobody reads: {"active": false}, as Okta
    sends it, is 200, and the user stays active. With a path it works."""
    def pathless(inner, rtype, data, op, value):
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if k.lower() != "active"}
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)


@bug("patch-add-part-of-absent-ignored")
def absent_parent(app):
    """add of a part (name.givenName, emails[type eq "work"].value) whose parent is not there changes nothing."""
    def operation(inner, rtype, data, o):
        path = target(rtype, o)
        if verb_of(o) == "add" and path and path.sub:
            base = data.get(path.urn, {}) if path.urn else data
            if path.attr.name not in base or path.filter and not app.patcher.matching(base, path):
                return None
        return inner(rtype, data, o)
    wrap(app.patcher, "operation", operation)


@bug("patch-clears-roles")
def clears_roles(app):
    """The user is built anew from the request with an empty list of roles, which is then saved."""
    aside(app, lambda data, body: touches(plain(body), "roles") or data.pop("roles", None))


@bug("patch-emails-list-path-500")
def list_path(app):
    """A list with a path is taken for the members of a group: with the path emails the parser stumbles."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: is_users(rtype) and path_of(o).lower() == "emails"
             and isinstance(lower(o).get("value"), list))


@bug("patch-extension-wrong-type-500")
def wrong_type(app):
    """Attributes of the enterprise extension are written as they come; a number is an error of the database."""
    crash_if(app.patcher, "attribute", lambda base, op, attr, value: attr in ENTERPRISE_SCHEMA.attrs
             and attr.type == "string" and value is not None and not isinstance(value, str))


@bug("patch-wipes-custom-extension")
def wipes(app):
    """What the product has no field for lies in a bag of its own, and each PATCH writes the bag of the request."""
    aside(app, lambda data, body: BADGE.lower() in json.dumps(body).lower() or data.pop(BADGE, None))


@bug("patch-filter-path-ignored")
def filter_ignored(app):
    """replace at emails[type eq "work"].value changes a copy of the list: 200, and all is as before."""
    wrap(app.patcher, "chosen", lambda inner, base, op, path, value:
         None if op == "replace" and path.sub else inner(base, op, path, value))


@bug("patch-remove-name-keeps-family")
def family_stays(app):
    """The user store cannot do without a surname, so remove of name takes all but that."""
    def remove(inner, base, path, value):
        family = (base.get("name") or {}).get("familyName")
        inner(base, path, value)
        if path.attr.name == "name" and not path.sub and family:
            base["name"] = {"familyName": family}
    wrap(app.patcher, "remove", remove)
