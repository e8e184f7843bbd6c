"""Attribute paths: `urn:...:User:name.familyName`, `emails[type eq "work"].value` (RFC 7644 sections 3.5.2, 3.10)."""

import re
from dataclasses import dataclass

from errors import ScimError, bad

NAME = re.compile(r"^[A-Za-z$][A-Za-z0-9_$-]*$")


class UnknownName(ScimError):
    """A path that is well formed and leads nowhere."""

    def __init__(self, detail):
        super().__init__(400, detail, "invalidPath")


@dataclass(frozen=True)
class Path:
    """Where a path points to. Without `attr` it is a whole extension container."""

    urn: str = None
    attr: object = None
    filter: str = None
    sub: object = None

    @property
    def leaf(self):
        """The attribute whose characteristics count."""
        return self.sub or self.attr


def split_urn(rtype, text):
    """The schema in front of a path, and the rest. Schema URNs hold dots and colons, so known ones are looked for."""
    low = text.lower()
    for schema in (rtype.schema, *rtype.extensions):
        if low == schema.id.lower():
            return schema, ""
        if low.startswith(schema.id.lower() + ":"):
            return schema, text[len(schema.id) + 1:]
    if low.startswith("urn:"):
        raise UnknownName(f"unknown schema in '{text}'")
    return None, text


def split_filter(text):
    """`a[f].b` as (a, f, b). The filter may hold brackets in quotes, so the last one closes it."""
    if "[" not in text:
        name, _, sub = text.partition(".")
        return name, None, sub or None
    name, _, rest = text.partition("[")
    inner, closed, tail = rest.rpartition("]")
    if not closed or not inner.strip() or (tail and not tail.startswith(".")):
        raise bad("invalidPath", f"'{text}' is not a path")
    return name, inner, tail[1:] or None


def parse(rtype, text):
    """A path of this resource type; what it does not know is invalidPath (RFC 7644 table 9)."""
    head, bracket, tail = text.strip().partition("[")
    schema, head = split_urn(rtype, head)
    if schema and not head and not bracket:
        return Path(urn=None if schema is rtype.schema else schema.id)
    name, inner, sub = split_filter(head + bracket + tail)
    if not NAME.match(name) or (sub is not None and not NAME.match(sub)):
        raise bad("invalidPath", f"'{text}' is not a path")
    return resolve(rtype, schema, name, inner, sub)


def resolve(rtype, schema, name, inner, sub):
    """The attributes behind the names."""
    own = schema is None or schema is rtype.schema
    attr = rtype.attr(name) if own else next((a for a in schema.attrs if a.name.lower() == name.lower()), None)
    if attr is None:
        raise UnknownName(f"no attribute '{name}'")
    below = attr.sub(sub) if sub else None
    if sub and below is None:
        raise UnknownName(f"'{attr.name}' has no sub-attribute '{sub}'")
    if inner is not None and not (attr.multi and attr.subs):
        raise bad("invalidPath", f"'{attr.name}' has no values to choose from")
    return Path(None if own else schema.id, attr, inner, below)
