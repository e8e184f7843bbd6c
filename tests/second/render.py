"""How a resource looks from outside: computed attributes, `attributes` and `excludedAttributes`."""

import paths
from errors import ScimError


class Render:
    """Makes representations (RFC 7643 section 3, RFC 7644 section 3.9)."""

    def __init__(self, app):
        self.app = app

    def location(self, record):
        """The address of a resource."""
        return f"{self.app.base}{record.rtype.endpoint}/{record.id}"

    def full(self, record):
        """Everything that is known of a resource, before anything is left out."""
        out = {"schemas": self.schemas(record), "id": record.id}
        out.update(record.data)
        if "members" in out:
            out["members"] = [self.member(m) for m in out["members"]]
        extension = next((s for s in record.rtype.extensions if s.name == "EnterpriseUser"), None)
        if extension and "manager" in out.get(extension.id, {}):
            out[extension.id] = {**out[extension.id], "manager": self.manager(record, out[extension.id]["manager"])}
        groups = self.groups(record) if record.rtype.attr("groups") else []
        if groups:
            out["groups"] = groups
        out["meta"] = self.meta(record)
        return out

    def schemas(self, record):
        """The core schema, and the extensions that have values (RFC 7643 section 3)."""
        return [record.rtype.schema.id] + [s.id for s in record.rtype.extensions if record.data.get(s.id)]

    def meta(self, record):
        """RFC 7643 section 3.1."""
        return {"resourceType": record.rtype.name, "created": record.created, "lastModified": record.modified,
                "location": self.location(record), "version": record.etag}

    def member(self, member):
        """A member of a group with what the server knows of it (RFC 7643 section 4.2)."""
        record = self.app.store.records.get(member["value"])
        if record is None:
            return dict(member)
        out = {"value": record.id, "$ref": self.location(record), "type": record.rtype.name}
        display = self.display(record)
        return {**out, "display": display} if display else out

    def display(self, record):
        """The name to show for a resource."""
        return record.data.get("displayName") or record.data.get("userName")

    def manager(self, record, manager):
        """The manager with the address of a user that exists; names may arrive before people do."""
        boss = self.app.store.get(record.tenant, record.rtype, manager.get("value"))
        if boss is None:
            return dict(manager)
        return {"value": boss.id, "$ref": self.location(boss), "displayName": self.display(boss)}

    def groups(self, record):
        """The groups a user belongs to, directly or through other groups (RFC 7643 section 4.1.2)."""
        found, todo = {}, [(group, "direct") for group in self.app.store.parents(record.id)]
        while todo:
            group, kind = todo.pop(0)
            if group.id not in found:
                found[group.id] = {"value": group.id, "$ref": self.location(group),
                                   "display": group.data["displayName"], "type": kind}
                todo += [(above, "indirect") for above in self.app.store.parents(group.id)]
        return list(found.values())

    def shown(self, record, wanted=None, excluded=None):
        """A representation: what `returned` allows and the client asked for."""
        return self.project(record.rtype, self.full(record), wanted, excluded)

    def project(self, rtype, full, wanted, excluded):
        """`attributes` and `excludedAttributes` override what is returned by default (RFC 7644 section 3.9)."""
        chosen = self.targets(rtype, wanted) if wanted else None
        left_out = self.targets(rtype, excluded) if excluded else set()
        extensions = {s.id for s in rtype.extensions}
        out = self.part(rtype.common + rtype.schema.attrs, None,
                        {k: v for k, v in full.items() if k not in extensions}, chosen, left_out)
        for schema in rtype.extensions:
            inner = self.part(schema.attrs, schema.id, full.get(schema.id, {}), chosen, left_out)
            if inner:
                out[schema.id] = inner
        return out

    def targets(self, rtype, names):
        """The named paths as (schema, attribute, sub-attribute); names that nobody knows select nothing."""
        found = set()
        for name in names:
            try:
                path = paths.parse(rtype, name)
            except ScimError:
                continue
            found.add((path.urn, path.attr.name if path.attr else None, path.sub.name if path.sub else None))
        return found

    def part(self, attrs, urn, base, chosen, left_out):
        """The attributes of one schema that are to be seen."""
        out = {}
        for attr in attrs:
            if attr.name in base:
                value = self.attribute(attr, urn, base[attr.name], chosen, left_out)
                if value is not None:
                    out[attr.name] = value
        return out

    def attribute(self, attr, urn, value, chosen, left_out):
        """One attribute as it is to be seen, or None."""
        whole, key = (urn, None, None) if urn else None, (urn, attr.name, None)
        subs = {sub for (u, name, sub) in chosen or () if (u, name) == (urn, attr.name) and sub}
        asked = chosen is not None and (key in chosen or whole in chosen)
        if attr.returned == "never" or (attr.returned == "request" and not asked and not subs):
            return None
        if attr.returned == "always":
            return value
        if key in left_out or whole in left_out or (chosen is not None and not asked and not subs):
            return None
        drop = {sub for (u, name, sub) in left_out if (u, name) == (urn, attr.name) and sub}
        return self.trimmed(attr, value, subs if chosen is not None and not asked else None, drop)

    def trimmed(self, attr, value, subs, drop):
        """A complex value with the sub-attributes that were asked for."""
        if attr.type != "complex":
            return value
        if isinstance(value, list):
            return [v for v in (self.trimmed(attr, v, subs, drop) for v in value) if v] or None
        kept = {k: v for k, v in value.items() if (subs is None or k in subs) and k not in drop}
        return kept or None
