"""Bugs of a fresh sample of public reports: look-ups, pages, order, what is shown and what is left out."""

import re

from app import Response
from bugkit import bug, change_node, crash, edit, is_groups, is_users, nodes, refuse_node, wrap
from errors import ScimError, bad, not_found
from filters import deciding, tokens


@bug("filter-co-one-letter-400")
def one_letter(app):
    """A value of one letter is taken for something else by the search behind; `co "s"` fails, `co "so"` works."""
    refuse_node(app, lambda rtype, node: node[0] == "compare" and node[2] == "co" and isinstance(node[3], str)
                and len(node[3]) == 1, bad("invalidValue", "required attribute id is missing in the object"))


@bug("filter-asterisk-wildcard")
def asterisk(app):
    """The value goes to a directory search as it is: * stands for any text."""
    def relation(inner, operator, value, wanted):
        if operator == "eq" and isinstance(wanted, str) and "*" in wanted:
            return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), str(value)) is not None
        return inner(operator, value, wanted)
    wrap(app.filters, "relation", relation)


@bug("filter-core-with-extension-empty")
def two_stores(app):
    """Core attributes and those of the extension live in two stores; a filter that names both finds nobody."""
    def compiled(inner, rtype, text, *more):
        tree = inner(rtype, text, *more)
        homes = {node[1].urn for node in nodes(tree) if node[0] in ("compare", "pr", "values")}
        return ("never",) if len(homes) > 1 else tree
    app.filters.on_never = lambda node, resource: False
    wrap(app.filters, "compile", compiled)


@bug("filter-logical-case-sensitive")
def upper_and(app):
    """AND and OR in capitals are not known: what stands left of them is the filter."""
    def compiled(inner, rtype, text, *more):
        words = tokens(text)
        at = next((i for i, word in enumerate(words) if word in ("AND", "OR")), None)
        return inner(rtype, text if at is None else " ".join(words[:at]), *more)
    wrap(app.filters, "compile", compiled)


@bug("filter-value-apostrophe-cut")
def apostrophe(app):
    """What follows an apostrophe in the value is lost, and others are found."""
    change_node(app, lambda rtype, node: (*node[:3], node[3].split("'")[0])
                if node[0] == "compare" and isinstance(node[3], str) else node)


@bug("filter-schemas-refused")
def no_schemas(app):
    """`schemas` is not in the table of names, though the standard has it as an example."""
    refuse_node(app, lambda rtype, node: node[0] in ("compare", "pr") and node[1].attr.name == "schemas",
                bad("invalidValue", "not a valid attribute name or URI"))


@bug("filter-externalid-400")
def no_external(app):
    """Only userName can be looked for; externalId is refused."""
    refuse_node(app, lambda rtype, node: is_users(rtype) and node[0] in ("compare", "pr")
                and node[1].attr.name == "externalId", bad("invalidFilter", "the filter is not supported"))


@bug("filter-other-attributes-500")
def two_names(app):
    """userName and externalId are handled, for users; every other name throws."""
    refuse_node(app, lambda rtype, node: is_users(rtype) and node[0] in ("compare", "pr", "values")
                and node[1].attr.name not in ("userName", "externalId"), None)


class FieldError(Exception):
    """What the mapper of the database throws."""


@bug("filter-members-eq-500")
def members_eq(app):
    """members is mapped to a relation, and `eq` on it throws; the framework shows its page."""
    def compiled(inner, rtype, text, *more):
        tree = inner(rtype, text, *more)
        if any(n[0] == "compare" and n[1].attr.name == "members" and not n[1].sub and n[2] == "eq"
               for n in nodes(tree)):
            raise FieldError
        return tree

    def query(inner, *given):
        try:
            return inner(*given)
        except FieldError:
            return Response(500, b"<!doctype html><title>Server Error (500)</title>", {"Content-Type": "text/html"})
    wrap(app.filters, "compile", compiled)
    wrap(app, "query", query)


@bug("filter-value-path-boolean-400")
def path_boolean(app):
    """emails[primary eq false]: in brackets a value must be a string."""
    refuse_node(app, lambda rtype, node: node[0] == "values" and any(
        n[0] == "compare" and isinstance(n[3], bool) for n in nodes(node[2])), bad("invalidFilter", "cannot parse"))


@bug("filter-value-letters-only")
def letters(app):
    """The grammar has letters and digits in a value: it ends at the first dot, hyphen, colon or @."""
    def change(rtype, node):
        if node[0] != "compare" or not isinstance(node[3], str) or re.fullmatch(r"\w*", node[3]):
            return node
        if deciding(node[1]).type == "dateTime":
            crash()
        return (*node[:3], re.match(r"\w*", node[3]).group())
    change_node(app, change)


@bug("list-page-ends-at-count")
def ends_at_count(app):
    """slice(start - 1, count): the second page is empty, or too short."""
    app.listing.page = lambda found, q: found[q.start - 1:max(q.start - 1, q.count)]


@bug("list-totalresults-is-page-count-with-filter")
def total_filtered(app):
    """The total is counted well without a filter; with one it is what the page holds."""
    edit(app.listing, "answer", lambda body, tenant, rtypes, q:
         q.filter and body.update(totalResults=len(body["Resources"])))


