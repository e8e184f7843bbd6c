"""Public bugs, third sample: creating and reading users, and the form of what is shown."""

import dates
from app import Response
from bugkit import bug, crash_if, edit, is_users, lower, wrap
from catalogue import BADGE, ENTERPRISE, USER, USERS
from errors import ScimError, bad
from fresh_a_create import crash_create, refuse_create
from fresh_a_shape import users

SUBS = ("emails", "phoneNumbers", "ims", "photos")


@bug("create-unknown-subattribute-400")
def unknown_sub(app):
    """Unknown attributes are passed over, but an unknown sub-attribute of a complex value is 400 invalidValue."""
    def as_complex(inner, attr, value):
        if isinstance(value, dict) and any(attr.sub(name) is None for name in value):
            raise bad("invalidValue", f"complex attribute '{attr.name}' has an undeclared sub-attribute")
        return inner(attr, value)
    wrap(app.reader, "as_complex", as_complex)


@bug("create-conflict-clears-external-id")
def conflict_damage(app):
    """A create of a name that is taken is 409, yet the link of the existing user to the directory is deleted."""
    def create(inner, tenant, rtype, body):
        try:
            return inner(tenant, rtype, body)
        except ScimError as error:
            name = str(lower(body).get("username")).lower()
            for record in app.store.all(tenant, rtype):
                if error.status == 409 and record.data.get("userName", "").lower() == name:
                    app.store.change(record, {k: v for k, v in record.data.items() if k != "externalId"})
            raise
    wrap(app.service, "create", create)


@bug("create-empty-password-500")
def empty_password(app):
    """An empty password reaches the user store: 500 instead of a bad request."""
    refuse_create(app, lambda body: body.get("password") == "", ScimError(500, "Error in adding the user: PasswordInvalid"))


@bug("create-requires-locale-422")
def requires_locale(app):
    """The body of POST and PUT is a class in which displayName, locale, externalId, groups and active are mandatory:
    422 with the error list of the framework."""
    def resources(inner, request, rtype, rest):
        if is_users(rtype) and request.method in ("POST", "PUT") and rest != [".search"]:
            given = lower(request.body)
            missing = [n for n in ("displayName", "locale", "externalId", "groups", "active") if n.lower() not in given]
            if missing:
                return Response(422, {"detail": [{"type": "missing", "loc": ["body", name], "msg": "Field required"}
                                                 for name in missing]}, {"Content-Type": "application/json"})
        return inner(request, rtype, rest)
    wrap(app, "resources", resources)


@bug("create-manager-string-500")
def manager_text(app):
    """The manager as a plain string, as Entra sends it, fails in the JSON mapping with 500."""
    def text(body):
        inner = lower(body).get(ENTERPRISE.lower())
        return isinstance(lower(inner).get("manager"), str)
    crash_create(app, text)
    crash_if(app.service, "replace", lambda record, body: is_users(record.rtype) and text(body))


@bug("create-wrong-type-201-empty")
def hollow_create(app):
    """A number where an attribute of the extension is a string: 201 with {} as body, and no user was created."""
    def resources(inner, request, rtype, rest):
        if is_users(rtype) and request.method == "POST" and not rest:
            extension = lower(lower(request.body).get(ENTERPRISE.lower()))
            if any(isinstance(v, (int, float)) and not isinstance(v, bool) for v in extension.values()):
                return Response(201, {})
        return inner(request, rtype, rest)
    wrap(app, "resources", resources)


@bug("email-without-value-breaks-read")
def valueless(app):
    """An entry without a value in emails, phoneNumbers, ims or photos is stored; then reading and updating fail."""
    def broken(record):
        return any("value" not in item for name in SUBS for item in record.data.get(name, ()))
    for method in ("do_get", "do_put", "do_patch"):
        crash_if(app, method, lambda request, record: is_users(record.rtype) and broken(record))


@bug("tenant-create-in-default")
def default_tenant(app):
    """The insert does not set the tenant: whoever creates a user, it lands in the first tenant."""
    wrap(app.service, "create", lambda inner, tenant, rtype, body: inner("one" if is_users(rtype) else tenant, rtype, body))


