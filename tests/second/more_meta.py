"""Plausible bugs of `meta` and of versions (RFC 7643 section 3.1, RFC 7644 section 3.14)."""

import itertools

from bugkit import bug, edit, wrap


def meta(app, change):
    """`meta` of every representation, changed."""
    edit(app.render, "meta", change)


@bug("etag-header-missing")
def no_header(app):
    """The version is in the body only."""
    edit(app, "shown", lambda answer, *_: answer.headers.pop("ETag"))


@bug("etag-differs-from-version")
def differs(app):
    """The framework puts an entity tag of its own over the bytes."""
    edit(app, "shown", lambda answer, *_: answer.headers.update(ETag='W/"x' + answer.headers["ETag"][3:]))


@bug("if-none-match-ignored")
def always_200(app):
    """304 is left to a proxy that is not there."""
    wrap(app, "conditions", lambda inner, request, record: inner(request, record) or True)


@bug("if-match-ignored")
def no_412(app):
    """The header is not looked at: the last one wins."""
    app.conditions = lambda request, record: True


@bug("if-match-ignored-on-delete")
def delete_anyway(app):
    """The header is looked at by PUT and PATCH only."""
    wrap(app, "conditions", lambda inner, request, record: request.method == "DELETE" or inner(request, record))


@bug("version-never-changes")
def frozen_version(app):
    """The column is filled on insert."""
    def change(inner, record, data):
        inner(record, data)
        record.version = 1
    wrap(app.store, "change", change)


@bug("version-changes-on-read")
def restless(app):
    """A hash over a representation that holds the time."""
    counter = itertools.count(2)

    def full(inner, record):
        record.version = next(counter)
        return inner(record)
    wrap(app.render, "full", full)


@bug("last-modified-never-changes")
def frozen_date(app):
    """No trigger on update."""
    meta(app, lambda out, record: out.update(lastModified=out["created"]))


@bug("created-changes-on-update")
def moving_created(app):
    """One column for both."""
    meta(app, lambda out, record: out.update(created=out["lastModified"]))


@bug("meta-resource-type-plural")
def plural(app):
    """The name of the endpoint."""
    meta(app, lambda out, record: out.update(resourceType=out["resourceType"] + "s"))


@bug("meta-dates-without-t")
def sql_dates(app):
    """str(datetime)."""
    meta(app, lambda out, record: out.update({k: out[k].replace("T", " ").rstrip("Z")
                                              for k in ("created", "lastModified")}))


@bug("meta-dates-epoch")
def epoch(app):
    """Milliseconds."""
    meta(app, lambda out, record: out.update(created=1700000000000, lastModified=1700000000000))


@bug("meta-dates-array")
def array(app):
    """How Jackson writes a LocalDateTime when nobody tells it otherwise."""
    meta(app, lambda out, record: out.update(created=[2024, 1, 1, 10, 0], lastModified=[2024, 1, 1, 10, 0]))


@bug("meta-missing")
def no_meta(app):
    """Left out."""
    edit(app.render, "full", lambda out, record: out.pop("meta"))


@bug("meta-location-missing")
def no_location(app):
    """Left out."""
    meta(app, lambda out, record: out.pop("location"))


@bug("meta-location-internal-host")
def internal(app):
    """The server does not know its own name behind the proxy; the links lead nowhere."""
    wrap(app.render, "location", lambda inner, record: inner(record).replace("127.0.0.1", "scim-internal.invalid"))


@bug("meta-location-without-id")
def collection(app):
    """The address of the collection."""
    wrap(app.render, "location", lambda inner, record: inner(record).rsplit("/", 1)[0])


@bug("meta-location-missing-base")
def no_base(app):
    """http://host/Users/1: the prefix is lost."""
    wrap(app.render, "location", lambda inner, record: inner(record).replace("/scim/v2", ""))
