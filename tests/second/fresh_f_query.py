"""One more fresh sample of public reports: filters, pages, `.search`, and what is said about unknown ids."""

import re

import paths
from bugkit import bug, change_node, edit, is_groups, is_users, nodes, refuse_if, refuse_node, wrap
from catalogue import GROUPS, USERS
from errors import ScimError, bad
from more_list import listed, query, searched

WRONG_URN = "urn:ietf:params:scim:schemas:core:2.0:SearchRequest"


@bug("filter-meta-first-wins")
def meta_first(app):
    """meta.resourceType eq "User" and ...: a condition on meta to the left of `and` is all that counts; the other way
    round the filter works."""
    change_node(app, lambda rtype, node: node[1] if node[0] == "and" and node[1][0] in ("compare", "pr")
                and node[1][1].attr.name == "meta" else node)


def compound(q):
    """Whether the filter of a query joins conditions."""
    return bool(re.search(r"\s(and|or)\s", q.filter or "", re.IGNORECASE))


@bug("filter-compound-last-page-short")
def short(app):
    """A filter with `and`, read from a later index on: the last match of all is not there."""
    wrap(app.listing, "page", lambda inner, found, q: inner(found[:-1] if q.start > 1 and compound(q)
         and q.start - 1 + q.count >= len(found) else found, q))


@bug("list-page-past-end-wraps")
def wraps(app):
    """startIndex behind the end gives the last users once more, and their number as total."""
    wrap(app.listing, "page", lambda inner, found, q: found[-q.count:] if q.start > len(found) and q.count
         else inner(found, q))
    listed(app, lambda body, q: q.start > body["totalResults"] and body.update(totalResults=body["itemsPerPage"]))


@bug("search-count-zero-returns-all")
def search_zero(app):
    """count 0 in a `.search` is taken for no count; in a GET it is right."""
    searched(app, lambda body: {k: v for k, v in body.items() if not (k.lower() == "count" and v == 0)})


@bug("list-without-filter-empty")
def unfiltered(app):
    """What the list cannot look up is an empty list, and so is the question for all."""
    wrap(app.listing, "found", lambda inner, tenant, rtypes, q: inner(tenant, rtypes, q) if q.filter else [])


@bug("filter-emails-returns-all")
def emails_all(app):
    """emails.value loses its dot on the way to the table of columns and is not found there: the condition is dropped
    and everybody comes back."""
    def condition(inner, rtype, text, forgiving):
        tree = inner(rtype, text, forgiving)
        dropped = tree and any(n[0] in ("compare", "pr") and n[1].attr.name == "emails" and n[1].sub
                               for n in nodes(tree))
        return None if dropped else tree
    wrap(app.listing, "condition", condition)


@bug("filter-pr-prefix-400")
def pr_prefix(app):
    """Unsupported operators are looked for as text, and " pr" has no blank behind it: a filter that goes on with
    preferredLanguage or primary is refused."""
    refuse_if(app.filters, "compile", lambda rtype, text, *_: re.search(r"\spr\w", text, re.IGNORECASE),
              bad("invalidFilter", "the specified filter operator is not supported"))


@bug("filter-groups-operator-ignored")
def groups_eq(app):
    """The filter of groups is parsed, then its value is compared with displayName for equality, whatever the attribute
    and the operator were."""
    name = paths.parse(GROUPS, "displayName")
    change_node(app, lambda rtype, node: ("compare", name, "eq", node[3]) if is_groups(rtype)
                and node[0] == "compare" and isinstance(node[3], str) else node)


@bug("filter-value-with-blank-400")
def blank(app):
    """A value between quotes may not hold a blank nor an escaped quote: the parser stops there."""
    refuse_node(app, lambda rtype, node: any(n[0] == "compare" and isinstance(n[3], str) and {" ", '"'} & set(n[3])
                for n in nodes(node)), bad("invalidFilter", "the filter cannot be parsed"))


