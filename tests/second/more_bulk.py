"""Plausible bugs of bulk requests (RFC 7644 section 3.7)."""

from app import Response
from bugkit import bug, edit, refuse_if, wrap
from errors import bad, not_found


def bulk(app, change):
    """Every BulkResponse, changed."""
    edit(app.bulk, "answer", lambda body, request, given: change(body["Operations"]))


@bug("bulk-status-number")
def bulk_number(app):
    """status as a number."""
    bulk(app, lambda operations: [o.update(status=int(o["status"])) for o in operations])


@bug("bulk-without-bulkid")
def no_bulk_id(app):
    """Nobody can tell which is which."""
    bulk(app, lambda operations: [o.pop("bulkId", None) for o in operations])


@bug("bulk-without-location")
def no_bulk_location(app):
    """The id of what was created stays unknown."""
    bulk(app, lambda operations: [o.pop("location", None) for o in operations])


@bug("bulk-error-without-response")
def no_response(app):
    """What went wrong is not told."""
    bulk(app, lambda operations: [o.pop("response", None) for o in operations])


@bug("bulk-fail-on-errors-ignored")
def never_fails(app):
    """All operations are played, whatever happens."""
    wrap(app.bulk, "answer", lambda inner, request, body: inner(
        request, {k: v for k, v in body.items() if k != "failOnErrors"}))


@bug("bulk-stops-at-first-error")
def always_fails(app):
    """The first error ends it, though failOnErrors was not given."""
    wrap(app.bulk, "answer", lambda inner, request, body: inner(request, {**body, "failOnErrors": 1}))


@bug("bulk-forward-reference-refused")
def forward(app):
    """What is named must come before."""
    app.bulk.next = lambda todo, operations, known: todo[0]


@bug("bulk-path-reference-refused")
def path_reference(app):
    """bulkId in a path is not resolved."""
    refuse_if(app.bulk, "single", lambda request, o, known: "bulkId:" in str(o.get("path")), not_found("resource"))


@bug("bulk-reference-stored-literally")
def literal(app):
    """bulkId:x is a member like any other."""
    app.bulk.wanted = lambda operation: set()
    app.bulk.resolved = lambda data, known: data
    app.service.members = lambda record, given: list({m["value"]: {"value": m["value"]} for m in given}.values())


@bug("bulk-version-ignored")
def bulk_version(app):
    """The version of an operation is not looked at."""
    wrap(app, "inner", lambda inner, request, method, path, body, version: inner(request, method, path, body, None))


@bug("bulk-limit-ignored")
def bulk_limit(app):
    """maxOperations is announced and not kept."""
    app.bulk.operations = lambda body: body["Operations"]


@bug("bulk-delete-ignored")
def bulk_delete(app):
    """204, and nothing happened."""
    wrap(app, "inner", lambda inner, request, method, *more: Response(204) if method == "DELETE"
         else inner(request, method, *more))


@bug("bulk-answers-201-for-all")
def all_201(app):
    """Every operation is 201."""
    bulk(app, lambda operations: [o.update(status="201") for o in operations if o["status"] in ("200", "204")])


@bug("bulk-groups-refused")
def bulk_groups(app):
    """Bulk is for users."""
    refuse_if(app, "inner", lambda request, method, path, *more: path.startswith("/Groups"),
              bad("invalidPath", "users only"))
