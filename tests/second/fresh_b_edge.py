"""Bugs of a fresh sample of public reports: bulk, discovery, errors, media types."""

import json

from app import Response
from bugkit import bug, crash, edit, wrap

TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"


def bulk(app, change):
    """Every operation of every BulkResponse, changed."""
    edit(app.bulk, "answer", lambda body, *_: [change(operation) for operation in body["Operations"]])


@bug("bulk-status-object")
def status_object(app):
    """{"code": 201} instead of "201"."""
    bulk(app, lambda o: o.update(status={"code": int(o["status"])}))


@bug("bulk-response-string")
def response_string(app):
    """The error of an operation is a string that holds JSON."""
    bulk(app, lambda o: "response" in o and o.update(response=json.dumps(o["response"])))


@bug("bulk-not-persisted")
def not_persisted(app):
    """All operations are answered as done, and the transaction is never committed."""
    def answer(inner, request, body):
        store = app.store
        saved = [(record, dict(vars(record))) for record in store.records.values()]
        out = inner(request, body)
        store.records = {state["id"]: record for record, state in saved}
        for record, state in saved:
            vars(record).update(state)
        store.revision += 1
        return out
    wrap(app.bulk, "answer", answer)


@bug("bulk-delete-500")
def delete_crash(app):
    """DELETE has no body to show: it is done, and then the answer fails."""
    edit(app.bulk, "answer", lambda body, *_: any(o["method"] == "DELETE" for o in body["Operations"]) and crash())


def listed(app, where, change):
    """The list at a discovery endpoint, changed."""
    def answer(inner, place, rest, query):
        body = inner(place, rest, query)
        return change(body) if place in where and not rest else body
    wrap(app.discovery, "answer", answer)


@bug("resourcetypes-bare-array")
def bare_types(app):
    """A list, and no ListResponse around it."""
    listed(app, ["resourcetypes"], lambda body: body["Resources"])


@bug("resourcetypes-own-envelope")
def own_envelope(app):
    """An envelope of its own, with the wrong schema, the wrong name of the list and no total."""
    listed(app, ["resourcetypes"], lambda body: {"schemas": [TYPE], "resourceType": [
        {k: v for k, v in item.items() if k != "schemas"} for item in body["Resources"]]})


@bug("resourcetypes-without-total")
def no_total(app):
    """totalResults was forgotten."""
    listed(app, ["resourcetypes"], lambda body: {k: v for k, v in body.items() if k != "totalResults"})


@bug("discovery-lists-empty")
def empty_lists(app):
    """/Schemas and /ResourceTypes are lists without entries."""
    listed(app, ["resourcetypes", "schemas"], lambda body: app.listing.envelope(0, 1, []))


@bug("serviceproviderconfig-specuri-misspelt")
def misspelt(app):
    """specURI."""
    edit(app.discovery, "config", lambda body: [s.update(specURI=s.pop("specUri"))
                                                for s in body["authenticationSchemes"]])


@bug("serviceproviderconfig-meta-without-type")
def no_type(app):
    """meta without resourceType."""
    edit(app.discovery, "config", lambda body: body["meta"].pop("resourceType"))


def attributes(app, change):
    """Every attribute in /Schemas with the names above it, changed."""
    def walk(items, *above):
        for item in items:
            walk(item.get("subAttributes", ()), *above, item["name"])
            change(item, *above, item["name"])
    edit(app.discovery, "schemas", lambda schemas: [walk(s["attributes"], s["name"]) for s in schemas])


@bug("schemas-binary-not-exact")
def binary(app):
    """A binary value that is not caseExact."""
    attributes(app, lambda item, *_: item["type"] == "binary" and item.update(caseExact=False))


@bug("schemas-displayname-readonly")
def read_only(app):
    """displayName can be written, and the schema says it cannot."""
    attributes(app, lambda item, *names: names == ("User", "displayName") and item.update(mutability="readOnly"))


@bug("schemas-descriptions-misspelt")
def descriptions(app):
    """`descriptions`, with an s."""
    attributes(app, lambda item, *_: item.update(descriptions=item.pop("description")))
    edit(app.discovery, "schemas", lambda schemas: [s.update(descriptions=s.pop("description")) for s in schemas])


@bug("accept-scim-json-406")
def scim_406(app):
    """Accept: application/scim+json is not acceptable, and neither is application/*; */* is."""
    def handle(inner, request):
        accepted = request.headers.get("accept", "*/*")
        if "scim+json" in accepted or "application/*" in accepted:
            return Response(406)
        return inner(request)
    wrap(app, "handle", handle)


def media(app, kind):
    """The media type of every answer with a body."""
    edit(app, "handle", lambda answer, request: answer.body is not None
         and answer.headers.setdefault("Content-Type", kind))


@bug("answer-application-json")
def plain_json(app):
    """The default of the framework, even when application/scim+json was asked for."""
    media(app, "application/json; charset=utf-8")


@bug("answer-json-plus-scim")
def swapped(app):
    """application/json+scim: the words are swapped."""
    media(app, "application/json+scim;charset=UTF-8")


@bug("user-agent-missing-403")
def no_agent(app):
    """A firewall in front refuses clients that do not name themselves, as Entra does not."""
    def handle(inner, request):
        if not request.headers.get("user-agent"):
            return Response(403, b"<!doctype html><title>403 Forbidden</title>", {"Content-Type": "text/html"})
        return inner(request)
    wrap(app, "handle", handle)