@bug("search-schema-misspelt")
def search_urn(app):
    """The URN of a SearchRequest was written down wrong: the wrong one is required, the right one refused."""
    def search(inner, body):
        if WRONG_URN not in (body.get("schemas") or ()):
            raise bad("invalidValue", f"'schemas' must hold {WRONG_URN}")
        return inner({**body, "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]})
    wrap(app.listing, "search", search)


@bug("search-attributes-list-400")
def search_names(app):
    """attributes of a `.search` is bound to a string, as in a GET; the list that the standard asks for is no string."""
    refuse_if(app.listing, "search", lambda body: any(isinstance(v, list) and k.lower().endswith("attributes")
              for k, v in body.items()), bad("invalidSyntax", "Cannot deserialize value of type String from Array"))


@bug("list-startindex-reported-zero")
def zero(app):
    """startIndex of every list is 0: it counts from nought, or was never set."""
    listed(app, lambda body, q: body.update(startIndex=0))


@bug("list-resources-withheld")
def withheld(app):
    """Who may search may not view: the total is right, and each found resource is left out afterwards."""
    listed(app, lambda body, q: body.update(Resources=[], itemsPerPage=0))


@bug("list-count-not-capped")
def no_cap(app):
    """maxResults is announced; a larger count is obeyed all the same."""
    def change(q, given):
        if str(given.get("count", "")).isdigit():
            q.count = int(given["count"])
    query(app, change)


@bug("list-negative-count-slices")
def slices(app):
    """A negative count goes into a slice, where it counts from the end: all but the last come back."""
    query(app, lambda q, given: str(given.get("count", "")).startswith("-")
          and setattr(q, "count", int(given["count"])))


@bug("patch-unknown-id-body-first")
def body_first(app):
    """The body of a PATCH is looked at before the id: removing displayName from a group that is not there is 400."""
    def one(inner, request, rtype, rid):
        if request.method == "PATCH" and app.store.get(request.tenant, rtype, rid) is None:
            try:
                app.patcher.apply(rtype, {"userName": "x"} if is_users(rtype) else {"displayName": "x"}, request.body)
            except ScimError as error:
                if error.scim_type != "noTarget":
                    raise
        return inner(request, rtype, rid)
    wrap(app, "one", one)


class NoScimError(ScimError):
    """The error of another API."""

    def body(self):
        """The JSON of a product, not of SCIM."""
        return {"error": {"name": "InvalidParams", "message": self.detail}, "status": "error"}


@bug("group-name-special-400")
def special(app):
    """The name of a group becomes a key: marks but hyphen and underscore are refused, with the error of another API."""
    refuse_if(app.service, "check", lambda record, data: is_groups(record.rtype)
              and re.search(r"[^\w\s-]", data.get("displayName", "")),
              NoScimError(400, "The key name can't have any special characters except underscores and hyphens."))


@bug("tenant-same-name-group-listed")
def same_name(app):
    """The list joins the table of names without case and without tenant: a group of another tenant whose name differs
    only in case is listed beside our own."""
    def candidates(inner, tenant, rtype):
        own = inner(tenant, rtype)
        names = {r.data.get("displayName", "") for r in own}
        folded = {name.lower() for name in names}
        return own + [r for r in app.store.records.values() if is_groups(rtype) and r.rtype is rtype
                      and r.tenant != tenant and r.data["displayName"].lower() in folded
                      and r.data["displayName"] not in names]
    wrap(app.listing, "candidates", candidates)


@bug("filter-third-word-is-email")
def third_word(app):
    """The filter of users is split at its blanks and the third word taken for an address; attribute and operator are
    never read, and a filter of two words fails."""
    address, name = paths.parse(USERS, "emails.value"), paths.parse(USERS, "userName")

    def compiled(inner, rtype, text, *more):
        if not is_users(rtype):
            return inner(rtype, text, *more)
        word = text.split(" ")[2].strip('"')
        return ("or", ("compare", name, "eq", word), ("compare", address, "eq", word))
    wrap(app.filters, "compile", compiled)
