"""The filter language (RFC 7644 section 3.4.2.2): text to tree to yes or no."""

import json
import re

import dates
import paths
from errors import ScimError, bad
from schema import Attr

TOKEN = re.compile(r'\s*(?:("(?:\\.|[^"\\])*")|([()\[\]])|([^\s()\[\]"]+))')
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
ORDERED = ("gt", "ge", "lt", "le")
NOTHING = Attr("-")  # stands for an attribute that no resource has


def tokens(text):
    """The words of a filter; a string keeps its quotes, so that `"and"` is no operator."""
    out, at, text = [], 0, text.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise bad("invalidFilter", f"the filter breaks off at character {at + 1}")
        out.append(found.group(1) or found.group(2) or found.group(3))
        at = found.end()
    return out


class Parser:
    """Recursive descent, `or` weakest, then `and`, then `not` and parentheses (section 3.4.2.2)."""

    def __init__(self, words, known):
        self.words = words
        self.at = 0
        self.known = known

    def peek(self):
        """The next word, or an empty one."""
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, wanted=None):
        """The next word; with `wanted`, only that one."""
        word = self.peek()
        if not word or (wanted and word.lower() != wanted):
            raise bad("invalidFilter", f"expected {wanted or 'more'}, found {word or 'the end'}")
        self.at += 1
        return word

    def whole(self):
        """A filter and nothing behind it."""
        node = self.either()
        if self.at < len(self.words):
            raise bad("invalidFilter", f"unexpected {self.peek()}")
        return node

    def either(self):
        """Terms joined by `or`."""
        node = self.both()
        while self.peek().lower() == "or":
            self.take()
            node = ("or", node, self.both())
        return node

    def both(self):
        """Terms joined by `and`."""
        node = self.single()
        while self.peek().lower() == "and":
            self.take()
            node = ("and", node, self.single())
        return node

    def single(self):
        """A comparison, a group in parentheses, or a negated one."""
        if self.peek().lower() == "not" and self.words[self.at + 1:self.at + 2] == ["("]:
            self.take()
            return ("not", self.group())
        return self.group() if self.peek() == "(" else self.comparison()

    def group(self):
        """What stands in parentheses."""
        self.take("(")
        node = self.either()
        self.take(")")
        return ("group", node)

    def comparison(self):
        """`attr op value`, `attr pr` or `attr[filter]`."""
        name = self.take()
        if self.peek() == "[":
            return self.value_path(name)
        target = self.known.target(name)
        operator = self.take().lower()
        if operator == "pr":
            return ("pr", target)
        if operator not in OPERATORS:
            raise bad("invalidFilter", f"unknown operator '{operator}'")
        return self.known.compared(target, operator, literal(self.take()))

    def value_path(self, name):
        """`emails[type eq "work" and value co "@"]`: one value must fulfil it all."""
        target = self.known.target(name)
        if not target.attr.subs or target.sub:
            raise bad("invalidFilter", f"'{name}' has no sub-attributes")
        self.take("[")
        inner = Parser(self.words, Inside(target.attr))
        inner.at = self.at
        node = inner.either()
        self.at = inner.at
        self.take("]")
        return ("values", target, node)


def literal(word):
    """A JSON value: string, number, true, false or null."""
    try:
        value = json.loads(word.lower() if word.lower() in ("true", "false", "null") else word)
    except ValueError:
        raise bad("invalidFilter", f"{word} is no value; strings stand in double quotes") from None
    return value


class Whole:
    """The attributes of a resource type, as a filter over resources names them."""

    def __init__(self, rtype, forgiving=False):
        self.rtype = rtype
        self.forgiving = forgiving

    def target(self, name):
        """The path behind a name. Over several types an unknown attribute has no value (section 3.4.2.1)."""
        try:
            target = paths.parse(self.rtype, name)
        except ScimError as error:
            if self.forgiving and isinstance(error, paths.UnknownName):
                return paths.Path(None, NOTHING)
            raise bad("invalidFilter", error.detail) from None
        if target.attr is None or target.leaf.returned == "never":
            raise bad("invalidFilter", f"'{name}' cannot be filtered by")
        return target

    def compared(self, target, operator, wanted):
        """A comparison, if it makes sense for the type of the attribute."""
        return ("compare", target, operator, suitable(deciding(target), operator, wanted))


class Inside(Whole):
    """The sub-attributes of one attribute, as a value filter names them."""

    def __init__(self, attr):
        super().__init__(None)
        self.attr = attr

    def target(self, name):
        """A sub-attribute, told as an attribute of its own."""
        sub = self.attr.sub(name)
        if sub is None:
            raise bad("invalidFilter", f"'{self.attr.name}' has no sub-attribute '{name}'")
        return paths.Path(None, sub)


