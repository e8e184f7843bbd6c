"""Plausible bugs of filters: what a hand-written parser or a translation to SQL gets wrong."""

import re

import filters
from bugkit import bug, change_node, refuse_if, refuse_node, wrap
from errors import ScimError, bad


def compare(app, change):
    """How one value is compared, changed."""
    wrap(app.filters, "compare", change)


def text(app, change):
    """The text of every filter, changed before it is parsed."""
    wrap(app.filters, "compile", lambda inner, rtype, given, *more: inner(rtype, change(given), *more))


@bug("filter-and-is-or")
def and_or(app):
    """One list of conditions, joined by any()."""
    change_node(app, lambda rtype, n: ("or", *n[1:]) if n[0] == "and" else n)


@bug("filter-or-is-and")
def or_and(app):
    """One list of conditions, joined by all()."""
    change_node(app, lambda rtype, n: ("and", *n[1:]) if n[0] == "or" else n)


@bug("filter-first-condition-only")
def first(app):
    """What follows `and` is not read."""
    change_node(app, lambda rtype, n: n[1] if n[0] == "and" else n)


@bug("filter-left-to-right")
def left_right(app):
    """`and` and `or` bind alike."""
    class Flat(filters.Parser):
        """A parser without precedence."""

        def either(self):
            """Whatever comes next is joined to what was there."""
            node = self.single()
            while self.peek().lower() in ("and", "or"):
                node = (self.take().lower(), node, self.single())
            return node
    app.filters.compile = lambda rtype, given, forgiving=False: Flat(
        filters.tokens(given), filters.Whole(rtype, forgiving)).whole()


@bug("filter-or-refused")
def no_or(app):
    """Only `and` is known."""
    refuse_node(app, lambda rtype, n: n[0] == "or", bad("invalidFilter", "or is not supported"))


@bug("filter-and-refused")
def no_and(app):
    """One comparison, no more."""
    refuse_node(app, lambda rtype, n: n[0] == "and", bad("invalidFilter", "and is not supported"))


@bug("filter-only-eq")
def only_eq(app):
    """eq is what identity providers use."""
    refuse_node(app, lambda rtype, n: n[0] == "pr" or n[0] == "compare" and n[2] != "eq",
                bad("invalidFilter", "only eq is supported"))


@bug("filter-operator-case-sensitive")
def operator_case(app):
    """A table of operators in lower case."""
    refuse_if(app.filters, "compile", lambda rtype, given, *more: re.search(
        r"\b(EQ|Eq|NE|CO|Co|SW|Sw|PR|Pr|AND|And|OR|Or)\b", re.sub('"[^"]*"', "", given)),
        bad("invalidFilter", "unknown operator"))


@bug("filter-attribute-case-sensitive")
def attribute_case(app):
    """USERNAME is no column of the map."""
    refuse_if(app.filters, "compile", lambda rtype, given, *more:
              re.match(r"(USERNAME|username|UserName|DisplayName|displayname|DISPLAYNAME)\b", given),
              bad("invalidFilter", "unknown attribute"))


@bug("filter-username-case-sensitive")
def exact(app):
    """A collation that knows case."""
    wrap(app.filters, "fold", lambda inner, attr, given: given if attr.name == "userName" else inner(attr, given))


@bug("filter-all-case-sensitive")
def all_exact(app):
    """caseExact is announced and not kept."""
    app.filters.fold = lambda attr, given: given


@bug("filter-id-case-insensitive")
def id_folded(app):
    """ids are compared without case."""
    wrap(app.filters, "fold", lambda inner, attr, given: given.lower() if attr.name == "id" else inner(attr, given))


def swapped(app, old, new):
    """One operator works like another."""
    compare(app, lambda inner, attr, op, *more: inner(attr, new if op == old else op, *more))


@bug("filter-sw-is-co")
def sw(app):
    """%value% instead of value%."""
    swapped(app, "sw", "co")


@bug("filter-ew-is-co")
def ew(app):
    """%value% instead of %value."""
    swapped(app, "ew", "co")


@bug("filter-co-is-eq")
def co(app):
    """All string operators fall through to eq."""
    swapped(app, "co", "eq")


@bug("filter-ge-is-gt")
def ge(app):
    """Off by one."""
    swapped(app, "ge", "gt")


@bug("filter-le-is-lt")
def le(app):
    """Off by one."""
    swapped(app, "le", "lt")


@bug("filter-gt-is-lt")
def gt(app):
    """Mixed up."""
    swapped(app, "gt", "lt")


@bug("filter-ne-is-eq")
def ne(app):
    """The negation was lost."""
    swapped(app, "ne", "eq")


@bug("filter-dates-as-text")
def dates(app):
    """Points in time are compared as strings: another zone, or no milliseconds, and it fails."""
    compare(app, lambda inner, attr, op, value, wanted: app.filters.relation(op, value, wanted)
            if attr.type == "dateTime" else inner(attr, op, value, wanted))


