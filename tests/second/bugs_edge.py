"""Bugs at the edge: errors, credentials, media types, addresses, bodies that are no JSON."""

from app import Response
from bugkit import bug, crash_if, edit, refuse_if, wrap
from errors import ScimError, bad, not_found


def errors(app, change):
    """Every error body, changed."""
    edit(app, "failure", lambda answer, error: change(answer.body))


@bug("error-409-without-scimtype")
def no_type(app):
    """The keyword was thought optional."""
    errors(app, lambda body: body["status"] == "409" and body.pop("scimType", None))


@bug("error-detail-object")
def detail(app):
    """The exception is serialized."""
    errors(app, lambda body: body.update(detail={"message": body["detail"]}))


@bug("error-html-page")
def html(app):
    """The error page of the framework."""
    app.failure = lambda error: Response(
        error.status, f"<!doctype html><title>Error {error.status}</title><h1>{error.detail}</h1>".encode(),
        {"Content-Type": "text/html; charset=utf-8", **error.headers})


@bug("error-schemas-string")
def schemas(app):
    """A string is a list of one."""
    errors(app, lambda body: body.update(schemas=body["schemas"][0]))


@bug("error-scimtype-null-string")
def null_string(app):
    """String.valueOf(null)."""
    errors(app, lambda body: body.setdefault("scimType", "null"))


@bug("malformed-json-500")
def empty(app):
    """The body is None."""
    crash_if(app, "parsed", lambda request: not request.raw.strip())


@bug("auth-any-token-accepted")
def any_token(app):
    """The token is decoded; whom it was made for is not looked at."""
    class Tokens(dict):
        """Every token is somebody's."""

        def get(self, token, default=None):
            """The tenant of the token, or the first one."""
            return super().get(token, "one" if token else None)
    app.tokens = Tokens(app.tokens)


@bug("auth-bearer-scheme-rejected")
def raw_token(app):
    """headers["authorization"] == token."""
    def identify(inner, request):
        token = request.headers.get("authorization", "")
        if token not in app.tokens:
            raise ScimError(401, "unknown token")
        request.tenant = app.tokens[token]
    wrap(app, "identify", identify)


@bug("auth-missing-token-500")
def no_token(app):
    """None has no attribute split."""
    crash_if(app, "identify", lambda request: "authorization" not in request.headers)


@bug("request-charset-415")
def charset(app):
    """The header is compared as a whole."""
    wrap(app, "readable", lambda inner, content_type: ";" not in content_type and inner(content_type))


@bug("request-scim-json-body-ignored")
def no_parser(app):
    """The body parser is registered for application/json."""
    refuse_if(app, "parsed", lambda request: "scim+json" in request.headers.get("content-type", ""),
              bad("invalidValue", "userName is required"))


@bug("trailing-slash-404")
def slash(app):
    """Routes are matched to the letter."""
    refuse_if(app, "route", lambda request: request.target.split("?")[0].endswith("/"), not_found("endpoint"))
