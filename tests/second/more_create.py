"""Plausible bugs of POST that nobody has reported yet: what gets lost or bent on the way in."""

import html

from app import Response
from bugkit import bug, edit, is_groups, is_users, lower, refuse_if, wrap
from catalogue import BADGE, ENTERPRISE, USER
from errors import bad


def incoming(app, change):
    """The data of every create and replace of a user, changed."""
    edit(app.reader, "resource", lambda data, rtype, body: is_users(rtype) and change(data, lower(body)))


def stored(app, change):
    """The data of every write of a user, PATCH included, changed."""
    def check(inner, record, data):
        if is_users(record.rtype):
            change(data)
        return inner(record, data)
    wrap(app.service, "check", check)


def answered(app, change):
    """The response to every create, changed."""
    def shown(response, request, record, status):
        if status == 201:
            change(response, record)
    edit(app, "shown", shown)


@bug("create-answers-200")
def status_200(app):
    """The default status of the framework."""
    answered(app, lambda response, _: setattr(response, "status", 200))


@bug("create-without-location")
def no_location(app):
    """The header was forgotten."""
    answered(app, lambda response, _: response.headers.pop("Location"))


@bug("create-answers-without-body")
def no_body(app):
    """201 and nothing else."""
    answered(app, lambda response, _: setattr(response, "body", None))


@bug("create-answers-only-id")
def only_id(app):
    """{"id": ...}, as many other APIs do."""
    answered(app, lambda response, _: setattr(response, "body", {"id": response.body["id"]}))


@bug("create-client-id-honoured")
def client_id(app):
    """The id of the body goes into the row."""
    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        if isinstance(lower(body).get("id"), str):
            app.store.records.pop(record.id)
            record.id = lower(body)["id"]
            app.store.add(record)
        return record
    wrap(app.service, "create", create)


@bug("create-active-false-ignored")
def active_ignored(app):
    """New users are active."""
    def create(inner, tenant, rtype, body):
        return inner(tenant, rtype, {k: v for k, v in body.items() if k.lower() != "active"})
    wrap(app.service, "create", create)


@bug("create-blank-username-accepted")
def blank(app):
    """Only the presence of the key is looked at."""
    app.reader.required = lambda rtype, data: None


@bug("create-without-username-accepted")
def nameless(app):
    """Validation is left to the database, which takes NULL."""
    app.reader.required = lambda rtype, data: data.setdefault("userName", "") if is_users(rtype) else None


@bug("create-wrong-types-accepted")
def types(app):
    """The document store takes everything."""
    app.reader.as_string = app.reader.as_boolean = lambda attr, value: value


@bug("create-names-case-sensitive")
def names(app):
    """body["userName"]."""
    def member(inner, into, attrs, name, value):
        return inner(into, attrs, name, value) if name in [a.name for a in attrs] else None
    wrap(app.reader, "member", member)


@bug("create-null-refused")
def null(app):
    """null is not a string."""
    refuse_if(app.reader, "value", lambda attr, value: value is None, bad("invalidValue", "must not be null"))


@bug("create-empty-list-refused")
def empty_list(app):
    """At least one value."""
    refuse_if(app.reader, "value", lambda attr, value: value == [], bad("invalidValue", "must not be empty"))


@bug("create-two-primaries-accepted")
def primaries(app):
    """Nobody counts."""
    def value(inner, attr, given):
        if attr.multi and isinstance(given, list):
            return [app.reader.one(attr, item) for item in given]
        return inner(attr, given)
    wrap(app.reader, "value", value)


@bug("text-not-ascii-lost")
def ascii_only(app):
    """The column is latin1, the driver puts question marks."""
    wrap(app.reader, "as_string", lambda inner, attr, value: inner(attr, value).encode("ascii", "replace").decode())


@bug("text-latin1-only")
def latin(app):
    """As above, but for what lies beyond latin1."""
    wrap(app.reader, "as_string", lambda inner, attr, value:
         inner(attr, value).encode("latin1", "replace").decode("latin1"))


@bug("text-cut-at-64")
def cut(app):
    """varchar(64), and a database that cuts without a word."""
    wrap(app.reader, "as_string", lambda inner, attr, value: inner(attr, value)[:64])


@bug("text-html-escaped")
def escaped(app):
    """A filter against cross-site scripting in front of the API."""
    wrap(app.reader, "as_string", lambda inner, attr, value: html.escape(inner(attr, value)))


@bug("text-trimmed-apostrophes")
def apostrophes(app):
    """Quotes are taken out, for fear of SQL."""
    wrap(app.reader, "as_string", lambda inner, attr, value: inner(attr, value).replace("'", ""))


@bug("create-only-first-email-kept")
def first_email(app):
    """One column for the address."""
    stored(app, lambda data: data.update(emails=data["emails"][:1]) if "emails" in data else None)


@bug("email-type-always-work")
def work(app):
    """There is no column for the type."""
    stored(app, lambda data: [e.update(type="work") for e in data.get("emails", ())])


@bug("email-type-lost")
def no_type(app):
    """There is no column for the type, and it is not shown."""
    stored(app, lambda data: [e.pop("type", None) for e in data.get("emails", ())])


def dropped(app, *attributes):
    """These attributes are taken and thrown away."""
    stored(app, lambda data: [data.pop(name, None) for name in attributes])


@bug("addresses-dropped")
def addresses(app):
    """In the schema, not in the table."""
    dropped(app, "addresses")


@bug("phones-dropped")
def phones(app):
    """In the schema, not in the table."""
    dropped(app, "phoneNumbers")