@bug("list-users-twice")
def twice(app):
    """A join gives two rows for each user: the list without a filter has every user twice, the total counts both."""
    def found(inner, tenant, rtypes, query):
        out = inner(tenant, rtypes, query)
        return [p for p in out for _ in range(2)] if tuple(rtypes) == (USERS,) and query.filter is None else out
    wrap(app.listing, "found", found)


@bug("list-users-always-empty")
def empty(app):
    """GET by id works, the list of users is empty whatever is asked."""
    wrap(app.listing, "candidates", lambda inner, tenant, rtype: [] if is_users(rtype) else inner(tenant, rtype))


@bug("core-attributes-under-urn")
def under_urn(app):
    """The core attributes of a user stand in an object under the URN of the core schema, not at the root."""
    def change(out):
        core = {k: out.pop(k) for k in list(out) if k not in ("schemas", "id", "meta", "externalId") and ":" not in k}
        if core:
            out[USER] = core
    users(app, change)


@bug("addresses-single-object")
def one_address(app):
    """addresses is shown as one object instead of a list of objects."""
    users(app, lambda out: "addresses" in out and out.update(addresses=out["addresses"][0]))


def badge(app, change):
    """What clients see of the custom extension, changed."""
    def shown(out):
        if BADGE in out:
            out[BADGE] = dict(out[BADGE])
            change(out[BADGE])
            if not out[BADGE]:
                out.pop(BADGE)
    users(app, shown)


@bug("extension-list-first-value-only")
def first_value(app):
    """A multi-valued attribute of a custom extension is shown as its first value alone."""
    badge(app, lambda out: "floors" in out and out.update(floors=out["floors"][0]))


@bug("extension-date-epoch")
def epoch(app):
    """A dateTime of a custom extension is shown as milliseconds since 1970."""
    badge(app, lambda out: "issued" in out and out.update(issued=int(dates.parse(out["issued"]).timestamp() * 1000)))


@bug("extension-date-empty-500")
def empty_date(app):
    """An empty or null dateTime in a custom extension: the sequence contains no elements."""
    def blank(body):
        inner = lower(lower(body).get(BADGE.lower()))
        return "issued" in inner and inner["issued"] in (None, "")
    crash_create(app, blank)
    crash_if(app.service, "replace", lambda record, body: is_users(record.rtype) and blank(body))


@bug("extension-date-not-shown")
def hidden_date(app):
    """A dateTime of a custom extension is in the answer to a write, and in no read or search."""
    def hide(out):
        if isinstance(out, dict) and "issued" in out.get(BADGE, {}):
            out[BADGE] = {k: v for k, v in out[BADGE].items() if k != "issued"}
            if not out[BADGE]:
                out.pop(BADGE)
    edit(app, "do_get", lambda answer, *_: hide(answer.body))
    edit(app.listing, "item", lambda out, *_: hide(out))


@bug("name-formatted-extra-spaces")
def spaces(app):
    """name.formatted is five parts joined by blanks, also when three of them are missing."""
    parts = ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")

    def full(out, record):
        if "name" in out:
            out["name"] = {**out["name"], "formatted": " ".join(out["name"].get(p, "") for p in parts)}
    edit(app.render, "full", full)


@bug("external-id-shows-id")
def wrong_external(app):
    """The conversion overwrites externalId with a key of the server; the stored value is right and can be searched."""
    edit(app.render, "shown", lambda out, record, *_: "externalId" in out and is_users(record.rtype)
         and out.update(externalId=record.id))


@bug("display-name-shows-username")
def name_is_login(app):
    """displayName in answers is the userName, whatever displayName was sent."""
    edit(app.render, "shown", lambda out, record, *_: "displayName" in out and is_users(record.rtype)
         and out.update(displayName=record.data["userName"]))


@bug("get-answers-201")
def read_201(app):
    """GET of a user answers 201."""
    edit(app, "do_get", lambda answer, request, record: is_users(record.rtype) and setattr(answer, "status", 201))
