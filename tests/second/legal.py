"""What another correct server may do: each switch is a choice that the RFCs leave open. None may be called a bug."""

from bugkit import bug_table, edit, is_groups, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE, USERS
from errors import ScimError, bad, not_found
from listing import DEFAULT_COUNT

TABLE, legal = bug_table()


@legal("patch-answers-204")
def patch_204(app):
    """RFC 7644 section 3.5.2: 200 with the resource or 204 without; 200 if the client asks for attributes."""
    edit(app, "do_patch", lambda answer, request, record:
         "attributes" in request.query or vars(answer).update(status=204, body=None))


@legal("no-etags")
def no_etags(app):
    """Versions are optional (RFC 7644 section 3.14)."""
    edit(app.discovery, "config", lambda body: body["etag"].update(supported=False))
    edit(app.render, "meta", lambda out, record: out.pop("version"))
    edit(app, "shown", lambda answer, *_: answer.headers.pop("ETag"))
    app.conditions = lambda request, record: True


@legal("strong-etags")
def strong(app):
    """An entity tag may be strong (RFC 7644 section 3.14)."""
    edit(app.render, "meta", lambda out, record: out.update(version=out["version"][2:]))
    edit(app, "shown", lambda answer, *_: answer.headers.update(ETag=answer.headers["ETag"][2:]))


@legal("no-bulk")
def no_bulk(app):
    """Bulk is optional; 501 for what is not implemented (RFC 7644 section 3.12)."""
    edit(app.discovery, "config", lambda body: body["bulk"].update(supported=False, maxOperations=0, maxPayloadSize=0))
    refuse_if(app, "route", lambda request: request.steps == ["Bulk"], ScimError(501, "no bulk"))


@legal("no-sort")
def no_sort(app):
    """Sorting is optional (RFC 7644 section 3.4.2.3)."""
    edit(app.discovery, "config", lambda body: body["sort"].update(supported=False))
    app.listing.sorted = lambda rtypes, found, query: found


@legal("group-names-unique")
def unique_groups(app):
    """A server may want more than the schema says, and say so with 409 uniqueness."""
    def check(inner, record, data):
        name = data.get("displayName", "").lower()
        if is_groups(record.rtype) and any(r.id != record.id and r.data["displayName"].lower() == name
                                           for r in app.store.all(record.tenant, record.rtype)):
            raise ScimError(409, "the name is taken", "uniqueness")
        return inner(record, data)
    wrap(app.service, "check", check)


@legal("put-omitted-active-is-true")
def default_active(app):
    """RFC 7644 section 3.5.1: an omitted attribute may get its default."""
    edit(app.service, "keep", lambda _, record, new: is_users(record.rtype) and new.update(
        active=app.sent_active if app.sent_active is not None else True))

    def replace(inner, record, body):
        sent = lower(body).get("active")
        app.sent_active = None if sent is None else str(sent).lower() == "true"
        return inner(record, body)
    wrap(app.service, "replace", replace)


@legal("active-not-defaulted")
def no_default(app):
    """A user that was created without `active` has none (RFC 7643 section 4.1.1 fixes no default)."""
    def create(inner, tenant, rtype, body):
        record = inner(tenant, rtype, body)
        if is_users(rtype) and "active" not in lower(body):
            record.data.pop("active")
        return record
    wrap(app.service, "create", create)


@legal("newest-first")
def newest(app):
    """Without sortBy any stable order will do."""
    wrap(app.listing, "candidates", lambda inner, *given: inner(*given)[::-1])


@legal("pages-of-ten")
def small_pages(app):
    """A server may return fewer than `count` (RFC 7644 section 3.4.2.4)."""
    edit(app.listing, "query", lambda query, given: setattr(query, "count", min(query.count, 10)))
    edit(app.discovery, "config", lambda body: body["filter"].update(maxResults=10))


@legal("usernames-lowercased")
def lowercased(app):
    """RFC 7643 section 7: the case of what is not caseExact may be altered."""
    def check(inner, record, data):
        if "userName" in data:
            data["userName"] = data["userName"].lower()
        return inner(record, data)
    wrap(app.service, "check", check)


@legal("addresses-canonical")
def canonical(app):
    """RFC 7643 section 4.1.2: e-mail addresses SHOULD be canonicalized, e.g. in lower case."""
    def check(inner, record, data):
        for email in data.get("emails", ()):
            email["value"] = email.get("value", "").lower()
        return inner(record, data)
    wrap(app.service, "check", check)


@legal("ids-are-digits")
def digits(app):
    """An id is any string (RFC 7643 section 3.1)."""
    app.counter = 1000

    def add(inner, record):
        app.counter += 1
        record.id = str(app.counter)
        return inner(record)
    wrap(app.store, "add", add)


@legal("put-omitted-members-stay")
def members_stay(app):
    """RFC 7644 section 3.5.1: an omitted attribute MAY be cleared."""
    edit(app.service, "keep", lambda _, record, new:
         "members" in record.data and not app.sent_members and new.update(members=record.data["members"]))

    def replace(inner, record, body):
        app.sent_members = "members" in lower(body)
        return inner(record, body)
    wrap(app.service, "replace", replace)


@legal("unknown-filter-attribute-matches-nothing")
def unknown(app):
    """An attribute that no resource has is one without a value."""
    wrap(app.listing, "condition", lambda inner, rtype, text, forgiving: inner(rtype, text, True))


