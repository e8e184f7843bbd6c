"""A fresh sample of public bugs: creating users, and who is taken for whom."""

import time

from app import Response
from bugkit import bug, crash, crash_if, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad


def user_body(rtype, body, test):
    """Whether this is the body of a user that passes the test."""
    return is_users(rtype) and test(lower(body))


def objects(body, name):
    """The objects in a list of the body."""
    value = body.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def crash_create(app, test):
    """Creating a user with such a body crashes."""
    crash_if(app.service, "create", lambda tenant, rtype, body: user_body(rtype, body, test))


def refuse_create(app, test, error):
    """Creating a user with such a body is refused."""
    refuse_if(app.service, "create", lambda tenant, rtype, body: user_body(rtype, body, test), error)


def name_of(body):
    """The name of the body."""
    name = body.get("name")
    return lower(name)


def addresses_of(data):
    """The e-mail addresses of a user, folded."""
    return {str(item.get("value")).lower() for item in objects(lower(data), "emails") if item.get("value")}


@bug("phone-primary-500")
def phone_primary(app):
    """The claim of the primary number has no name that can be parsed."""
    crash_create(app, lambda body: any("primary" in item for item in objects(body, "phonenumbers")))


@bug("phone-tel-uri-refused")
def phone_uri(app):
    """A pattern of digits; the form that RFC 7643 recommends (tel:+1-201-555-0123) is no phone number."""
    refuse_create(app, lambda body: any(str(item.get("value")).startswith("tel:")
                                        for item in objects(body, "phonenumbers")),
                  bad("invalidSyntax", "Request is unparsable, syntactically incorrect, or violates schema."))


@bug("email-empty-object-500")
def email_empty(app):
    """An empty object among the values: nobody asks whether it has a value."""
    crash_create(app, lambda body: any({} in value for value in body.values() if isinstance(value, list)))


@bug("middle-name-500")
def middle_name(app):
    """The attribute of the directory does not exist; the error tells of a user that exists already."""
    refuse_create(app, lambda body: name_of(body).get("middlename"),
                  ScimError(500, "Cannot access the directory context or user already exists in the system"))


@bug("username-slash-500")
def slash(app):
    """What stands before a slash is taken for the name of a user store."""
    def create(inner, tenant, rtype, body):
        name = lower(body).get("username") if is_users(rtype) else None
        if isinstance(name, str) and "/" in name:
            raise ScimError(500, f"SCIM is not enabled for user store {name.split('/')[0].upper()}.")
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("create-blank-username-500")
def blank(app):
    """An empty userName reaches the user store."""
    def required(inner, rtype, data):
        name = data.get("userName") if is_users(rtype) else None
        if isinstance(name, str) and not name.strip():
            crash()
        return inner(rtype, data)
    wrap(app.reader, "required", required)


@bug("create-inactive-400")
def inactive_refused(app):
    """Only active users can be invited, so a create with active false is a bad request."""
    refuse_create(app, lambda body: body.get("active") is False, ScimError(400, "The request is invalid."))


@bug("create-default-inactive")
def inactive_default(app):
    """Who is created without active is inactive."""
    def create(inner, tenant, rtype, body):
        if is_users(rtype) and "active" not in lower(body):
            body = {**body, "active": False}
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("create-string-boolean-refused")
def string_boolean(app):
    """Entra sends "primary": "True" in roles of a create; only PATCH knows about that."""
    refuse_create(app, lambda body: any(isinstance(item.get("primary"), str)
                                        for name in body for item in objects(body, name)),
                  ScimError(400, "Value of attribute 'primary' is not of type 'boolean' but of type 'string'"))


@bug("create-requires-password")
def password(app):
    """The policy for passwords is asked with every create and PATCH, also when there is no password."""
    error = bad("invalidValue", "Field [password] is invalid")
    refuse_create(app, lambda body: not body.get("password"), error)

    def names(body):
        operations = lower(body).get("operations")
        for one in operations if isinstance(operations, list) else []:
            one = lower(one)
            yield str(one.get("path")).lower()
            yield from lower(one.get("value"))
    refuse_if(app.service, "patch", lambda record, body: is_users(record.rtype) and
              not any(name.endswith("password") for name in names(body)), error)


@bug("photos-refused")
def photos(app):
    """An attribute on the list of those that are not supported: even an empty list of photos fails the create."""
    refuse_if(app.reader, "resource", lambda rtype, body: user_body(rtype, body, lambda b: "photos" in b),
              ScimError(400, "Request is unparsable, syntactically incorrect, or violates schema."))


class Foreign(ScimError):
    """A refusal in the form of the product's own API."""

    def body(self):
        """Nothing of SCIM."""
        return {"fieldErrors": {"entitlements": [{"code": "[invalidJSON]", "message": self.detail}]},
                "generalErrors": []}


@bug("entitlements-objects-refused")
def entitlements(app):
    """The class says list of strings, so the parser fails with the objects of the RFC; the error is its own."""
    refuse_if(app.reader, "resource", lambda rtype, body: user_body(rtype, body, lambda b: objects(b, "entitlements")),
              Foreign(400, "Invalid JSON in the request body. The property was [entitlements]."))


