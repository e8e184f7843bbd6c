"""A seventh sample of public reports: headers, documents, PUT, and what shows up that should not."""

import time
from dataclasses import replace as changed

from bugkit import bug, edit, is_users, lower, wrap
from catalogue import BADGE, ENTERPRISE
from errors import ScimError
from fresh_a_create import objects
from fresh_g_create import checked


@bug("addresses-list-of-empty-list")
def nested(app):
    """Who has no address is shown with one that is an empty list: addresses is [[]]."""
    def shown(inner, record, wanted=None, excluded=None):
        body = inner(record, wanted, excluded)
        if is_users(record.rtype) and not wanted and not excluded:
            body.setdefault("addresses", [[]])
        return body
    wrap(app.render, "shown", shown)


def attributes(app, change):
    """`change(attribute)` for every attribute of /Schemas and each of its parts."""
    def walk(attrs):
        for attr in attrs:
            change(attr)
            walk(attr.get("subAttributes", ()))

    def schemas(inner):
        found = inner()
        for schema in found:
            walk(schema["attributes"])
        return found
    wrap(app.discovery, "schemas", schemas)


@bug("schemas-keywords-uppercase")
def upper(app):
    """/Schemas shows the names of the enumerations in the code: STRING, READ_WRITE, DEFAULT, NONE."""
    def change(attr):
        attr["type"] = "DATE_TIME" if attr["type"] == "dateTime" else attr["type"].upper()
        attr["mutability"] = {"readWrite": "READ_WRITE", "readOnly": "READ_ONLY", "writeOnly": "WRITE_ONLY"}.get(
            attr["mutability"], attr["mutability"].upper())
        attr["returned"], attr["uniqueness"] = attr["returned"].upper(), attr["uniqueness"].upper()
    attributes(app, change)


@bug("schemas-primary-is-string")
def primary_string(app):
    """primary of ims, photos, entitlements, roles and certificates is a string in /Schemas; that of emails a boolean."""
    def change(attr):
        if attr["name"] in ("ims", "photos", "entitlements", "roles", "x509Certificates"):
            for sub in attr["subAttributes"]:
                if sub["name"] == "primary":
                    sub["type"] = "string"
    attributes(app, change)


@bug("extension-contains-schemas")
def inner_schemas(app):
    """The object of an extension has an attribute `schemas` of its own, with its URN."""
    def shown(inner, record, *more):
        body = inner(record, *more)
        for urn in (ENTERPRISE, BADGE):
            if urn in body:
                body[urn] = {"schemas": [urn], **body[urn]}
        return body
    wrap(app.render, "shown", shown)


@bug("create-location-header-lacks-path")
def header_path(app):
    """The header Location of a create lacks a part of the path and leads to a 404; meta.location is right."""
    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        if status == 201:
            answer.headers["Location"] = answer.headers["Location"].replace("/scim/v2/", "/scim/")
        return answer
    wrap(app, "shown", shown)


@bug("update-location-header-id-twice")
def header_twice(app):
    """The header Location of PUT and PATCH has the id twice; that of POST and meta.location are right."""
    for method in ("do_put", "do_patch"):
        edit(app, method, lambda answer, request, record: answer.headers.update(
            Location=f"{answer.headers['Location']}/{record.id}"))


@bug("if-match-race-both-win")
def both_win(app):
    """If-Match is compared before the write begins, outside of any lock: of two writers who know the same version both
    succeed, and the first one's change is lost to a PUT of the second."""
    def guarded(inner, request):
        if request.method in ("PUT", "PATCH") and "if-match" in request.headers:
            app.identify(request)
            record = app.store.records.get(request.steps[-1])
            wanted = app.tags(request.headers["if-match"])
            if record and record.tenant == request.tenant and record.etag not in wanted and "*" not in wanted:
                raise ScimError(412, "the resource has changed")
            time.sleep(0.03)
            request = changed(request, headers={k: v for k, v in request.headers.items() if k != "if-match"})
        return inner(request)
    wrap(app, "guarded", guarded)


