"""Plausible bugs of filters: what happens to the value, and to the attribute in front of it."""

import re

from bugkit import bug, change_node, crash_if, is_groups, refuse_if, refuse_node, wrap
from catalogue import ENTERPRISE
from errors import bad


def compare(app, change):
    """How one value is compared, changed."""
    wrap(app.filters, "compare", change)


def text(app, change):
    """The text of every filter, changed before it is parsed."""
    wrap(app.filters, "compile", lambda inner, rtype, given, *more: inner(rtype, change(given), *more))


def split_words(given, word):
    """Whether a string literal holds this word."""
    return any(word in literal.lower() for literal in re.findall(r'"((?:\\.|[^"\\])*)"', given))


@bug("filter-value-with-and-split")
def and_split(app):
    """filter.split(" and "): a group called Research and Development."""
    refuse_if(app.filters, "compile", lambda rtype, given, *more:
              split_words(given, " and ") or split_words(given, " or "),
              bad("invalidFilter", "cannot parse"))


@bug("filter-value-with-blank-cut")
def blank(app):
    """filter.split(" ")[2]: what follows the first blank of the value is lost."""
    change_node(app, lambda rtype, n: (*n[:3], n[3].split(" ")[0])
                if n[0] == "compare" and isinstance(n[3], str) else n)


@bug("filter-value-with-brackets-refused")
def brackets(app):
    """Parentheses in the value are counted."""
    refuse_if(app.filters, "compile", lambda rtype, given, *more: any(split_words(given, c) for c in "()[]"),
              bad("invalidFilter", "unbalanced"))


@bug("filter-value-apostrophe-500")
def apostrophe(app):
    """O'Brien, put between single quotes into SQL."""
    crash_if(app.filters, "compile", lambda rtype, given, *more: "'" in given)


@bug("filter-value-plus-is-blank")
def plus(app):
    """The query is decoded twice: a+b@example.com is looked for as `a b@example.com`."""
    text(app, lambda given: given.replace("+", " "))


@bug("filter-value-decoded-twice")
def twice(app):
    """%25 in the value, decoded twice, with what fails passed over."""
    from urllib.parse import unquote
    text(app, unquote)


def matched(app, pattern):
    """Texts without case are compared by a pattern that is made of what was asked for."""
    def search(inner, attr, op, value, wanted):
        if op == "eq" and isinstance(value, str) and isinstance(wanted, str) and not attr.exact:
            return re.fullmatch(pattern(wanted), value, re.I) is not None
        return inner(attr, op, value, wanted)
    compare(app, search)


@bug("filter-underscore-wildcard")
def underscore(app):
    """LIKE, with _ as any character."""
    matched(app, lambda wanted: re.escape(wanted).replace("_", "."))


@bug("filter-percent-wildcard")
def percent(app):
    """LIKE, with % as any text."""
    matched(app, lambda wanted: re.escape(wanted).replace("%", ".*"))


@bug("filter-regex-characters")
def regex(app):
    """The value is put into a regular expression, as with MongoDB."""
    matched(app, lambda wanted: wanted)


@bug("filter-not-ascii-no-match")
def ascii_only(app):
    """The query is decoded as latin1."""
    text(app, lambda given: given.encode().decode("latin1"))


@bug("filter-backslash-no-match")
def backslash(app):
    """A doubled backslash stays doubled."""
    change_node(app, lambda rtype, n: (*n[:3], n[3].replace("\\", "\\\\"))
                if n[0] == "compare" and isinstance(n[3], str) else n)


@bug("filter-sub-attribute-refused")
def sub_refused(app):
    """A dot is no part of a name."""
    refuse_node(app, lambda rtype, n: n[0] in ("compare", "pr") and n[1].sub, bad("invalidFilter", "unknown attribute"))


@bug("filter-sub-attribute-no-match")
def sub_empty(app):
    """name.familyName is looked for as a key."""
    change_node(app, lambda rtype, n: ("no",) if n[0] == "compare" and n[1].sub and n[1].attr.name == "name" else n)
    app.filters.on_no = lambda node, resource: False


@bug("filter-emails-first-only")
def first_email(app):
    """emails.value means emails[0].value."""
    def on_compare(inner, node, resource):
        return inner(node, {**resource, "emails": resource["emails"][:1]} if "emails" in resource else resource)
    wrap(app.filters, "on_compare", on_compare)


@bug("filter-value-path-crosses-values")
def crosses(app):
    """emails[a and b]: a from one value, b from another."""
    def on_values(inner, node, resource):
        part = node[2]
        if part[0] != "and":
            return inner(node, resource)
        return all(on_values(inner, ("values", node[1], side), resource) for side in part[1:])
    wrap(app.filters, "on_values", on_values)


@bug("filter-value-path-refused")
def value_path(app):
    """Brackets are unknown."""
    refuse_node(app, lambda rtype, n: n[0] == "values", bad("invalidFilter", "unexpected ["))


def no_match_for(app, when):
    """Comparisons with these attributes never match."""
    change_node(app, lambda rtype, n: ("no",) if n[0] == "compare" and when(rtype, n[1]) else n)
    app.filters.on_no = lambda node, resource: False


@bug("filter-id-no-match")
def by_id(app):
    """id is kept elsewhere."""
    no_match_for(app, lambda rtype, target: target.attr.name == "id")


@bug("filter-members-no-match")
def by_member(app):
    """members is a relation."""
    no_match_for(app, lambda rtype, target: target.attr.name == "members")


@bug("filter-group-external-id-no-match")
def by_external(app):
    """externalId of groups has no column in the filter."""
    no_match_for(app, lambda rtype, target: is_groups(rtype) and target.attr.name == "externalId")


@bug("filter-enterprise-no-match")
def by_department(app):
    """The extension is in another table."""
    no_match_for(app, lambda rtype, target: target.urn == ENTERPRISE)


@bug("filter-urn-no-match")
def by_urn(app):
    """A name with a schema in front is looked for as a key."""
    def compiled(inner, rtype, given, *more):
        return ("no",) if given.startswith("urn:") else inner(rtype, given, *more)
    app.filters.on_no = lambda node, resource: False
    wrap(app.filters, "compile", compiled)
