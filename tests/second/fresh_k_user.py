"""A further fresh sample, from issues and pull requests of libraries and of products with fix(scim) commits: users."""

import re
from contextlib import suppress

from bugkit import bug, crash, crash_if, edit, is_users, lower, refuse_if, wrap
from catalogue import SCHEMAS, USERS
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of

URNS = [schema.id.lower() for schema in USERS.extensions]


@bug("put-roles-ignored")
def put_roles(app):
    """PUT of a user does not write roles: POST and PATCH do; after a PUT the old ones are there."""
    def keep(_, record, new):
        if is_users(record.rtype):
            new.pop("roles", None)
            if "roles" in record.data:
                new["roles"] = record.data["roles"]
    edit(app.service, "keep", keep)


@bug("put-without-roles-resets-roles")
def reset_roles(app):
    """A PUT that says nothing of roles (a full sync that only means active true) gives who has roles the role NONE."""
    def keep(_, record, new):
        if is_users(record.rtype) and "roles" in record.data and "roles" not in new:
            new["roles"] = [{"value": "NONE"}]
    edit(app.service, "keep", keep)


@bug("create-same-local-part-500")
def local_part(app):
    """A unique handle is made of what stands before the @ of userName: a second user with the same one, at another
    domain, breaks the index: 500."""
    def create(inner, tenant, rtype, body):
        name = str(lower(body).get("username", ""))
        if is_users(rtype) and "@" in name:
            mine = name.lower().partition("@")
            for other in app.store.all(tenant, rtype):
                theirs = str(other.data.get("userName", "")).lower().partition("@")
                if theirs[1] and theirs[0] == mine[0] and theirs[2] != mine[2]:
                    crash()
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("extension-blank-string-500")
def blank_string(app):
    """A text attribute of an extension that is set to an empty string is an error of the directory: 500."""
    names = {attr.name for schema in USERS.extensions for attr in schema.attrs if attr.type == "string"}
    crash_if(app.reader, "one", lambda attr, value: value == "" and attr.name in names
             and any(attr is a for schema in USERS.extensions for a in schema.attrs))


@bug("patch-two-extensions-second-lost")
def two_extensions(app):
    """A PATCH without a path whose value names two extensions: the first one is applied, the second one not."""
    def pathless(inner, rtype, data, op, value):
        if isinstance(value, dict):
            urns = [k for k in value if k.lower() in URNS]
            value = {k: v for k, v in value.items() if k not in urns[1:]}
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)


@bug("patch-active-false-no-value-400")
def no_value(app):
    """Whether an operation has a value is asked by its truth: replace of active with false has none, and is a 400."""
    def falsy(o):
        low = lower(o)
        value = low.get("value")
        inner = lower(value).get("active") if isinstance(value, dict) else value
        return (path_of(o).lower() == "active" or isinstance(value, dict) and "active" in lower(value)) \
            and inner is False
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_users(rtype) and verb_of(o) != "remove" and falsy(o),
              bad("invalidValue", "no value for active"))


@bug("patch-add-absent-list-500")
def absent_list(app):
    """add of a value to a list (emails, phoneNumbers, …) of a user who has none yet: nothing to add to, 500."""
    def attribute(inner, base, op, attr, value):
        if op == "add" and attr.multi and attr.subs and attr.name != "members" and attr.name not in base:
            crash()
        return inner(base, op, attr, value)
    wrap(app.patcher, "attribute", attribute)


@bug("id-is-username")
def id_is_name(app):
    """The id of a user is the userName: who is renamed has another id, and the old one is a 404."""
    fine = re.compile(r"[A-Za-z0-9@._-]+")

    def move(record):
        name = record.data.get("userName", "")
        if not is_users(record.rtype) or not fine.fullmatch(name) or record.id == name or name in app.store.records:
            return
        old = record.id
        app.store.records = {(name if k == old else k): v for k, v in app.store.records.items()}
        record.id = name
        for group in app.store.records.values():
            for member in group.data.get("members", ()):
                if member["value"] == old:
                    member["value"] = name
        app.store.revision += 1

    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        move(record)
        return record
    wrap(app.service, "create", create)
    edit(app.service, "replace", lambda _, record, body: move(record))
    edit(app.service, "patch", lambda _, record, body: move(record))


@bug("schemas-mutability-lowercase")
def mutability(app):
    """/Schemas writes the values of mutability without capitals: readonly, readwrite, writeonly."""
    def fold(attr):
        attr["mutability"] = attr["mutability"].lower()
        for sub in attr.get("subAttributes", ()):
            fold(sub)

    def schemas(found):
        for schema in found:
            for attr in schema["attributes"]:
                fold(attr)
    edit(app.discovery, "schemas", schemas)


@bug("schemas-case-exact-by-default")
def case_exact(app):
    """All text but userName, e-mails and displayName is caseExact in /Schemas, and a filter compares it so: a familyName,
    title or department in other case is not found."""
    free = {id(a) for s in SCHEMAS for a in s.attrs if a.name in ("userName", "displayName")}
    free |= {id(sub) for s in SCHEMAS for a in s.attrs if a.name == "emails" for sub in a.subs}
    names = ("userName", "displayName")

    def told(attr, inside=False):
        if attr["type"] == "string" and not (inside or attr["name"] in names):
            attr["caseExact"] = True
        for sub in attr.get("subAttributes", ()):
            told(sub, attr["name"] == "emails")

    def schemas(found):
        for schema in found:
            for attr in schema["attributes"]:
                told(attr)
    edit(app.discovery, "schemas", schemas)
    wrap(app.filters, "fold", lambda inner, attr, text: inner(attr, text) if id(attr) in free else text)


@bug("list-username-with-domain")
def with_domain(app):
    """Lists show userName with the domain of the tenant behind it; GET by id and the answers to writes do not."""
    edit(app.listing, "item", lambda body, record, query: is_users(record.rtype) and "userName" in body
         and body.update(userName=body["userName"] + "@carbon.super"))


@bug("patch-value-unknown-part-400")
def unknown_part(app):
    """A complex value in a PATCH that has, beside known parts, one that the schema does not know is refused."""
    def attribute(inner, base, op, attr, value):
        for item in value if isinstance(value, list) else [value]:
            if attr.type == "complex" and attr.name != "members" and isinstance(item, dict):
                if any(attr.sub(name) is None for name in item):
                    raise bad("noTarget", "unknown attribute")
        return inner(base, op, attr, value)
    wrap(app.patcher, "attribute", attribute)


_ = (suppress, ScimError, objects)