@legal("value-path-without-match-is-no-target")
def no_target(app):
    """RFC 7644 section 3.5.2.3 for replace; the same for add."""
    def fresh(base, path):
        raise bad("noTarget", "no value fits the filter")
    app.patcher.fresh = fresh


@legal("dates-with-offset")
def offset(app):
    """Any xsd:dateTime will do (RFC 7643 section 2.3.5)."""
    edit(app.render, "meta", lambda out, record: out.update(
        {k: out[k][:-1] + "+00:00" for k in ("created", "lastModified")}))


@legal("dates-without-fraction")
def seconds(app):
    """Whole seconds will do."""
    edit(app.render, "meta", lambda out, record: out.update(
        {k: out[k][:19] + "Z" for k in ("created", "lastModified")}))


@legal("members-bare")
def bare_members(app):
    """Only `value` is there (RFC 7643 section 4.2)."""
    app.render.member = dict


@legal("no-user-groups")
def no_groups(app):
    """`groups` is optional; a schema without it promises nothing."""
    app.render.groups = lambda record: []
    edit(app.discovery, "schemas", lambda items: items[0].update(
        attributes=[a for a in items[0]["attributes"] if a["name"] != "groups"]))


@legal("answers-with-charset")
def charset(app):
    """A media type may have parameters (RFC 9110 section 8.3.1)."""
    edit(app, "handle", lambda answer, request: answer.body is not None and answer.headers.update(
        {"Content-Type": "application/scim+json; charset=utf-8"}))


@legal("connection-closed")
def closed(app):
    """Keep-alive is no duty (RFC 9112 section 9.6)."""
    edit(app, "handle", lambda answer, request: answer.headers.update({"Connection": "close"}))


@legal("errors-without-detail")
def terse(app):
    """`detail` is optional (RFC 7644 section 3.12)."""
    edit(app, "failure", lambda answer, error: answer.body.pop("detail"))


@legal("empty-list-without-resources")
def no_resources(app):
    """`Resources` is required when there are some (RFC 7644 section 3.4.2)."""
    edit(app.listing, "answer", lambda body, *_: body["Resources"] or body.pop("Resources"))


@legal("complete-list-without-paging")
def unpaged(app):
    """startIndex and itemsPerPage are required when a list is partial (RFC 7644 section 3.4.2).

    Who asks for a page gets its figures: Okta's own test asserts them.
    """
    def answer(body, tenant, rtypes, query):
        whole = len(body["Resources"]) == body["totalResults"]
        if whole and query.start == 1 and query.count == DEFAULT_COUNT:
            body.pop("startIndex")
            body.pop("itemsPerPage")
    edit(app.listing, "answer", answer)


@legal("names-filled-in")
def filled(app):
    """A server may add attributes, here displayName and name.formatted."""
    def full(out, record):
        name = out.get("name", {})
        if name.get("givenName") and name.get("familyName") and "formatted" not in name:
            out["name"] = {**name, "formatted": f"{name['givenName']} {name['familyName']}"}
        if is_users(record.rtype):
            out.setdefault("displayName", out.get("name", {}).get("formatted", out["userName"]))
    edit(app.render, "full", full)


@legal("displays-filled-in")
def displays(app):
    """`display` may be filled in by the server (RFC 7643 section 2.4)."""
    edit(app.render, "full", lambda out, record: "emails" in out and out.update(
        emails=[{**e, "display": e.get("value", "")} for e in out["emails"]]))


@legal("two-primaries-settled")
def settled(app):
    """Of two primary values the last one is kept as such, instead of a refusal."""
    def value(inner, attr, given):
        if attr.multi and isinstance(given, list):
            marked = [at for at, item in enumerate(given) if isinstance(item, dict) and item.get("primary") is True]
            given = [{**item, "primary": False} if at in marked[:-1] else item for at, item in enumerate(given)]
        return inner(attr, given)
    wrap(app.reader, "value", value)


@legal("no-enterprise-extension")
def core_only(app):
    """The enterprise extension is optional: not announced, not kept."""
    object.__setattr__(USERS, "extensions", tuple(s for s in USERS.extensions if s.id != ENTERPRISE))
    wrap(app.discovery, "schemas", lambda inner: [s for s in inner() if s["id"] != ENTERPRISE])


@legal("users-only")
def users_only(app):
    """Groups are optional: no resource type, no schema, no endpoint."""
    wrap(app.discovery, "types", lambda inner: inner()[:1])
    wrap(app.discovery, "schemas", lambda inner: [s for s in inner() if not s["id"].endswith(":Group")])
    refuse_if(app, "route", lambda request: request.steps[:1] == ["Groups"], not_found("endpoint"))


@legal("flat-groups")
def flat(app):
    """Groups hold users only, and the schema says so."""
    def schemas(items):
        sub = next(a for a in items[1]["attributes"] if a["name"] == "members")["subAttributes"]
        sub[1]["referenceTypes"] = ["User"]
        sub[3]["canonicalValues"] = ["User"]
    edit(app.discovery, "schemas", schemas)
    refuse_if(app.service, "members", lambda record, given: any(
        is_groups(app.store.records[m["value"]].rtype) for m in given if m["value"] in app.store.records),
        bad("invalidValue", "members must be users"))