@bug("meta-without-dates")
def no_dates(app):
    """meta of users never has created nor lastModified: no query reads the columns."""
    def shown(inner, record, *more):
        body = inner(record, *more)
        if is_users(record.rtype) and "meta" in body:
            body["meta"] = {k: v for k, v in body["meta"].items() if k not in ("created", "lastModified")}
        return body
    wrap(app.render, "shown", shown)


@bug("put-username-duplicate-accepted")
def put_twin(app):
    """Creates look for the userName among the others, PUT does not: two users of one userName."""
    def replace(inner, record, body):
        if not is_users(record.rtype):
            return inner(record, body)
        new = app.reader.resource(record.rtype, body)
        app.service.keep(record, new)
        return app.store.change(record, new)
    wrap(app.service, "replace", replace)


@bug("put-without-username-accepted")
def put_nameless(app):
    """What is required is looked for at create only: a PUT without userName is done, and the user has none."""
    def do_put(inner, request, record):
        if not is_users(record.rtype) or "username" in lower(request.body):
            return inner(request, record)
        own = app.reader.required
        app.reader.required = lambda rtype, data: None
        try:
            return inner(request, record)
        finally:
            app.reader.required = own
    wrap(app, "do_put", do_put)


@bug("put-taken-username-shares-id")
def shared_id(app):
    """A PUT with the userName of another user keeps the own name and writes the id of the address into the other user:
    both have it now, and the other one's id is gone."""
    alias = {}

    def replace(inner, record, body):
        name = lower(body).get("username")
        other = app.store.named(record, name) if is_users(record.rtype) and isinstance(name, str) else None
        if other is None:
            return inner(record, body)
        alias[other.id] = record.id
        body = {k: v for k, v in body.items() if k.lower() != "username"}
        return inner(record, {**body, "userName": record.data["userName"]})

    def shown(inner, record, *more):
        body = inner(record, *more)
        return {**body, "id": alias[record.id]} if record.id in alias else body
    wrap(app.service, "replace", replace)
    wrap(app.render, "shown", shown)
    wrap(app.store, "get", lambda inner, tenant, rtype, rid: None if rid in alias else inner(tenant, rtype, rid))


@bug("put-enterprise-update-ignored")
def enterprise_kept(app):
    """PUT flattens the attributes of the core schema only: what it says of the enterprise extension is ignored, the old
    values stay."""
    def keep(inner, record, new):
        inner(record, new)
        if is_users(record.rtype):
            new.pop(ENTERPRISE, None)
            if ENTERPRISE in record.data:
                new[ENTERPRISE] = record.data[ENTERPRISE]
    wrap(app.service, "keep", keep)


@bug("extension-clear-only-in-answer")
def cleared_in_answer(app):
    """An attribute of a custom extension that a PUT or PATCH clears is missing in the answer, and still there after."""
    def write(inner, request, record):
        before = dict(record.data.get(BADGE, {}))
        answer = inner(request, record)
        now = record.data.get(BADGE, {})
        if any(name not in now for name in before):
            app.store.change(record, {**record.data, BADGE: {**before, **now}})
        return answer
    wrap(app, "do_put", write)
    wrap(app, "do_patch", write)


@bug("deactivate-409")
def must_be_active(app):
    """A PUT or PATCH after which the user would be inactive is 409: "User must be Active"."""
    def change(record, data):
        if record.id in app.store.records and record.data.get("active") and data.get("active") is False:
            raise ScimError(409, "User must be Active.")
    checked(app, change)


@bug("if-match-weak-412")
def weak(app):
    """The tags of If-Match are compared without their quotes, the W/ in front stays: the own weak tags never match."""
    def conditions(inner, request, record):
        header = request.headers.get("if-match")
        if header and all(tag.strip().startswith("W/") for tag in header.split(",")):
            raise ScimError(412, "the resource has changed")
        return inner(request, record)
    wrap(app, "conditions", conditions)
