"""PATCH (RFC 7644 section 3.5.2): a list of operations becomes new data, or nothing changes at all."""

import copy

import paths
from errors import ScimError, bad

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LEGAL = ("add", "replace", "remove")


class Patcher:
    """Applies operations to a copy: who fails midway leaves the resource as it was (section 3.5.2)."""

    def __init__(self, app):
        self.app = app

    def apply(self, rtype, before, body):
        """The data after all operations."""
        data = self.start(before)
        for operation in self.operations(body):
            self.operation(rtype, data, operation)
        self.finish(rtype, before, data)
        return data

    def start(self, before):
        """The copy that is worked on."""
        return copy.deepcopy(before)

    def operations(self, body):
        """The list of operations; the body must say that it is a PatchOp."""
        given = {name.lower(): value for name, value in body.items()}
        schemas, operations = given.get("schemas"), given.get("operations")
        if not isinstance(schemas, list) or PATCH not in schemas:
            raise bad("invalidValue", f"'schemas' must hold {PATCH}")
        if not isinstance(operations, list) or not operations:
            raise bad("invalidValue", "'Operations' must be a list with at least one operation")
        return operations

    def operation(self, rtype, data, operation):
        """One operation. Entra writes Add, Replace and Remove, so case does not count."""
        if not isinstance(operation, dict):
            raise bad("invalidSyntax", "an operation must be an object")
        given = {name.lower(): value for name, value in operation.items()}
        op, path = self.verb(given.get("op")), given.get("path")
        if path is not None and not isinstance(path, str):
            raise bad("invalidPath", "'path' must be a string")
        if op != "remove" and "value" not in given:
            raise bad("invalidValue", f"'{op}' needs a value")
        if not path:
            return self.pathless(rtype, data, op, given.get("value"))
        return self.targeted(rtype, data, op, paths.parse(rtype, path), given.get("value"))

    def verb(self, op):
        """add, replace or remove."""
        if not isinstance(op, str) or op.lower() not in LEGAL:
            raise bad("invalidSyntax", f"'op' must be one of {', '.join(LEGAL)}")
        return op.lower()

    def pathless(self, rtype, data, op, value):
        """Without a path the value is a set of attributes. Okta puts the id among them: readOnly is passed over."""
        if op == "remove":
            raise bad("noTarget", "'remove' needs a path")
        if not isinstance(value, dict):
            raise bad("invalidValue", "without a path the value must be an object")
        for name, item in value.items():
            path = self.key(rtype, name)
            if path and not (path.attr and path.leaf.mutability == "readOnly"):
                self.targeted(rtype, data, op, path, item)

    def key(self, rtype, name):
        """The path that a key names, be it dotted or with its URN. Strangers are passed over."""
        if name.lower() == "schemas":
            return None
        try:
            return paths.parse(rtype, name)
        except ScimError:
            return None

    def targeted(self, rtype, data, op, path, value):
        """One operation at one place."""
        if path.attr is None:
            return self.container(rtype, data, op, path, value)
        if "readOnly" in (path.attr.mutability, path.leaf.mutability) or path.attr.name == "schemas":
            raise ScimError(400, f"'{path.leaf.name}' is read only", "mutability")
        if path.filter is not None:
            self.app.filters.compile_values(path.attr, path.filter)  # malformed is malformed, values or none
        base = data.setdefault(path.urn, {}) if path.urn else data
        if op == "remove":
            self.remove(base, path, value)
        elif path.filter is not None:
            self.chosen(base, op, path, value)
        elif path.sub:
            self.sub(base, path, value)
        else:
            self.attribute(base, op, path.attr, value)
        if path.urn and not base:
            data.pop(path.urn)
        return None

    def container(self, rtype, data, op, path, value):
        """A whole extension, as an attribute of its own; or the core schema, as if there were no path."""
        if op == "remove":
            if path.urn is None:
                raise bad("noTarget", "'remove' needs an attribute")
            data.pop(path.urn, None)
            return
        if not isinstance(value, dict):
            raise bad("invalidValue", "an extension must be an object")
        urn = path.urn or rtype.schema.id
        for name, item in value.items():
            inner = self.key(rtype, f"{urn}:{name}")
            if inner and inner.attr and inner.leaf.mutability != "readOnly":
                self.targeted(rtype, data, op, inner, item)

    def attribute(self, base, op, attr, value):
        """A whole attribute (sections 3.5.2.1 and 3.5.2.3)."""
        if attr.multi:
            return self.plural(base, op, attr, value)
        if attr.name == "manager" and isinstance(value, str):
            value = {"value": value}  # Entra sends the bare id
        clean = self.app.reader.value(attr, value)
        if clean in (None, {}):
            base.pop(attr.name, None)
        elif attr.type == "complex":
            base[attr.name] = {**base.get(attr.name, {}), **clean}
        else:
            base[attr.name] = clean
        return None

    def plural(self, base, op, attr, value):
        """A multi-valued attribute: add appends what is new, replace puts the list in its place."""
        given = value if isinstance(value, list) or value is None else [value]
        new = self.app.reader.value(attr, given) or []
        old = base.get(attr.name, []) if op == "add" else []
        self.demote(old, new)
        self.put(base, attr, old + [item for item in new if not self.known(old, item)])

    def known(self, old, item):
        """Whether a value is there already; adding it again changes nothing (section 3.5.2.1)."""
        return item in old

    def put(self, base, attr, items):
        """The list, or nothing at all if it is empty."""
        if items:
            base[attr.name] = items
        else:
            base.pop(attr.name, None)

    def demote(self, old, new):
        """A new primary value takes the mark from the old one (section 3.5.2)."""
        if any(isinstance(item, dict) and item.get("primary") for item in new):
            for item in old:
                if item.get("primary") and item not in new:
                    item["primary"] = False

    def sub(self, base, path, value):
        """A sub-attribute; of a multi-valued attribute it is meant in every value."""
        if not path.attr.multi:
            return self.assign(base.setdefault(path.attr.name, {}), path.sub, value) or self.tidy(base, path.attr)
        for item in base.setdefault(path.attr.name, [{}]):
            self.assign(item, path.sub, value)
        return self.tidy(base, path.attr)

    def assign(self, item, sub, value):
        """One sub-attribute of one value."""
        clean = self.app.reader.value(sub, value)
        if sub.mutability == "immutable" and item.get(sub.name) not in (None, clean):
            raise ScimError(400, f"'{sub.name}' cannot be changed", "mutability")
        if clean is None:
            item.pop(sub.name, None)
        else:
            item[sub.name] = clean

    def tidy(self, base, attr):
        """Empty values are no values."""
        value = base.get(attr.name)
        if isinstance(value, list):
            self.put(base, attr, [item for item in value if item])
        elif not value:
            base.pop(attr.name, None)

    def matching(self, base, path):
        """The values that the filter of a path chooses; members are looked at with all that is known of them."""
        node = self.app.filters.compile_values(path.attr, path.filter)
        see = self.app.render.member if path.attr.name == "members" else dict
        return [item for item in base.get(path.attr.name, []) if self.app.filters.matches(node, see(item))]

    def chosen(self, base, op, path, value):
        """add and replace at `emails[...]`, with or without a sub-attribute."""
        items = self.matching(base, path)
        found = bool(items)
        if op == "replace" and not path.sub and not found:
            raise bad("noTarget", f"no value of '{path.attr.name}' fits the filter")
        items = items or [self.fresh(base, path)]
        if path.sub:
            for item in items:
                self.assign(item, path.sub, value)
                self.lead(base, path, item)
            return self.tidy(base, path.attr)
        clean = self.app.reader.one(path.attr, value)
        for item in items:
            if op == "replace" and found:
                item.clear()
            item.update(clean)
            self.lead(base, path, item)
        return self.tidy(base, path.attr)

    def lead(self, base, path, item):
        """If this value is primary now, no other is."""
        if item.get("primary") is True:
            for other in base[path.attr.name]:
                if other is not item and other.get("primary"):
                    other["primary"] = False

    def fresh(self, base, path):
        """No value fits: one is made of the filter, if that says how. Entra relies on it for parts; otherwise noTarget."""
        node = self.app.filters.compile_values(path.attr, path.filter)
        item = self.wished(node)
        if item is None or path.attr.name == "members":
            raise bad("noTarget", f"no value of '{path.attr.name}' fits the filter")
        base.setdefault(path.attr.name, []).append(item)
        return item

    def wished(self, node):
        """The sub-attributes that a filter of plain `eq` joined by `and` asks for, or None."""
        if node[0] == "and":
            left, right = self.wished(node[1]), self.wished(node[2])
            return None if left is None or right is None else {**left, **right}
        return {node[1].attr.name: node[3]} if node[0] == "compare" and node[2] == "eq" else None

    def remove(self, base, path, value):
        """RFC 7644 section 3.5.2.2; Entra names the members to take away in the value."""
        attr = path.attr
        if attr.name not in base:
            return
        if path.filter is not None:
            self.remove_chosen(base, path)
        elif path.sub:
            for item in base[attr.name] if attr.multi else [base[attr.name]]:
                item.pop(path.sub.name, None)
            self.tidy(base, attr)
        elif attr.multi and value not in (None, []):
            self.put(base, attr, [item for item in base[attr.name] if not self.named(item, value)])
        else:
            base.pop(attr.name)

    def remove_chosen(self, base, path):
        """Values that a filter chooses, or one sub-attribute of them."""
        for item in self.matching(base, path):
            if path.sub:
                if path.sub.required:
                    raise ScimError(400, f"'{path.sub.name}' is required", "mutability")
                item.pop(path.sub.name, None)
            else:
                base[path.attr.name].remove(item)
        self.tidy(base, path.attr)

    def named(self, item, value):
        """Whether one of the given values names this one: by its `value`, or as a whole."""
        for wanted in value if isinstance(value, list) else [value]:
            if isinstance(wanted, dict) and isinstance(item, dict) and "value" in wanted:
                if wanted["value"] == item.get("value"):
                    return True
            elif wanted == item or (isinstance(item, dict) and wanted == item.get("value")):
                return True
        return False

    def finish(self, rtype, before, data):
        """What is required is still there (section 3.5.2.2), and what is immutable is as it was."""
        for attr in rtype.schema.attrs:
            if attr.required and not str(data.get(attr.name, "")).strip():
                raise ScimError(400, f"'{attr.name}' is required", "mutability")
        for schema in rtype.extensions:
            for attr in schema.attrs:
                old = before.get(schema.id, {}).get(attr.name)
                if attr.mutability == "immutable" and old not in (None, data.get(schema.id, {}).get(attr.name)):
                    raise ScimError(400, f"'{attr.name}' cannot be changed", "mutability")