@bug("list-totalresults-from-startindex")
def total_rest(app):
    """The total counts from startIndex on."""
    edit(app.listing, "answer", lambda body, tenant, rtypes, q:
         body.update(totalResults=max(0, body["totalResults"] - q.start + 1)))


def asked(app, change):
    """Every GET of a list of one type: `change(request, rtype)` before it is answered."""
    def query(inner, request, rtypes, search):
        if not search and len(rtypes) == 1:
            change(request, rtypes[0])
        return inner(request, rtypes, search)
    wrap(app, "query", query)


@bug("list-without-filter-400")
def filter_required(app):
    """The filter is a required parameter: a test of the connection or an import fails."""
    def change(request, rtype):
        if "filter" not in request.query:
            raise bad("invalidValue", "filter is required")
    asked(app, change)


@bug("list-count-zero-400")
def count_zero(app):
    """count must be a positive number; 0 and less are refused."""
    def change(request, rtype):
        if re.fullmatch(r"0+|-\d+", request.query.get("count", "")):
            raise bad("invalidValue", "expected 'count' to be a positive integer")
    asked(app, change)


@bug("list-paging-only-with-filter")
def paging_filtered(app):
    """Without a filter the whole table comes, whatever startIndex and count say."""
    edit(app.listing, "query", lambda q, given: q.filter or vars(q).update(start=1, count=10 ** 6))


@bug("list-groups-count-500")
def groups_count(app):
    """count on groups runs into a fault."""
    asked(app, lambda request, rtype: is_groups(rtype) and "count" in request.query and crash())


@bug("list-groups-filter-startindex-501")
def groups_start(app):
    """With a filter, groups have one page."""
    def change(request, rtype):
        query = request.query
        if is_groups(rtype) and "filter" in query and query.get("startIndex", "1") != "1":
            raise ScimError(501, "pagination is not supported")
    asked(app, change)


@bug("list-groups-omits-nested-members")
def nested_hidden(app):
    """The list loads the users of a group and not its groups; GET by id loads both."""
    def item(body, record, query):
        if "members" in body:
            users = [m for m in body["members"] if "value" not in m or m["value"] not in app.store.records
                     or is_users(app.store.records[m["value"]].rtype)]
            body["members"] = users
            if not users:
                body.pop("members")
    edit(app.listing, "item", item)


@bug("list-startindex-string")
def start_string(app):
    """startIndex goes back as it came, as a string; the other numbers are numbers."""
    edit(app.listing, "answer", lambda body, *_: body.update(startIndex=str(body["startIndex"])))


@bug("sort-order-lowercase-404")
def order_404(app):
    """sortOrder is bound to an enumeration in capitals; what does not fit is 404."""
    def change(request, rtype):
        if request.query.get("sortOrder", "ASCENDING") not in ("ASCENDING", "DESCENDING"):
            raise not_found("page")
    asked(app, change)


@bug("sort-drops-without-value")
def sort_drops(app):
    """Sorting joins the attribute: who has none is not in the page, though in the total."""
    def page(inner, found, q):
        if q.sort_by:
            found = [pair for pair in found if not app.listing.key(pair, q.sort_by)[0]]
        return inner(found, q)
    wrap(app.listing, "page", page)


@bug("excludedattributes-drops-extension")
def excluded_extension(app):
    """With excludedAttributes the extension is gone, whatever was named."""
    def project(inner, rtype, full, wanted, excluded):
        out = inner(rtype, full, wanted, excluded)
        if excluded:
            for schema in rtype.extensions:
                out.pop(schema.id, None)
        return out
    wrap(app.render, "project", project)


@bug("attributes-extension-sub-ignored")
def extension_sub(app):
    """urn:...:User:manager.displayName selects nothing; only a spelling with a dot after User does."""
    wrap(app.render, "targets", lambda inner, rtype, names: {
        target for target in inner(rtype, names) if not (target[0] and target[2])})


@bug("refs-missing")
def no_refs(app):
    """Members of a group and groups of a user come without $ref."""
    def shown(body, record, *_):
        for name in ("members", "groups"):
            for item in body.get(name, ()):
                item.pop("$ref", None)
    edit(app.render, "shown", shown)


@bug("user-groups-without-indirect")
def direct_only(app):
    """Groups of groups are not looked at when the groups of a user are shown."""
    wrap(app.render, "groups", lambda inner, record: [g for g in inner(record) if g["type"] == "direct"])


@bug("meta-names-pascal-case")
def pascal(app):
    """The names in meta begin with a capital."""
    def shown(body, record, *_):
        if "meta" in body:
            body["meta"] = {name[0].upper() + name[1:]: value for name, value in body["meta"].items()}
    edit(app.render, "shown", shown)


@bug("answer-to-write-has-id-for-value")
def id_for_value(app):
    """Answers to POST, PUT and PATCH write `id` where members and groups have `value`; GET is right."""
    def shown(answer, request, record, status):
        if request.method != "GET":
            for name in ("members", "groups"):
                for item in answer.body.get(name, ()):
                    if "value" in item:
                        item["id"] = item.pop("value")
    edit(app, "shown", shown)