def deciding(target):
    """The attribute that is compared: a complex one stands for its `value`."""
    leaf = target.leaf
    if leaf.type != "complex":
        return leaf
    value = leaf.sub("value")
    if value is None:
        raise bad("invalidFilter", f"'{leaf.name}' is complex; name a sub-attribute")
    return value


def suitable(attr, operator, wanted):
    """The value to compare with, in the type of the attribute; no order among booleans (section 3.4.2.2)."""
    if wanted is None:
        return None
    if attr.type in ("boolean", "binary") and operator in ORDERED:
        raise bad("invalidFilter", f"'{attr.name}' has no order")
    if attr.type == "boolean" and isinstance(wanted, str) and wanted.lower() in ("true", "false"):
        return wanted.lower() == "true"
    if attr.type == "dateTime" and operator not in ("co", "sw", "ew") and dates.parse(wanted) is None:
        raise bad("invalidFilter", f"'{wanted}' is no dateTime")
    return wanted


class Filters:
    """Compiles filters and applies them."""

    def compile(self, rtype, text, forgiving=False):
        """A filter over resources of one type."""
        return Parser(tokens(text), Whole(rtype, forgiving)).whole()

    def compile_values(self, attr, text):
        """A filter over the values of one attribute, as a PATCH path holds it."""
        return Parser(tokens(text), Inside(attr)).whole()

    def matches(self, node, resource):
        """Whether the resource (or the value) fulfils the filter."""
        return getattr(self, "on_" + node[0])(node, resource)

    def on_or(self, node, resource):
        """Either side."""
        return self.matches(node[1], resource) or self.matches(node[2], resource)

    def on_and(self, node, resource):
        """Both sides."""
        return self.matches(node[1], resource) and self.matches(node[2], resource)

    def on_not(self, node, resource):
        """The opposite."""
        return not self.matches(node[1], resource)

    def on_group(self, node, resource):
        """What stands in parentheses."""
        return self.matches(node[1], resource)

    def on_pr(self, node, resource):
        """Has a value that is not empty."""
        return any(value not in (None, "", [], {}) for value in values(resource, node[1]))

    def on_values(self, node, resource):
        """One of the values fulfils the inner filter."""
        return any(self.matches(node[2], value) for value in values(resource, node[1]))

    def on_compare(self, node, resource):
        """Any value of a multi-valued attribute suffices; what is absent is not equal to anything."""
        _, target, operator, wanted = node
        attr = deciding(target)
        found = [plain(value) for value in values(resource, target)]
        if wanted is None:
            return bool(found) == (operator == "ne")
        if not found:
            return operator == "ne"
        return any(self.compare(attr, operator, value, wanted) for value in found)

    def compare(self, attr, operator, value, wanted):
        """One value against another, by type and caseExact."""
        if attr.type == "dateTime" and operator not in ("co", "sw", "ew"):
            value, wanted = dates.parse(value), dates.parse(wanted)
        elif isinstance(value, str) and isinstance(wanted, str):
            value, wanted = self.fold(attr, value), self.fold(attr, wanted)
        elif isinstance(value, bool) != isinstance(wanted, bool) or isinstance(value, str) != isinstance(wanted, str):
            return operator == "ne"
        return self.relation(operator, value, wanted)

    def fold(self, attr, text):
        """Strings that are not caseExact are compared without case (RFC 7643 section 2.2)."""
        return text if attr.exact else text.lower()

    def relation(self, operator, value, wanted):
        """The operators of table 3."""
        if operator in ("co", "sw", "ew"):
            value, wanted = str(value), str(wanted)
        return {"eq": lambda: value == wanted, "ne": lambda: value != wanted, "co": lambda: wanted in value,
                "sw": lambda: value.startswith(wanted), "ew": lambda: value.endswith(wanted),
                "gt": lambda: value > wanted, "ge": lambda: value >= wanted,
                "lt": lambda: value < wanted, "le": lambda: value <= wanted}[operator]()


def values(resource, target):
    """All values that a path points to."""
    base = resource.get(target.urn, {}) if target.urn else resource
    found = base.get(target.attr.name)
    found = found if isinstance(found, list) else [] if found is None else [found]
    if target.sub:
        found = [value[target.sub.name] for value in found if target.sub.name in value]
    return found


def plain(value):
    """A complex value stands for its `value`."""
    return value.get("value") if isinstance(value, dict) else value
