"""A seventh sample of public reports: creating users, what is kept of them and how they are shown."""

import re
import uuid

from bugkit import bug, crash, is_users, lower, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad
from fresh_a_create import objects, refuse_create


def checked(app, change):
    """`change(record, data)` for a user, before each write; the data may be changed."""
    def check(inner, record, data):
        if is_users(record.rtype):
            change(record, data)
        return inner(record, data)
    wrap(app.service, "check", check)


def others(app, record_or_tenant, rtype, test, but=None):
    """The other users of a tenant that pass the test."""
    return [r for r in app.store.all(record_or_tenant, rtype) if r.id != but and test(r)]


def known(app, record):
    """Whether a record is stored already."""
    return record.id in app.store.records


@bug("external-id-pattern-400")
def pattern(app):
    """externalId has a pattern of letters, digits and hyphens: a dot, an @ or an underscore in it is a bad request."""
    def change(record, data):
        if not re.fullmatch("[a-zA-Z0-9-]*", data.get("externalId", "")):
            raise bad("invalidValue", "externalId must match [a-zA-Z0-9-]*")
    checked(app, change)


@bug("phone-blank-value-400")
def blank_phone(app):
    """One phone number with an empty value, as a directory sends it for somebody without, and the write is refused."""
    def change(record, data):
        if any(not p.get("value", "x").strip() for p in data.get("phoneNumbers", ())):
            raise bad("invalidValue", "phoneNumbers.value failed to satisfy constraint")
    checked(app, change)


@bug("create-old-schema-beside-refused")
def old_schema(app):
    """A create that names the schema of SCIM 1.0 beside that of 2.0, as Google Workspace does, is refused."""
    refuse_create(app, lambda body: "urn:scim:schemas:core:1.0" in (body.get("schemas") or ()),
                  bad("invalidSyntax", "Invalid data!"))


@bug("create-extension-null-400")
def null_extension(app):
    """The URN of an extension with null instead of an object is refused; emails: null as well."""
    def test(body):
        return any(k.startswith("urn:") and v is None for k, v in body.items()) or ("emails" in body and body["emails"] is None)
    refuse_create(app, test, bad("invalidValue", "attribute is not an array"))


@bug("address-null-part-400")
def null_part(app):
    """A part of an address that is null (streetAddress, locality) must be a string: the create is refused."""
    refuse_create(app, lambda body: any(v is None for a in objects(body, "addresses") for v in a.values()),
                  bad("invalidSyntax", "Invalid data!"))


@bug("email-and-phone-need-primary")
def primary_only(app):
    """Only the primary e-mail and phone number are mapped: when none is marked, the user has none."""
    def change(record, data):
        for name in ("emails", "phoneNumbers"):
            if name in data and not any(i.get("primary") for i in data[name]):
                data.pop(name)
    checked(app, change)


@bug("phone-mobile-dropped")
def mobile(app):
    """Phone numbers of the type mobile have no place: they are thanked for and not kept, at create and by PATCH."""
    def change(record, data):
        rest = [p for p in data.get("phoneNumbers", ()) if p.get("type") != "mobile"]
        data.pop("phoneNumbers", None)
        if rest:
            data["phoneNumbers"] = rest
    checked(app, change)


@bug("email-value-lowercased")
def folded(app):
    """E-mail addresses are stored in lower case, whatever case they came in."""
    def change(record, data):
        for email in data.get("emails", ()):
            if "value" in email:
                email["value"] = email["value"].lower()
    checked(app, change)


@bug("username-lowercased-after-create")
def raw_answer(app):
    """userName is stored in lower case; the answer to the create still shows it as it was sent, every read does not."""
    raw = {}

    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        raw[record.id] = lower(body).get("username")
        return record

    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        if status == 201 and is_users(record.rtype) and "userName" in answer.body:
            answer.body["userName"] = raw[record.id]
        return answer
    checked(app, lambda record, data: data.update(userName=data["userName"].lower()) if "userName" in data else None)
    wrap(app.service, "create", create)
    wrap(app, "shown", shown)


