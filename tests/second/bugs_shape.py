"""Bugs of representations: what a resource looks like, and what was asked of it."""

from bugkit import bug, edit, is_groups, wrap
from catalogue import ENTERPRISE


@bug("attributes-complex-parent-empty")
def empty_parent(app):
    """Only sub-attributes that are named are copied."""
    def attribute(inner, attr, urn, value, chosen, left_out):
        if chosen is not None and (urn, attr.name, None) in chosen and isinstance(value, dict):
            return {}
        return inner(attr, urn, value, chosen, left_out)
    wrap(app.render, "attribute", attribute)


@bug("excludedattributes-members-ignored")
def excluded_ignored(app):
    """The parameter is not looked at for groups."""
    wrap(app.render, "project", lambda inner, rtype, full, wanted, excluded:
         inner(rtype, full, wanted, None if is_groups(rtype) else excluded))


@bug("excludedattributes-members-null")
def excluded_null(app):
    """The field is set to null instead of being left out."""
    def project(inner, rtype, full, wanted, excluded):
        out = inner(rtype, full, wanted, excluded)
        if excluded and "members" in [name.lower() for name in excluded]:
            out["members"] = None
        return out
    wrap(app.render, "project", project)


def shown(app, change):
    """Every representation, changed."""
    edit(app.render, "shown", lambda body, record, *_: change(body, record))


@bug("email-primary-flag-lost")
def primary_lost(app):
    """There is no column for it."""
    edit(app.reader, "as_complex", lambda clean, attr, value: attr.name == "emails" and clean.pop("primary", None))


@bug("emails-returned-as-strings")
def strings(app):
    """A list of addresses is a list of strings."""
    shown(app, lambda body, record: "emails" in body and body.update(emails=[e.get("value") for e in body["emails"]]))


@bug("extension-key-not-urn")
def short_key(app):
    """The name of the class is the name of the field."""
    shown(app, lambda body, record: ENTERPRISE in body and body.update(EnterpriseUser=body.pop(ENTERPRISE)))


@bug("manager-returned-as-string")
def manager(app):
    """The column is shown as it is."""
    def change(body, record):
        if "manager" in body.get(ENTERPRISE, {}):
            body[ENTERPRISE] = {**body[ENTERPRISE], "manager": body[ENTERPRISE]["manager"].get("value")}
    shown(app, change)


@bug("password-returned")
def password(app):
    """All columns are shown."""
    shown(app, lambda body, record: "password" in record.data and body.update(password=record.data["password"]))
