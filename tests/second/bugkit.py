"""How a bug is switched on: it puts itself around one method of one part of the healthy server."""


def bug_table():
    """A table of switches by id, and the decorator that enters them. A switch takes the app and changes it."""
    table = {}

    def named(name):
        def enter(switch):
            assert name not in table, name
            table[name] = switch
            return switch
        return enter
    return table, named


TABLE, bug = bug_table()


def wrap(part, method, around):
    """`around(inner, ...)` in the place of the method of this one part."""
    inner = getattr(part, method)
    setattr(part, method, lambda *given: around(inner, *given))


def crash(*_):
    """What an unforeseen case does in a real server."""
    raise RuntimeError("unforeseen")


def crash_if(part, method, when):
    """The method crashes when its arguments fulfil the condition."""
    def around(inner, *given):
        return crash() if when(*given) else inner(*given)
    wrap(part, method, around)


def refuse_if(part, method, when, error):
    """The method refuses when its arguments fulfil the condition."""
    def around(inner, *given):
        if when(*given):
            raise error
        return inner(*given)
    wrap(part, method, around)


def is_users(rtype):
    """Whether this is the type of users."""
    return rtype.name == "User"


def is_groups(rtype):
    """Whether this is the type of groups."""
    return rtype.name == "Group"


def edit(part, method, change):
    """The result of the method, changed in place: `change(result, ...)`."""
    def around(inner, *given):
        result = inner(*given)
        change(result, *given)
        return result
    wrap(part, method, around)


def nodes(node):
    """All nodes of a filter."""
    yield node
    for part in node[1:]:
        if isinstance(part, tuple) and part and isinstance(part[0], str):
            yield from nodes(part)


def rewrite(node, change):
    """A filter with every node changed, from the leaves up."""
    parts = [rewrite(p, change) if isinstance(p, tuple) and p and isinstance(p[0], str) else p for p in node]
    return change(tuple(parts))


def lower(body):
    """The members of an object by their names in lower case; what is no object has none."""
    return {name.lower(): value for name, value in body.items()} if isinstance(body, dict) else {}


def refuse_node(app, when, error):
    """A filter with such a node is refused; without an error it crashes."""
    def around(inner, rtype, text, *more):
        tree = inner(rtype, text, *more)
        if any(when(rtype, node) for node in nodes(tree)):
            if error is None:
                crash()
            raise error
        return tree
    wrap(app.filters, "compile", around)


def change_node(app, change):
    """Every node of every filter, changed."""
    wrap(app.filters, "compile", lambda inner, rtype, *more: rewrite(inner(rtype, *more), lambda n: change(rtype, n)))