@bug("filter-dates-refused")
def no_dates(app):
    """meta is not part of the table."""
    refuse_node(app, lambda rtype, n: n[0] == "compare" and n[1].attr.name == "meta",
                bad("invalidFilter", "unknown attribute meta"))


@bug("filter-dates-ignored")
def dates_ignored(app):
    """meta.lastModified gt ... is passed over: every incremental sync is a full one."""
    change_node(app, lambda rtype, n: ("yes",) if n[0] == "compare" and n[1].attr.name == "meta" else n)
    app.filters.on_yes = lambda node, resource: True


@bug("filter-pr-always-true")
def pr(app):
    """The key is in the object, if only with null."""
    app.filters.on_pr = lambda node, resource: True


@bug("filter-pr-refused")
def no_pr(app):
    """Three words are expected."""
    refuse_node(app, lambda rtype, n: n[0] == "pr", bad("invalidFilter", "three words are expected"))


@bug("filter-boolean-as-text")
def boolean(app):
    """"True" == true."""
    compare(app, lambda inner, attr, op, value, wanted: inner(attr, op, str(value), wanted)
            if attr.type == "boolean" else inner(attr, op, value, wanted))


@bug("filter-active-ignored")
def active(app):
    """active eq false is passed over."""
    change_node(app, lambda rtype, n: ("yes",) if n[0] == "compare" and n[1].attr.name == "active" else n)
    app.filters.on_yes = lambda node, resource: True


@bug("filter-unknown-attribute-returns-all")
def unknown_all(app):
    """Conditions on unknown columns are left out of the query."""
    def condition(inner, rtype, given, forgiving):
        try:
            return inner(rtype, given, forgiving)
        except ScimError as error:
            if "no attribute" in error.detail:
                return None
            raise
    wrap(app.listing, "condition", condition)


@bug("filter-malformed-returns-all")
def malformed_all(app):
    """What cannot be parsed is no filter."""
    def condition(inner, *given):
        try:
            return inner(*given)
        except ScimError:
            return None
    wrap(app.listing, "condition", condition)


@bug("filter-malformed-returns-none")
def malformed_none(app):
    """What cannot be parsed matches nobody."""
    def condition(inner, *given):
        try:
            return inner(*given)
        except ScimError:
            return ("no",)
    app.filters.on_no = lambda node, resource: False
    wrap(app.listing, "condition", condition)


@bug("filter-malformed-500")
def malformed_500(app):
    """The parser throws what nobody catches."""
    def condition(inner, *given):
        try:
            return inner(*given)
        except ScimError as error:
            raise RuntimeError from error
    wrap(app.listing, "condition", condition)


@bug("filter-trailing-words-ignored")
def trailing(app):
    """The parser stops when it has enough."""
    def whole(rtype, given, forgiving=False):
        return filters.Parser(filters.tokens(given), filters.Whole(rtype, forgiving)).either()
    app.filters.compile = whole


@bug("filter-password-allowed")
def password(app):
    """Whoever may filter can guess passwords letter by letter."""
    def found(inner, tenant, rtypes, query):
        if query.filter and query.filter.startswith("password"):
            letter = (re.findall('"([^"]*)"', query.filter) or [""])[0]
            return [(r, app.render.full(r)) for r in app.store.all(tenant, rtypes[0])
                    if r.data.get("password", "").startswith(letter)]
        return inner(tenant, rtypes, query)
    wrap(app.listing, "found", found)


@bug("filter-null-500")
def null(app):
    """eq null."""
    refuse_node(app, lambda rtype, n: n[0] == "compare" and n[3] is None, None)


@bug("filter-not-covers-the-rest")
def greedy_not(app):
    """not (a) and b is read as not (a and b)."""
    def change(rtype, n):
        if n[0] == "and" and n[1][0] == "not":
            return ("not", ("and", n[1][1], n[2]))
        return n
    change_node(app, change)


@bug("filter-not-ignored")
def not_ignored(app):
    """The word is skipped."""
    change_node(app, lambda rtype, n: n[1] if n[0] == "not" else n)


@bug("filter-missing-equals-empty")
def missing(app):
    """userType eq "" finds all who have none."""
    def on_compare(inner, node, resource):
        return inner(node, resource) or node[2] == "eq" and node[3] == "" and not filters.values(resource, node[1])
    wrap(app.filters, "on_compare", on_compare)


@bug("filter-ne-skips-missing")
def ne_missing(app):
    """NULL <> 'x' is not true in SQL."""
    wrap(app.filters, "on_compare", lambda inner, node, resource:
         inner(node, resource) and (node[2] != "ne" or bool(filters.values(resource, node[1]))))


@bug("filter-long-refused")
def long(app):
    """Twenty conditions are too many."""
    refuse_if(app.filters, "compile", lambda rtype, given, *more: len(given) > 400, ScimError(414, "too long"))