@bug("roles-dropped")
def roles(app):
    """In the schema, not in the table."""
    dropped(app, "roles", "entitlements")


@bug("enterprise-dropped")
def enterprise(app):
    """The container is accepted and forgotten."""
    dropped(app, ENTERPRISE)


@bug("custom-extension-dropped")
def custom(app):
    """The extension of our own is announced and forgotten."""
    dropped(app, BADGE)


@bug("locale-dropped")
def locale(app):
    """In the schema, not in the table."""
    dropped(app, "locale", "timezone", "preferredLanguage")


@bug("middle-name-dropped")
def middle(app):
    """The table has two names."""
    stored(app, lambda data: [data.get("name", {}).pop(n, None) for n in ("middleName", "honorificPrefix")])


@bug("name-formatted-wins")
def formatted(app):
    """name.formatted is split and overwrites the parts."""
    def change(data):
        name = data.get("name", {})
        if " " in name.get("formatted", ""):
            name["givenName"], name["familyName"] = name["formatted"].split(" ", 1)[::-1]
    stored(app, change)


@bug("display-name-overwritten")
def display(app):
    """displayName is worked out from the name at each save."""
    def change(data):
        name = data.get("name", {})
        if name.get("givenName") and name.get("familyName"):
            data["displayName"] = f"{name['givenName']} {name['familyName']}"
    stored(app, change)


@bug("username-set-to-email")
def username(app):
    """People sign in with their address."""
    def change(data):
        if data.get("emails") and data["emails"][0].get("value"):
            data["userName"] = data["emails"][0]["value"]
    stored(app, change)


@bug("email-set-to-username")
def email(app):
    """The work address is the login."""
    stored(app, lambda data: [e.update(value=data["userName"]) for e in data.get("emails", ())[:1]])


@bug("employee-number-as-number")
def number(app):
    """The column is an integer."""
    def change(body, record, *_):
        value = body.get(ENTERPRISE, {}).get("employeeNumber", "")
        if value.isdigit():
            body[ENTERPRISE] = {**body[ENTERPRISE], "employeeNumber": int(value)}
    edit(app.render, "shown", change)


@bug("schemas-lacks-extension")
def bare_schemas(app):
    """`schemas` is a constant."""
    app.render.schemas = lambda record: [record.rtype.schema.id]


@bug("create-groups-honoured")
def groups(app):
    """The read-only list of groups is taken from the body."""
    given = {}

    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        given[record.id] = lower(body).get("groups")
        return record
    wrap(app.service, "create", create)
    edit(app.render, "full", lambda out, record: given.get(record.id) and out.update(groups=given[record.id]))


@bug("id-reused-after-delete")
def reuse(app):
    """max(id) + 1."""
    def add(inner, record):
        record.id = str(1 + max([int(rid) for rid in app.store.records], default=0))
        return inner(record)
    wrap(app.store, "add", add)


@bug("group-without-name-accepted")
def nameless_group(app):
    """NOT NULL was forgotten."""
    def required(inner, rtype, data):
        return data.setdefault("displayName", "") if is_groups(rtype) else inner(rtype, data)
    wrap(app.reader, "required", required)


@bug("create-existing-returns-200")
def upsert(app):
    """Whoever is there already is updated instead."""
    def create(inner, tenant, rtype, body):
        old = next((r for r in app.store.all(tenant, rtype) if is_users(rtype) and
                    r.data["userName"].lower() == str(lower(body).get("username")).lower()), None)
        if old is None:
            return inner(tenant, rtype, body)
        app.store.change(old, app.reader.resource(rtype, body))
        return old
    wrap(app.service, "create", create)


@bug("create-without-core-schema-accepted")
def no_schemas(app):
    """`schemas` is not looked at."""
    app.reader.schemas = lambda rtype, body: None


@bug("create-unknown-attribute-500")
def unknown(app):
    """Mass assignment: new User(body)."""
    def resource(inner, rtype, body):
        if any(":" not in name and not rtype.attr(name) for name in body):
            raise RuntimeError
        return inner(rtype, body)
    wrap(app.reader, "resource", resource)


@bug("create-answer-lost-with-timeout")
def lost(app):
    """The user is created, then sending the invitation fails."""
    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        if is_users(rtype) and "emails" not in record.data:
            raise RuntimeError
        return record
    wrap(app.service, "create", create)


@bug("redirect-after-create")
def redirect(app):
    """Post, redirect, get."""
    answered(app, lambda response, _: setattr(response, "status", 303))


@bug("answer-urn-lowercase")
def urn_case(app):
    """URNs are folded."""
    edit(app.render, "shown", lambda body, record, *_: USER in body.get("schemas", ()) and body.update(
        schemas=[urn.lower() for urn in body["schemas"]]))


@bug("post-with-id-conflict")
def with_id(app):
    """A body with an id is taken for an update."""
    refuse_if(app.service, "create", lambda tenant, rtype, body: "id" in lower(body),
              bad("invalidValue", "id must not be given"))


@bug("create-group-members-duplicated")
def duplicated(app):
    """The list of members is shown once for each table that is joined."""
    edit(app.render, "full", lambda out, record: "members" in out and out.update(members=out["members"] * 2))


@bug("answer-is-wrapped")
def wrapped(app):
    """{"data": {...}}, as the rest of the API does."""
    answered(app, lambda response, _: setattr(response, "body", {"data": response.body}))


@bug("create-answers-202")
def queued(app):
    """POST answers 202: the work is queued, the body is empty."""
    answered(app, lambda response, _: vars(response).update(vars(Response(202, None, response.headers))))
