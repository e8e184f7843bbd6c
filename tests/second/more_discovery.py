"""Plausible bugs of the discovery documents (RFC 7644 section 4)."""

from bugkit import bug, edit, refuse_if, wrap
from catalogue import USER
from errors import not_found


@bug("schema-by-id-404")
def schema_404(app):
    """Only the list was written."""
    refuse_if(app.discovery, "answer", lambda place, rest, q: place == "schemas" and rest, not_found("endpoint"))


@bug("resourcetype-by-id-404")
def type_404(app):
    """Only the list was written."""
    refuse_if(app.discovery, "answer", lambda place, rest, q: place == "resourcetypes" and rest, not_found("endpoint"))


@bug("schemas-404")
def schemas_404(app):
    """The endpoint was never written."""
    refuse_if(app.discovery, "answer", lambda place, rest, q: place == "schemas", not_found("endpoint"))


@bug("serviceproviderconfig-404")
def config_404(app):
    """The endpoint was never written."""
    refuse_if(app.discovery, "answer", lambda place, *_: place == "serviceproviderconfig", not_found("endpoint"))


@bug("serviceproviderconfig-is-list")
def config_list(app):
    """A ListResponse like everywhere."""
    wrap(app.discovery, "config", lambda inner: app.listing.envelope(1, 1, [inner()]))


def config(app, change):
    """The ServiceProviderConfig, changed."""
    edit(app.discovery, "config", change)


@bug("serviceproviderconfig-denies-patch")
def denies(app):
    """PATCH works, and the document says no."""
    config(app, lambda body: body["patch"].update(supported=False))


@bug("serviceproviderconfig-strings")
def strings(app):
    """"true"."""
    config(app, lambda body: [body[k].update(supported="true") for k in ("patch", "bulk", "filter", "sort", "etag")])


@bug("serviceproviderconfig-scheme-unknown")
def scheme(app):
    """A type that RFC 7643 section 5 does not know."""
    config(app, lambda body: body["authenticationSchemes"][0].update(type="bearer"))


@bug("serviceproviderconfig-promises-bulk")
def promises(app):
    """bulk is announced, and not there."""
    refuse_if(app, "route", lambda request: request.steps == ["Bulk"], not_found("endpoint"))


@bug("serviceproviderconfig-without-schemas")
def config_bare(app):
    """Left out."""
    config(app, lambda body: body.pop("schemas"))


def types(app, change):
    """Every resource type, changed."""
    edit(app.discovery, "types", lambda items: [change(item) for item in items])


@bug("resourcetypes-endpoint-absolute")
def absolute(app):
    """The endpoint with host and base."""
    types(app, lambda item: item.update(endpoint=app.base + item["endpoint"]))


@bug("resourcetypes-without-extensions")
def no_extensions(app):
    """The extensions are in /Schemas only."""
    types(app, lambda item: item.pop("schemaExtensions"))


@bug("resourcetypes-without-schema")
def no_schema(app):
    """Left out."""
    types(app, lambda item: item.pop("schema"))


@bug("resourcetypes-endpoint-wrong")
def wrong_endpoint(app):
    """/User, where nothing is."""
    types(app, lambda item: item.update(endpoint=item["endpoint"][:-1]))


def attributes(app, change):
    """Every attribute of every schema, changed."""
    edit(app.discovery, "schemas", lambda items: [change(a) for item in items for a in item["attributes"]])


@bug("schemas-type-unknown")
def type_unknown(app):
    """A type that RFC 7643 section 7 does not know."""
    attributes(app, lambda a: a["type"] == "string" and a.update(type="text"))


@bug("schemas-mutability-misspelt")
def misspelt(app):
    """readwrite."""
    attributes(app, lambda a: a.update(mutability=a["mutability"].lower()))


@bug("schemas-without-subattributes")
def no_subs(app):
    """Complex attributes without content."""
    attributes(app, lambda a: a.pop("subAttributes", None))


@bug("schemas-username-not-required")
def not_required(app):
    """userName is required, and the schema does not say so."""
    attributes(app, lambda a: a["name"] == "userName" and a.update(required=False))


@bug("schemas-username-case-exact")
def case_exact(app):
    """userName is compared without case, and the schema says otherwise."""
    attributes(app, lambda a: a["name"] == "userName" and a.update(caseExact=True))


@bug("schemas-password-readable")
def readable(app):
    """password is never shown, and the schema says it is."""
    attributes(app, lambda a: a["name"] == "password" and a.update(returned="default", mutability="readWrite"))


@bug("schemas-emails-single")
def emails_single(app):
    """emails is a list, and the schema says otherwise."""
    attributes(app, lambda a: a["name"] == "emails" and a.update(multiValued=False))


@bug("schemas-without-active")
def no_active(app):
    """An attribute that works is missing from the schema."""
    edit(app.discovery, "schemas", lambda items: [
        i.update(attributes=[a for a in i["attributes"] if a["name"] != "active"]) for i in items if i["id"] == USER])


@bug("schemas-paged")
def paged(app):
    """Discovery lists obey count, and the first page has two."""
    def cut(body, items, q):
        body["Resources"] = body["Resources"][:2]
        body["itemsPerPage"] = 2
    edit(app.discovery, "listed", cut)


@bug("schemas-total-wrong")
def schemas_total(app):
    """A constant."""
    edit(app.discovery, "listed", lambda body, *_: body.update(totalResults=2))


@bug("discovery-filter-ignored")
def discovery_filter(app):
    """A filter on discovery must be refused, or a client takes the answer for a match."""
    app.discovery.listed = lambda items, q: app.listing.envelope(len(items), 1, items)