@bug("reads-show-external-id-as-username")
def external_as_name(app):
    """The answer to a create shows the userName; GET, lists, PUT and PATCH show the externalId in its place."""
    def render(inner, record, *more):
        body = inner(record, *more)
        if is_users(record.rtype) and "userName" in body and record.data.get("externalId"):
            body["userName"] = record.data["externalId"]
        return body

    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        if status == 201 and is_users(record.rtype) and "userName" in answer.body:
            answer.body["userName"] = record.data["userName"]
        return answer
    wrap(app.render, "shown", render)
    wrap(app, "shown", shown)


@bug("external-id-taken-update-500")
def taken(app):
    """externalId is unique in the table: a PUT or PATCH that sets the one of another user is an error of the database."""
    def change(record, data):
        new = data.get("externalId")
        if known(app, record) and new and new != record.data.get("externalId"):
            if others(app, record.tenant, record.rtype, lambda r: r.data.get("externalId") == new, record.id):
                crash()
    checked(app, change)


@bug("external-id-moves-on-create")
def moves(app):
    """A create with the externalId of another user takes it away from that user, without a word."""
    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        new = record.data.get("externalId")
        if is_users(rtype) and new:
            for other in others(app, tenant, rtype, lambda r: r.data.get("externalId") == new, record.id):
                app.store.change(other, {k: v for k, v in other.data.items() if k != "externalId"})
        return record
    wrap(app.service, "create", create)


@bug("create-external-id-of-inactive-409")
def inactive_taken(app):
    """A create with the externalId of a user who is inactive is a conflict: who comes back cannot be provisioned."""
    def create(inner, tenant, rtype, body):
        new = lower(body).get("externalid")
        if is_users(rtype) and new and others(app, tenant, rtype, lambda r: r.data.get("externalId") == new
                                              and not r.data.get("active")):
            raise ScimError(409, "SCIM User externalId already exists", "uniqueness")
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("display-name-and-formatted-one-field")
def one_field(app):
    """displayName and name.formatted are the same column: who writes one writes the other."""
    def change(record, data):
        old = record.data if known(app, record) else {}
        display, formatted = data.get("displayName"), data.get("name", {}).get("formatted")
        if display and display != old.get("displayName"):
            data["name"] = {**data.get("name", {}), "formatted": display}
        elif formatted and formatted != old.get("name", {}).get("formatted"):
            data["displayName"] = formatted
    checked(app, change)


@bug("create-answer-id-differs")
def other_id(app):
    """The id in the answer to a create is made by another store than the one in lists, filters and addresses."""
    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        if status == 201 and is_users(record.rtype):
            answer.body["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, record.id))
        return answer
    wrap(app, "shown", shown)


@bug("photo-breaks-read-500")
def photo(app):
    """A user with a photo can be created; every read, PATCH and list that has this user is an error of the server."""
    def broken(record):
        if is_users(record.rtype) and record.data.get("photos"):
            crash()
    wrap(app, "one", lambda inner, request, rtype, rid: (request.method in ("GET", "PATCH") and rid in app.store.records
                                                         and broken(app.store.records[rid])) or inner(request, rtype, rid))
    wrap(app.listing, "item", lambda inner, record, query: broken(record) or inner(record, query))


@bug("profile-url-empty-breaks-read-400")
def empty_url(app):
    """profileUrl with an empty text is stored; then reading that user is 400 invalidSyntax."""
    def broken(record):
        if is_users(record.rtype) and record.data.get("profileUrl") == "":
            raise bad("invalidSyntax", "Request is unparsable, syntactically incorrect, or violates schema.")
    wrap(app, "do_get", lambda inner, request, record: broken(record) or inner(request, record))
    wrap(app.listing, "item", lambda inner, record, query: broken(record) or inner(record, query))


@bug("list-unknown-manager-500")
def lost_manager(app):
    """A list with count looks up the manager of each user: when one of them is nobody (any more), the list fails."""
    def answer(inner, request, rtypes, search):
        if "count" in request.query and not search:
            for record in app.store.all(request.tenant, rtypes[0]):
                boss = record.data.get(ENTERPRISE, {}).get("manager", {}).get("value")
                if boss and boss not in app.store.records:
                    crash()
        return inner(request, rtypes, search)
    wrap(app, "query", answer)
