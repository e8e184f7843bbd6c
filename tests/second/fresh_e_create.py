"""A fifth sample of public reports: what is refused, lost or mixed up when users are created."""

from app import Response
from bugkit import bug, edit, is_users, lower, refuse_if, wrap
from catalogue import BADGE
from errors import ScimError, bad
from fresh_a_create import addresses_of, crash_create, objects, refuse_create

COMMON = "urn:ietf:params:scim:schemas:core:2.0:Common"


def sharer(app, tenant, rtype, body):
    """The user who has one of these addresses, when nobody has this userName."""
    name, users = str(lower(body).get("username")).lower(), app.store.all(tenant, rtype)
    if any(r.data["userName"].lower() == name for r in users):
        return None
    return next((r for r in users if addresses_of(r.data) & addresses_of(body)), None)


def reshaped(app, change):
    """Users are created from a changed body."""
    def create(inner, tenant, rtype, body):
        return inner(tenant, rtype, change(body) if is_users(rtype) else body)
    wrap(app.service, "create", create)


def without(body, name):
    """A body that lacks one attribute."""
    return {k: v for k, v in body.items() if k.lower() != name}


@bug("create-active-500")
def active(app):
    """Nobody wrote a setter for active, so a new user who comes with it, be it true or false, is a 500."""
    refuse_create(app, lambda body: "active" in body, ScimError(500, 'Write to "active" is not supported'))


@bug("create-immutable-400")
def immutable(app):
    """The check of what is immutable has GET where POST was meant: such an attribute can never get its first value."""
    refuse_create(app, lambda body: "number" in lower(body.get(BADGE.lower())),
                  ScimError(400, "The modification is not compatible with the mutability", "mutability"))


@bug("create-without-name-500")
def nameless(app):
    """name.givenName is read without a look: a user without name is a null pointer."""
    crash_create(app, lambda body: body.get("name") is None)


@bug("create-shared-email-500")
def shared(app):
    """Only the userName is looked up beforehand: an address that somebody has reaches the user store, whose exception
    comes out as a 500 with the JSON of the product."""
    def resources(inner, request, rtype, rest):
        if is_users(rtype) and request.method == "POST" and not rest \
                and sharer(app, request.tenant, rtype, request.body):
            return Response(500, {"error": "unknown_error"}, {"Content-Type": "application/json"})
        return inner(request, rtype, rest)
    wrap(app, "resources", resources)


@bug("create-password-symbol-400")
def symbol(app):
    """The policy for people is asked for the placeholder that identity providers send: no symbol, no user."""
    refuse_create(app, lambda body: isinstance(body.get("password"), str) and body["password"].isalnum(),
                  bad("invalidValue", "Password must contain symbol"))


@bug("create-second-value-400")
def second(app):
    """The directory has one place for e-mail, phone number and address: who brings two of a kind is refused."""
    refuse_create(app, lambda body: any(len(objects(body, n)) > 1 for n in ("emails", "phonenumbers", "addresses")),
                  bad("invalidSyntax", "Request is unparsable, syntactically incorrect, or violates schema."))


@bug("create-urn-case-lost")
def urn_case(app):
    """POST looks for the URN of an extension by its letters; in other case it is passed over. PATCH finds it."""
    def exact(body):
        return {k: v for k, v in body.items() if not k.lower().startswith("urn:") or k in known}
    known = {s["id"] for s in app.discovery.schemas()}
    reshaped(app, exact)


@bug("create-sub-names-case-sensitive")
def sub_names(app):
    """Names are folded at the first level only: name.FamilyName or emails.Primary are unknown and passed over."""
    def as_complex(inner, attr, value):
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if k in [s.name for s in attr.subs]}
        return inner(attr, value)
    wrap(app.reader, "as_complex", as_complex)


@bug("external-id-not-at-create")
def external_id(app):
    """The column of externalId is filled by PUT and PATCH; the code of POST has no line for it."""
    reshaped(app, lambda body: without(body, "externalid"))


@bug("display-name-only-by-patch")
def display_name(app):
    """Only PATCH has a case for displayName: POST drops it, PUT leaves the old one."""
    reshaped(app, lambda body: without(body, "displayname"))

    def replace(inner, record, body):
        if is_users(record.rtype):
            body = {**without(body, "displayname"), "displayName": record.data.get("displayName")}
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("address-primary-refused")
def address_primary(app):
    """The schema was copied from RFC 7643 section 8.7.1, where addresses have no primary: it is an unknown name."""
    refuse_if(app.reader, "resource", lambda rtype, body: is_users(rtype) and any(
        "primary" in lower(a) for a in objects(lower(body), "addresses")),
        bad("invalidSyntax", "attribute primary is not recognized by the SCIM schema"))

    def schemas(items):
        for attr in (a for s in items for a in s["attributes"] if a["name"] == "addresses"):
            attr["subAttributes"] = [s for s in attr["subAttributes"] if s["name"] != "primary"]
    edit(app.discovery, "schemas", schemas)


@bug("external-id-needs-common-schema")
def common(app):
    """externalId was put into a schema of its own: without that URN in `schemas` it is an unknown attribute."""
    refuse_if(app.service, "create", lambda tenant, rtype, body: "externalid" in lower(body)
              and COMMON not in (lower(body).get("schemas") or ()),
              bad("invalidSyntax", "attribute externalId is not recognized by the SCIM schema"))


@bug("create-shared-email-new-id")
def new_id(app):
    """A POST with an address that somebody has is an update of that user, whose id becomes the new userName: 201, and
    the id that the client keeps leads nowhere."""
    def create(inner, tenant, rtype, body):
        old = sharer(app, tenant, rtype, body) if is_users(rtype) else None
        if old is None:
            return inner(tenant, rtype, body)
        data = {"active": True, **app.reader.resource(rtype, body)}
        del app.store.records[old.id]
        old.id = data["userName"]
        app.store.add(old)
        app.store.change(old, data)
        return old
    wrap(app.service, "create", create)


@bug("cross-tenant-email-renames")
def grafted(app):
    """userName is looked up in the tenant, the account by its address over all of them: whom another tenant has gets
    the displayName of the new user."""
    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        for other in app.store.records.values():
            if is_users(rtype) and other.rtype is rtype and other.tenant != tenant \
                    and addresses_of(other.data) & addresses_of(record.data) and record.data.get("displayName"):
                app.store.change(other, {**other.data, "displayName": record.data["displayName"]})
        return record
    wrap(app.service, "create", create)


@bug("username-email-refused")
def handle(app):
    """userName is the handle that people mention, and an @ has no place there: an e-mail address is refused."""
    refuse_if(app.reader, "resource", lambda rtype, body: is_users(rtype) and "@" in str(lower(body).get("username")),
              bad("invalidValue", "userName is not compliant"))
