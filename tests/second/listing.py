"""Queries: filter, sort, page (RFC 7644 section 3.4.2) and `.search` (section 3.4.3)."""

from dataclasses import dataclass, field

import dates
import filters
import paths
from errors import ScimError, bad

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DEFAULT_COUNT = 100
MAX_RESULTS = 200


@dataclass
class Query:
    """What a client asks of a list."""

    filter: str = None
    sort_by: str = None
    descending: bool = False
    start: int = 1
    count: int = DEFAULT_COUNT
    attributes: list = field(default_factory=list)
    excluded: list = field(default_factory=list)


def number(value, name, fallback):
    """A paging number; anything else than a whole number is refused."""
    if value in (None, ""):
        return fallback
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad("invalidValue", f"'{name}' must be a whole number") from None


def names(value):
    """Attribute names, as a list or joined by commas."""
    parts = value if isinstance(value, list) else (value or "").split(",")
    return [part.strip() for part in parts if isinstance(part, str) and part.strip()]


class Listing:
    """Answers queries."""

    def __init__(self, app):
        self.app = app

    def query(self, given):
        """A query from parameters. `startIndex` below 1 means 1, a negative `count` means 0 (section 3.4.2.4)."""
        order = str(given.get("sortOrder") or "ascending").lower()
        if order not in ("ascending", "descending"):
            raise bad("invalidValue", "'sortOrder' is ascending or descending")
        count = number(given.get("count"), "count", DEFAULT_COUNT)
        return Query(given.get("filter"), given.get("sortBy"), order == "descending",
                     max(1, number(given.get("startIndex"), "startIndex", 1)), min(max(0, count), MAX_RESULTS),
                     names(given.get("attributes")), names(given.get("excludedAttributes")))

    def search(self, body):
        """A query from the body of a `.search`; its parameters are in any case."""
        known = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes", "schemas")
        given = {name: v for key, v in body.items() for name in known if name.lower() == key.lower()}
        if SEARCH not in (given.get("schemas") or ()):
            raise bad("invalidValue", f"'schemas' must hold {SEARCH}")
        if given.get("filter") is not None and not isinstance(given["filter"], str):
            raise bad("invalidFilter", "'filter' must be a string")
        return self.query(given)

    def answer(self, tenant, rtypes, query):
        """The ListResponse."""
        found = self.found(tenant, rtypes, query)
        found = self.sorted(rtypes, found, query)
        page = self.page(found, query)
        return self.envelope(len(found), query.start, [self.item(r, query) for r, _ in page])

    def found(self, tenant, rtypes, query):
        """All matching records with their representation."""
        out = []
        for rtype in rtypes:
            node = self.condition(rtype, query.filter, len(rtypes) > 1)
            pairs = [(record, self.app.render.full(record)) for record in self.candidates(tenant, rtype)]
            out += [pair for pair in pairs if node is None or self.app.filters.matches(node, pair[1])]
        return out

    def condition(self, rtype, text, forgiving):
        """The filter, ready to use; None without one."""
        if text is None:
            return None
        return self.app.filters.compile(rtype, text, forgiving)

    def candidates(self, tenant, rtype):
        """What a list is made of."""
        return self.app.store.all(tenant, rtype)

    def item(self, record, query):
        """One resource of a list: the same as a GET of it gives."""
        return self.app.render.shown(record, query.attributes, query.excluded)

    def page(self, found, query):
        """The wanted part, counted from 1."""
        return found[query.start - 1:query.start - 1 + query.count]

    def envelope(self, total, start, resources):
        """RFC 7644 section 3.4.2: the total, and what this page holds."""
        return {"schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": len(resources),
                "Resources": resources}

    def sorted(self, rtypes, found, query):
        """In the wanted order; without a value last, or first when descending (section 3.4.2.3)."""
        if not query.sort_by:
            return found
        return sorted(found, key=lambda pair: self.key(pair, query.sort_by), reverse=query.descending)

    def key(self, pair, sort_by):
        """What a resource is sorted by: the primary value, or the first one (section 3.4.2.3)."""
        record, full = pair
        try:
            path = paths.parse(record.rtype, sort_by)
        except ScimError:
            return (1, "")
        if path.attr is None:
            return (1, "")
        whole = filters.values(full, paths.Path(path.urn, path.attr))
        whole.sort(key=lambda v: not (isinstance(v, dict) and v.get("primary") is True))
        first = whole[0] if whole else None
        if isinstance(first, dict):
            first = first.get(path.sub.name if path.sub else "value")
        return (1, "") if first is None else (0, self.comparable(path.leaf, first))

    def comparable(self, leaf, value):
        """A value in the order of its type, with case only where case counts."""
        if leaf.type == "dateTime":
            return dates.parse(value).timestamp()
        if leaf.type == "complex":
            leaf = leaf.sub("value") or leaf
        return value.lower() if isinstance(value, str) and not leaf.exact else value