@bug("manager-unknown-refused")
def manager_unknown(app):
    """The manager is a foreign key: a value that is no user of ours fails the whole create or update."""
    def check(inner, record, data):
        manager = data.get(ENTERPRISE, {}).get("manager")
        if manager is not None and app.store.get(record.tenant, record.rtype, manager.get("value")) is None:
            raise ScimError(400, "No manager given, or manager doesn't exist")
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("manager-known-500")
def manager_known(app):
    """A manager that is a user here makes the mapping of references fail; any other text is taken."""
    def create(inner, tenant, rtype, body):
        manager = lower(lower(lower(body).get(ENTERPRISE.lower())).get("manager"))
        if is_users(rtype) and isinstance(manager.get("value"), str) and \
                app.store.get(tenant, rtype, manager["value"]):
            crash()
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("create-duplicate-accepted")
def twins(app):
    """Only the id is unique: a second user of the same userName is created."""
    def unique(inner, record, name):
        return inner(record, name) if record.id in app.store.records else None
    wrap(app.service, "unique", unique)


def lose_races(app, of_type, naming):
    """Of two creates of one name at the same time the later one meets the unique index, and nobody catches that."""
    done = {}

    def name(body):
        return str(lower(body).get(naming)).lower()

    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        if of_type(rtype):
            time.sleep(0.01)
            done[name(body)] = time.monotonic()
        return record

    def guarded(inner, request):
        start = time.monotonic()
        try:
            return inner(request)
        except ScimError as error:
            if request.method == "POST" and error.status == 409 and start < done.get(name(request.body), 0):
                crash()
            raise
    wrap(app.service, "create", create)
    wrap(app, "guarded", guarded)


@bug("create-race-500")
def race(app):
    """Look first, insert then: of two creates at the same time one meets the unique index."""
    lose_races(app, is_users, "username")


@bug("create-again-clears")
def again(app):
    """A repeated create is answered 201 as if it were new, and clears what the second body leaves out."""
    def create(inner, tenant, rtype, body):
        name = str(lower(body).get("username")).lower()
        old = next((r for r in app.store.all(tenant, rtype) if r.data.get("userName", "").lower() == name), None) \
            if is_users(rtype) else None
        if old is None:
            return inner(tenant, rtype, body)
        data = app.reader.resource(rtype, body)
        data.setdefault("active", True)
        app.store.change(old, data)
        return old
    wrap(app.service, "create", create)


@bug("create-links-by-email")
def link(app):
    """Nobody has this userName, but somebody the address: that account gets the new userName and externalId."""
    def create(inner, tenant, rtype, body):
        if not is_users(rtype):
            return inner(tenant, rtype, body)
        data = app.reader.resource(rtype, body)
        users = app.store.all(tenant, rtype)
        if any(r.data["userName"].lower() == data["userName"].lower() for r in users):
            return inner(tenant, rtype, body)
        old = next((r for r in users if addresses_of(r.data) & addresses_of(data)), None)
        if old is None:
            return inner(tenant, rtype, body)
        taken = {name: data[name] for name in ("userName", "externalId") if name in data}
        app.store.change(old, {**old.data, **taken})
        return old
    wrap(app.service, "create", create)


@bug("deleted-external-id-taken")
def external_id_taken(app):
    """Deleting a user forgets the row in the table of externalIds; the userName is free again, this is not."""
    gone = set()

    def remove(inner, record):
        gone.add((record.tenant, record.data.get("externalId")))
        return inner(record)
    wrap(app.store, "remove", remove)

    def create(inner, tenant, rtype, body):
        external = lower(body).get("externalid")
        if is_users(rtype) and isinstance(external, str) and (tenant, external) in gone:
            raise ScimError(409, "externalId is already taken", "uniqueness")
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("create-error-type-holds-detail")
def swapped(app):
    """Two arguments in the wrong order: the text stands in scimType, the keyword in detail."""
    def create(inner, tenant, rtype, body):
        try:
            return inner(tenant, rtype, body)
        except ScimError as error:
            if not error.scim_type:
                raise
            raise ScimError(error.status, error.scim_type, error.detail) from None
    wrap(app.service, "create", create)


@bug("create-answers-other-username")
def other_name(app):
    """The answer to a create shows the address as userName; every read shows the userName that was sent."""
    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        emails = record.data.get("emails") or []
        first = next((e["value"] for e in sorted(emails, key=lambda e: not e.get("primary")) if e.get("value")), None)
        if status == 201 and is_users(record.rtype) and first and isinstance(answer.body, dict):
            answer.body = {**answer.body, "userName": first}
        return answer
    wrap(app, "shown", shown)


@bug("x509-lost-after-create")
def certificate(app):
    """The certificate is in the answer to the create and never again."""
    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        if status == 201:
            record.data.pop("x509Certificates", None)
        return answer
    wrap(app, "shown", shown)


@bug("unknown-endpoint-empty-404")
def endpoint(app):
    """The router answers by itself: 404 without a body, and 405 to everything but GET."""
    def route(inner, request):
        try:
            return inner(request)
        except ScimError as error:
            if error.detail == "endpoint not found":
                return Response(404 if request.method == "GET" else 405)
            raise
    wrap(app, "route", route)
