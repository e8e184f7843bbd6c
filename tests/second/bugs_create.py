"""Bugs of POST: what is refused, lost or answered wrongly when a user is created."""

from bugkit import bug, crash, crash_if, edit, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad


@bug("create-after-delete-conflicts")
def soft_delete(app):
    """DELETE only hides the row; the unique index still holds it."""
    graves = set()
    edit(app.store, "remove", lambda _, record: graves.add(record.data.get("userName", "").lower()))
    refuse_if(app.service, "unique", lambda record, name: name.lower() in graves,
              ScimError(409, "userName is taken", "uniqueness"))


@bug("create-conflict-on-shared-email")
def unique_email(app):
    """The table has a unique index on the address."""
    def taken(record, name):
        mine = {e.get("value") for e in record.data.get("emails", ())}
        return any(mine & {e.get("value") for e in other.data.get("emails", ())}
                   for other in app.store.all(record.tenant, record.rtype) if other.id != record.id)
    refuse_if(app.service, "unique", taken, ScimError(409, "email is taken", "uniqueness"))


@bug("create-duplicate-case-variant-accepted")
def exact_unique(app):
    """The look-up for duplicates compares bytes."""
    app.store.named = lambda record, name: next(
        (r for r in app.store.all(record.tenant, record.rtype)
         if r.id != record.id and r.data.get("userName") == name), None)


def taken(app):
    """Whether another user has the name."""
    return lambda record, name: app.store.named(record, name) is not None


@bug("create-duplicate-returns-400")
def duplicate_400(app):
    """The validation of the web framework answers first."""
    refuse_if(app.service, "unique", taken(app), bad("invalidValue", "userName already exists"))


@bug("create-duplicate-returns-500")
def duplicate_500(app):
    """The error of the database is not caught. A rename has its own check, so only creates crash."""
    crash_if(app.service, "unique", lambda record, name:
             record.id not in app.store.records and taken(app)(record, name))


@bug("create-enterprise-extension-rejected")
def no_enterprise(app):
    """Only the core schema is on the list of known schemas."""
    refuse_if(app.reader, "schemas", lambda rtype, body: ENTERPRISE in (lower(body).get("schemas") or ()),
              bad("invalidValue", "unknown schema"))


@bug("create-rejects-plus-address")
def plus(app):
    """A regular expression for addresses, as everybody writes it."""
    refuse_if(app.reader, "as_complex", lambda attr, value:
              attr.name == "emails" and isinstance(value, dict) and "+" in str(value.get("value")),
              bad("invalidValue", "not an e-mail address"))


def on_create(app, when, error=None):
    """A create that fulfils the condition is refused, or crashes."""
    def around(inner, tenant, rtype, body):
        if is_users(rtype) and when(lower(body)):
            if error:
                raise error
            crash()
        return inner(tenant, rtype, body)
    wrap(app.service, "create", around)


@bug("create-requires-externalid")
def external_id(app):
    """The column is NOT NULL."""
    on_create(app, lambda body: not body.get("externalid"), bad("invalidValue", "externalId is required"))


@bug("create-requires-name")
def name(app):
    """The form of the web application had these fields as mandatory."""
    on_create(app, lambda body: not all(lower(body.get("name")).get(k.lower()) for k in ("givenName", "familyName")),
              bad("invalidValue", "name is required"))


def created(app, change):
    """The answer to the create of a user, changed."""
    def answer(response, request, record, status):
        if status == 201 and is_users(record.rtype):
            change(response.body)
    edit(app, "shown", answer)


@bug("create-response-id-is-username")
def id_is_name(app):
    """The answer is built from the input instead of the stored row."""
    created(app, lambda body: body.update(id=body["userName"]))


@bug("create-response-without-id")
def no_id(app):
    """The answer is the input."""
    created(app, lambda body: body.pop("id"))


@bug("create-with-meta-rejected")
def meta(app):
    """Strict parsing of the body: fields that are not writable are unknown."""
    on_create(app, lambda body: "meta" in body, bad("invalidSyntax", "unknown field meta"))


@bug("create-without-emails-500")
def emails(app):
    """emails[0] without looking."""
    on_create(app, lambda body: not body.get("emails"))


@bug("externalid-not-stored")
def drop_external_id(app):
    """There is no column for it."""
    edit(app.reader, "resource", lambda data, rtype, body: is_users(rtype) and data.pop("externalId", None))


@bug("username-lowercased")
def lowercase(app):
    """Folded on the way in, to make comparing simple."""
    def check(inner, record, data):
        if "userName" in data:
            data["userName"] = data["userName"].lower()
        return inner(record, data)
    wrap(app.service, "check", check)
