"""A last fresh sample of public reports: what is written to users."""

import dates
from bugkit import bug, crash_if, is_groups, is_users, lower, refuse_if, wrap
from errors import ScimError
from fresh_b_patch import path_of, verb_of
from fresh_h_group import brought


@bug("patch-same-username-400")
def same_name(app):
    """userName identifies the account, so every PATCH that names it is a 400, also one that repeats the value."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_users(rtype) and (
        path_of(o).lower() == "username" or (not path_of(o) and "username" in lower(lower(o).get("value")))),
        ScimError(400, "'userName' cannot be changed", "mutability"))


@bug("external-id-conflict-500")
def id_conflict(app):
    """externalId has a unique index: PUT or PATCH with the one of another user is an error of the database, 500."""
    crash_if(app.store, "change", lambda record, data: is_users(record.rtype) and data.get("externalId") and any(
        r is not record and r.data.get("externalId") == data["externalId"]
        for r in app.store.all(record.tenant, record.rtype)))


@bug("email-not-primary-lost")
def primary_only(app):
    """Of e-mails and phone numbers the primary one is kept: where none is primary, all are lost."""
    def check(inner, record, data):
        for name in ("emails", "phoneNumbers"):
            kept = [v for v in data.get(name, ()) if v.get("primary")]
            if kept:
                data[name] = kept
            else:
                data.pop(name, None)
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("patch-filter-path-first-match-only")
def first_match(app):
    """add and replace at emails[filter] change the first value that fits, and no other."""
    def chosen(inner, base, op, path, value):
        app.patcher.first = True
        try:
            return inner(base, op, path, value)
        finally:
            app.patcher.first = False
    wrap(app.patcher, "chosen", chosen)
    wrap(app.patcher, "matching", lambda inner, base, path: inner(base, path)[:1]
         if vars(app.patcher).get("first") else inner(base, path))


@bug("patch-add-email-takes-primary")
def takes_primary(app):
    """An e-mail that is added becomes the primary one, though it does not say so; the old one loses the mark."""
    def plural(inner, base, op, attr, value):
        before = len(base.get("emails", ()))
        inner(base, op, attr, value)
        if op == "add" and attr.name == "emails" and 0 < before < len(base["emails"]):
            for item in base["emails"]:
                item["primary"] = item is base["emails"][-1]
    wrap(app.patcher, "plural", plural)


@bug("never-signed-in-500")
def never_signed_in(app):
    """The record of sign-ins is taken for granted: who never signed in is a 500 in GET by id, PUT and PATCH, and as a
    member that a PATCH adds. Lists pass over it."""
    crash_if(app, "one", lambda request, rtype, rid: request.method in ("GET", "PUT", "PATCH") and is_users(rtype)
             and app.store.get(request.tenant, rtype, rid) is not None)
    crash_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and verb_of(o) == "add" and brought(o))


@bug("put-same-bumps-version")
def bumps(app):
    """A PUT that changes nothing is written all the same: version and lastModified are new."""
    def replace(inner, record, body):
        before = record.version
        inner(record, body)
        if record.version == before:
            record.version += 1
            record.modified = dates.now()
    wrap(app.service, "replace", replace)
