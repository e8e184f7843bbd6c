"""A fresh sample of public bugs: what resources and errors look like."""

import json
import threading
from datetime import timedelta

import dates
from app import Response
from bugkit import bug, edit, is_users, wrap
from catalogue import BADGE, USER


def users(app, change):
    """What clients see of every user, changed. Filters and the store keep the truth."""
    edit(app.render, "shown", lambda out, record, *_: is_users(record.rtype) and change(out))


def meta(app, change):
    """What clients see of meta, changed: `change(record)` gives the new members; only those that are there count."""
    def shown(out, record, *_):
        if "meta" in out:
            new = change(record)
            out["meta"] = {k: new.get(k, v) for k, v in out["meta"].items()}
    edit(app.render, "shown", shown)


@bug("address-formatted-as-value")
def address_value(app):
    """Addresses are treated like e-mails: what was sent as formatted comes back as value."""
    def change(out):
        if "addresses" in out:
            out["addresses"] = [{"value" if k == "formatted" else k: v for k, v in item.items()}
                                for item in out["addresses"]]
    users(app, change)


@bug("roles-joined")
def roles_joined(app):
    """One value with commas instead of many."""
    def change(out):
        if "roles" in out:
            text = ",".join(str(item.get("value")) for item in out["roles"])
            out["roles"] = [{"type": "default", "value": text}]
    users(app, change)


@bug("roles-as-strings")
def roles_strings(app):
    """Plain strings where the RFC has objects."""
    def change(out):
        if "roles" in out:
            out["roles"] = [item.get("value", "") for item in out["roles"]]
    users(app, change)


@bug("name-holds-display-name")
def name_display(app):
    """name has a sub-attribute displayName that no schema knows."""
    edit(app.render, "full", lambda out, record: is_users(record.rtype) and out.update(
        name={**out.get("name", {}), "displayName": record.data["userName"]}))


@bug("active-missing-when-false")
def active_missing(app):
    """What is false is left out, so who is inactive has no active at all."""
    users(app, lambda out: out.get("active") is False and out.pop("active"))


@bug("phone-empty-shell")
def shells(app):
    """Who has no phone number has one without a value, and an address that says n/a."""
    def full(out, record):
        if is_users(record.rtype):
            out.setdefault("phoneNumbers", [{"type": "work", "primary": True}])
            out.setdefault("addresses", [{"type": "work", "formatted": "n/a", "primary": True}])
    edit(app.render, "full", full)


@bug("extension-only-in-create-answer")
def only_created(app):
    """The custom attribute is stored and is in the answer to the create; no read asks the directory for it."""
    app.created = False

    def shown(inner, request, record, status):
        app.created = status == 201
        try:
            return inner(request, record, status)
        finally:
            app.created = False

    def shorten(out, record, *_):
        if not app.created and out.pop(BADGE, None) is not None and "schemas" in out:
            out["schemas"] = [urn for urn in out["schemas"] if urn != BADGE]
    wrap(app, "shown", shown)
    edit(app.render, "shown", shorten)


@bug("schemas-active-is-string")
def active_string(app):
    """/Schemas is made from a table in which everything is a string; a string for active is refused all the same."""
    def schemas(found):
        for schema in found:
            for attr in schema["attributes"]:
                if schema["id"] == USER and attr["name"] == "active":
                    attr["type"] = "string"
    edit(app.discovery, "schemas", schemas)

    def as_boolean(inner, attr, value):
        return inner(attr, None if attr.name == "active" and isinstance(value, str) else value)
    wrap(app.reader, "as_boolean", as_boolean)


@bug("meta-version-number")
def version_number(app):
    """meta.version is the counter of the database."""
    meta(app, lambda record: {"version": record.version - 1})


@bug("meta-dates-local")
def local_dates(app):
    """The local time of the server, without a zone."""
    def local(text):
        return (dates.parse(text) + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S")
    edit(app.render, "meta", lambda out, record: out.update(
        created=local(out["created"]), lastModified=local(out["lastModified"])))


@bug("meta-location-relative")
def relative(app):
    """meta.location is Users/1: no URL."""
    meta(app, lambda record: {"location": f"{record.rtype.endpoint[1:]}/{record.id}"})


@bug("location-from-host")
def host(app):
    """Whatever the client writes into Host stands in every location."""
    place = threading.local()

    def guarded(inner, request):
        place.host = request.headers.get("host")
        return inner(request)
    wrap(app, "guarded", guarded)
    wrap(app.render, "location", lambda inner, record:
         f"http://{getattr(place, 'host', None)}/scim/v2{record.rtype.endpoint}/{record.id}"
         if getattr(place, "host", None) else inner(record))


@bug("auth-401-plain-text")
def text_401(app):
    """Who is not signed in gets a line of text."""
    def handle(inner, request):
        answer = inner(request)
        if answer.status == 401:
            return Response(401, b"Unauthorized", {**answer.headers, "Content-Type": "text/plain"})
        return answer
    wrap(app, "handle", handle)


def failures(app, change):
    """Every error, changed: `change(answer)`."""
    edit(app, "failure", lambda answer, error: change(answer))


@bug("error-wrapped-in-response")
def wrapped(app):
    """The error is inside of an object that repeats the status."""
    failures(app, lambda answer: setattr(answer, "body", {"status": str(answer.status), "response": answer.body}))


@bug("error-as-json-text")
def label(app):
    """The SCIM error is a text in the error of the product."""
    failures(app, lambda answer: setattr(answer, "body", {
        "code": answer.status, "label": "scim-error", "message": json.dumps(answer.body)}))


@bug("error-plain-text")
def plain(app):
    """The detail as text, and nothing around it."""
    def change(answer):
        answer.headers = {**answer.headers, "Content-Type": "text/plain"}
        answer.body = str(answer.body["detail"]).encode()
    failures(app, change)
