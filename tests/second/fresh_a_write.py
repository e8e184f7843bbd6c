"""A fresh sample of public bugs: replacing, changing and deleting."""

import re
import uuid

from bugkit import bug, crash, crash_if, edit, is_groups, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad
from fresh_a_create import objects
from more_create import stored


def operations(app, around):
    """Every operation of a PATCH: `around(op, path, value, rtype, data)` may raise; op and path are folded."""
    def operation(inner, rtype, data, given):
        one = lower(given)
        around(str(one.get("op")).lower(), str(one.get("path") or "").lower(), one.get("value"), rtype, data)
        return inner(rtype, data, given)
    wrap(app.patcher, "operation", operation)


@bug("external-id-patch-add-no-target")
def add_external(app):
    """externalId is in no schema of the type: replace has a case for it, add has none."""
    def around(op, path, value, rtype, data):
        if op == "add" and path == "externalid":
            raise bad("noTarget", "attribute externalId is not recognized by the SCIM schema")
    operations(app, around)


@bug("patch-manager-value-path-400")
def manager_path(app):
    """The dots of the URN are counted as well, so manager.value is one level too deep."""
    def around(op, path, value, rtype, data):
        if path.startswith("urn:") and path.endswith(":manager.value"):
            raise bad("noTarget", "max one sub attribute can be allowed")
    operations(app, around)


@bug("patch-pathless-urn-key-400")
def urn_key(app):
    """A key with a schema in front, as Entra writes it, is an invalid value."""
    def around(op, path, value, rtype, data):
        if not path and any(re.match(r"urn:.*:user:\w", name) for name in lower(value)):
            raise bad("invalidValue", "A required value was missing, or the value was not compatible")
    operations(app, around)


@bug("patch-absent-display-name-500")
def display_name(app):
    """data["displayName"] of a user who never had one."""
    def around(op, path, value, rtype, data):
        if op == "replace" and is_users(rtype) and "displayName" not in data and \
                (path == "displayname" or (not path and "displayname" in lower(value))):
            raise ScimError(500, "The given key 'dn' was not present in the dictionary.")
    operations(app, around)


@bug("patch-name-part-400")
def name_part(app):
    """givenName and familyName are required inside of name, also when only one of them is to be changed."""
    def around(op, path, value, rtype, data):
        name = value if path == "name" else lower(value).get("name") if not path else None
        if op == "replace" and isinstance(name, dict) and not {"givenname", "familyname"} <= set(lower(name)):
            raise bad("invalidValue", "required attributes name.familyName, name.givenName are missing")
    operations(app, around)


@bug("patch-needs-username")
def needs_name(app):
    """The PATCH body is validated as a user, and a user has a userName."""
    def named(body):
        for one in objects(lower(body), "operations"):
            one = lower(one)
            if str(one.get("path")).lower() == "username" or "username" in lower(one.get("value")):
                return True
        return False
    refuse_if(app.service, "patch", lambda record, body: is_users(record.rtype) and not named(body),
              bad("invalidValue", "Required attribute userName is missing in the SCIM Object."))


@bug("patch-username-deactivates")
def rename_deactivates(app):
    """The statement that writes the new address also writes deleted = true; the user shows up as inactive."""
    def patch(inner, record, body):
        old = record.data.get("userName")
        inner(record, body)
        if is_users(record.rtype) and record.data.get("userName") != old:
            app.store.change(record, {**record.data, "active": False})
    wrap(app.service, "patch", patch)


@bug("patch-valid-if-match-412")
def etag_late(app):
    """The tag is compared after the change: a PATCH with the right If-Match is done and answered 412."""
    def do_patch(inner, request, record):
        before = record.etag
        answer = inner(request, record)
        if request.headers.get("if-match") not in (None, "*") and record.etag != before:
            raise ScimError(412, "eTag status of resource has changed")
        return answer
    wrap(app, "do_patch", do_patch)


@bug("username-change-400")
def fixed_name(app):
    """The userName is the key of the account; who wants to change it gets a 400 without scimType."""
    def check(inner, record, data):
        if is_users(record.rtype) and data.get("userName", "").lower() != record.data.get("userName", "").lower():
            raise ScimError(400, "userName is immutable")
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("put-refused-half-applied")
def half(app):
    """A password that breaks the policy is seen last: the PUT is refused with 400, the name has changed."""
    def replace(inner, record, body):
        password = lower(body).get("password")
        if is_users(record.rtype) and isinstance(password, str) and not re.fullmatch(r"\S{5,30}", password):
            inner(record, {k: v for k, v in body.items() if k.lower() != "password"})
            raise bad("invalidValue", "Password pattern policy violated.")
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("put-body-id-wins")
def body_id(app):
    """The id of the address is only looked up; what is written is the resource that the body names."""
    def do_put(inner, request, record):
        wanted = lower(request.body).get("id")
        other = app.store.get(record.tenant, record.rtype, wanted) if isinstance(wanted, str) else None
        return inner(request, other or record)
    wrap(app, "do_put", do_put)


@bug("put-group-same-members-400")
def same_members(app):
    """members is immutable, and equal values are not looked for: a PUT with members is refused."""
    refuse_if(app.service, "replace", lambda record, body: is_groups(record.rtype) and lower(body).get("members"),
              ScimError(400, "attribute members is immutable", "mutability"))


@bug("put-user-with-manager-500")
def read_only_extension(app):
    """A readOnly value of the extension that the server has set itself is missing in the PUT: a null pointer."""
    def has_boss(record):
        manager = record.data.get(ENTERPRISE, {}).get("manager", {})
        return app.store.get(record.tenant, record.rtype, manager.get("value")) is not None
    crash_if(app.service, "replace", lambda record, body: is_users(record.rtype) and has_boss(record))


@bug("delete-works-answers-500")
def delete_500(app):
    """The user is gone, what comes after that fails."""
    def do_delete(inner, request, record):
        answer = inner(request, record)
        return crash() if is_users(record.rtype) else answer
    wrap(app, "do_delete", do_delete)


@bug("email-same-type-collapses")
def one_per_type(app):
    """One claim for each type: of two work addresses (or numbers) the last one stays."""
    def change(data):
        for name in ("emails", "phoneNumbers", "addresses"):
            if name in data:
                data[name] = list({item.get("type"): item for item in data[name]}.values())
    stored(app, change)


@bug("email-untyped-lost")
def untyped(app):
    """Claims are named after the type: an address without one is lost when another has one."""
    def change(data):
        emails = data.get("emails", [])
        if any(e.get("type") for e in emails):
            data["emails"] = [e for e in emails if e.get("type")]
    stored(app, change)


@bug("unknown-id-401")
def id_401(app):
    """An id that is no id of ours is told with the status that is meant for tokens."""
    def find(inner, tenant, rtype, rid):
        try:
            uuid.UUID(rid)
        except ValueError:
            if is_users(rtype) and app.store.get(tenant, rtype, rid) is None:
                raise ScimError(401, "invalid scim user id") from None
        return inner(tenant, rtype, rid)
    wrap(app.service, "find", find)


@bug("get-answers-302")
def redirect(app):
    """A Location header in the answer to a read: PHP makes a redirect of it."""
    edit(app, "do_get", lambda answer, *_: setattr(answer, "status", 302))
