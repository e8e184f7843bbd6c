"""Plausible bugs at the edge: errors, credentials, tenants, media types, bulk."""

import json

from app import Response
from bugkit import bug, crash_if, edit, is_groups, lower, refuse_if, wrap
from errors import ScimError, not_found


def errors(app, change):
    """Every error body, changed."""
    edit(app, "failure", lambda answer, error: change(answer.body))


@bug("error-status-number")
def number(app):
    """status as a number."""
    errors(app, lambda body: body.update(status=int(body["status"])))


@bug("error-status-differs")
def differs(app):
    """A constant in the body."""
    errors(app, lambda body: body.update(status="500"))


@bug("error-without-schemas")
def bare(app):
    """Left out."""
    errors(app, lambda body: body.pop("schemas"))


@bug("error-without-status")
def no_status(app):
    """Left out."""
    errors(app, lambda body: body.pop("status"))


@bug("error-without-body")
def no_body(app):
    """The status, and nothing else."""
    edit(app, "failure", lambda answer, error: setattr(answer, "body", None))


@bug("error-framework-shape")
def shape(app):
    """{"timestamp", "status", "error", "path"}: the error of the framework."""
    edit(app, "failure", lambda answer, error: setattr(answer, "body", {
        "timestamp": "2024-01-01T00:00:00Z", "status": error.status, "error": error.detail, "path": "/scim/v2"}))


@bug("error-with-status-200")
def status_200(app):
    """Errors are in the body, the transport was fine."""
    edit(app, "failure", lambda answer, error: setattr(answer, "status", 200))


@bug("error-all-400")
def all_400(app):
    """One kind of error; who is not signed in is told so."""
    def failure(answer, error):
        if answer.status not in (401, 500):
            answer.status = 400
            answer.body["status"] = "400"
    edit(app, "failure", failure)


@bug("error-422-instead-of-400")
def unprocessable(app):
    """What the framework answers to invalid fields."""
    def failure(answer, error):
        if answer.status == 400 and error.scim_type in ("invalidValue", "mutability"):
            answer.status = 422
            answer.body["status"] = "422"
    edit(app, "failure", failure)


@bug("error-invalid-filter-without-type")
def filter_type(app):
    """The keyword was thought optional."""
    errors(app, lambda body: body.get("scimType") == "invalidFilter" and body.pop("scimType"))


@bug("error-without-any-type")
def no_types(app):
    """There is no scimType at all."""
    errors(app, lambda body: body.pop("scimType", None))


@bug("error-type-unknown")
def odd_type(app):
    """UNIQUENESS_ERROR: the names of the enumeration in the code."""
    errors(app, lambda body: "scimType" in body and body.update(scimType=body["scimType"].upper() + "_ERROR"))


@bug("error-unknown-endpoint-200-html")
def single_page(app):
    """The web application answers what the API does not know."""
    def route(inner, request):
        try:
            return inner(request)
        except ScimError as error:
            if error.detail == "endpoint not found":
                return Response(200, b"<!doctype html><div id=app></div>", {"Content-Type": "text/html"})
            raise
    wrap(app, "route", route)


@bug("error-malformed-json-html")
def parser_html(app):
    """The body parser answers by itself."""
    def handle(inner, request):
        answer = inner(request)
        if answer.status == 400 and answer.body.get("scimType") == "invalidSyntax" and "JSON" in answer.body["detail"]:
            return Response(400, b"<pre>SyntaxError: Unexpected token</pre>", {"Content-Type": "text/html"})
        return answer
    wrap(app, "handle", handle)


@bug("error-malformed-json-200")
def parser_quiet(app):
    """What is not JSON is an empty object."""
    def parsed(inner, request):
        try:
            return inner(request)
        except ScimError:
            return {}
    wrap(app, "parsed", parsed)


@bug("body-array-500")
def array(app):
    """A list has no attribute get."""
    crash_if(app, "parsed", lambda request: request.raw.lstrip()[:1] == b"[")


@bug("error-stack-trace")
def trace(app):
    """The exception of the database is told."""
    text = ('Traceback (most recent call last):\n  File "/app/scim/views.py", line 88\n'
            "psycopg2.errors.UniqueViolation: duplicate key")
    errors(app, lambda body: body.update(detail=text))


@bug("unknown-method-404")
def method_404(app):
    """The router knows pairs of method and path."""
    refuse_if(app, "only", lambda request, *methods: request.method not in methods, not_found("endpoint"))


@bug("accept-any-406")
def any_406(app):
    """Only the exact media type is acceptable."""
    refuse_if(app, "acceptable", lambda request:
              request.headers.get("accept", "").split(";")[0] != "application/scim+json",
              ScimError(406, "not acceptable"))


@bug("accept-json-406")
def json_406(app):
    """application/json is not acceptable."""
    refuse_if(app, "acceptable", lambda request: request.headers.get("accept", "").startswith("application/json"),
              ScimError(406, "not acceptable"))


@bug("content-type-json-415")
def json_415(app):
    """application/json is refused, which RFC 7644 section 3.1 lets clients send."""
    refuse_if(app, "parsed", lambda request: request.headers.get("content-type", "").startswith("application/json"),
              ScimError(415, "not supported"))


@bug("answer-text-html")
def text_html(app):
    """The default type of the framework over JSON."""
    edit(app, "handle", lambda answer, request: answer.body and answer.headers.update({"Content-Type": "text/html"}))


@bug("answer-content-type-missing")
def untyped(app):
    """No type at all."""
    edit(app, "handle", lambda answer, request: answer.body and answer.headers.update({"Content-Type": ""}))


@bug("answer-byte-order-mark")
def mark(app):
    """UTF-8 with a byte order mark."""
    def handle(answer, request):
        if isinstance(answer.body, dict):
            answer.body = b"\xef\xbb\xbf" + json.dumps(answer.body).encode()
    edit(app, "handle", handle)


@bug("answer-latin1")
def latin(app):
    """Bytes that are no UTF-8."""
    def handle(answer, request):
        if isinstance(answer.body, dict):
            answer.body = json.dumps(answer.body, ensure_ascii=False).encode("latin1", "replace")
    edit(app, "handle", handle)


@bug("group-names-unique-on-create-only")
def names_on_create(app):
    """Unique on create, and a rename makes twins: the next look-up finds two."""
    def create(inner, tenant, rtype, body):
        if is_groups(rtype) and any(r.data["displayName"] == lower(body).get("displayname")
                                    for r in app.store.all(tenant, rtype)):
            raise ScimError(409, "taken", "uniqueness")
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)
