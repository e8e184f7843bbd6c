"""Plausible bugs of credentials and of the wall between tenants."""

from bugkit import bug, edit, refuse_if, wrap
from catalogue import USERS
from errors import ScimError


@bug("auth-scheme-case-sensitive")
def scheme(app):
    """startswith("Bearer ")."""
    refuse_if(app, "identify", lambda request:
              not request.headers.get("authorization", "Bearer ").startswith("Bearer "),
              ScimError(401, "unknown scheme"))


@bug("auth-401-without-challenge")
def challenge(app):
    """WWW-Authenticate is missing."""
    edit(app, "failure", lambda answer, error: answer.headers.pop("WWW-Authenticate", None))


@bug("auth-403-instead-of-401")
def forbidden(app):
    """Forbidden is what the framework says."""
    def failure(answer, error):
        if answer.status == 401:
            vars(answer).update(status=403, headers={})
            answer.body["status"] = "403"
    edit(app, "failure", failure)


@bug("auth-redirect-to-login")
def login(app):
    """Who is not signed in is sent to the form."""
    def failure(answer, error):
        if answer.status == 401:
            vars(answer).update(status=302, body=None, headers={"Location": "/login"})
    edit(app, "failure", failure)


def without_token(app, when):
    """Requests that need no token."""
    def identify(inner, request):
        try:
            return inner(request)
        except ScimError:
            if not when(request):
                raise
            request.tenant = "one"
            return None
    wrap(app, "identify", identify)


@bug("auth-empty-token-accepted")
def empty(app):
    """"" == os.environ.get("TOKEN", "")."""
    without_token(app, lambda request: request.headers.get("authorization", "x").lower().strip() == "bearer")


@bug("auth-reads-public")
def public(app):
    """The middleware looks at writes only."""
    without_token(app, lambda request: request.method == "GET")


@bug("auth-delete-public")
def delete_public(app):
    """One route was forgotten."""
    without_token(app, lambda request: request.method == "DELETE")


@bug("auth-search-public")
def search_public(app):
    """One route was forgotten."""
    without_token(app, lambda request: request.steps[-1:] == [".search"])


@bug("auth-bulk-public")
def bulk_public(app):
    """One route was forgotten."""
    without_token(app, lambda request: request.steps == ["Bulk"])


@bug("auth-prefix-accepted")
def prefix(app):
    """startswith, in the wrong direction."""
    without_token(app, lambda request: any(
        len(part) > 3 and token.startswith(part) for token in app.tokens
        for part in [request.headers.get("authorization", "").partition(" ")[2]]))


@bug("auth-case-insensitive-token")
def token_case(app):
    """A collation without case."""
    without_token(app, lambda request: request.headers.get("authorization", "").partition(" ")[2].lower() in app.tokens)


def unscoped(app, *methods):
    """A resource of another tenant is found by its id."""
    def one(inner, request, rtype, rid):
        if request.method in methods and rid in app.store.records:
            request.tenant = app.store.records[rid].tenant
        return inner(request, rtype, rid)
    wrap(app, "one", one)


@bug("tenant-read-by-id")
def read_foreign(app):
    """WHERE id = ?"""
    unscoped(app, "GET")


@bug("tenant-write-by-id")
def write_foreign(app):
    """WHERE id = ?, when writing."""
    unscoped(app, "PATCH", "PUT")


@bug("tenant-delete-by-id")
def delete_foreign(app):
    """WHERE id = ?, when deleting."""
    unscoped(app, "DELETE")


@bug("tenant-list-leaks")
def list_foreign(app):
    """The list has no scope."""
    app.listing.candidates = lambda tenant, rtype: [r for r in app.store.records.values() if r.rtype is rtype]


@bug("tenant-total-leaks")
def total_foreign(app):
    """COUNT(*) has no scope."""
    def answer(body, tenant, rtypes, query):
        if not query.filter:
            body["totalResults"] = sum(r.rtype in rtypes for r in app.store.records.values())
    edit(app.listing, "answer", answer)


@bug("tenant-foreign-member")
def foreign_member(app):
    """Members are looked up without scope: their names can be read in the group."""
    app.store.any = lambda tenant, rid: app.store.records.get(rid)


@bug("tenant-names-collide")
def collide(app):
    """The unique index spans all tenants."""
    refuse_if(app.service, "unique", lambda record, name: any(
        r.id != record.id and r.rtype is USERS and r.data.get("userName", "").lower() == name.lower()
        for r in app.store.records.values()), ScimError(409, "taken", "uniqueness"))
