"""What the server says of itself (RFC 7644 section 4, RFC 7643 sections 5 to 7)."""

import bulk
import catalogue
import listing
from errors import ScimError, not_found

CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


class Discovery:
    """The three discovery endpoints."""

    def __init__(self, app):
        self.app = app

    def config(self):
        """RFC 7643 section 5."""
        return {"schemas": [CONFIG], "documentationUri": "https://example.com/scim",
                "patch": {"supported": True},
                "bulk": {"supported": True, "maxOperations": bulk.MAX_OPERATIONS, "maxPayloadSize": bulk.MAX_PAYLOAD},
                "filter": {"supported": True, "maxResults": listing.MAX_RESULTS},
                "changePassword": {"supported": True}, "sort": {"supported": True}, "etag": {"supported": True},
                "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer token",
                                           "description": "A token in the Authorization header", "primary": True,
                                           "specUri": "https://www.rfc-editor.org/info/rfc6750"}],
                "meta": {"resourceType": "ServiceProviderConfig",
                         "location": f"{self.app.base}/ServiceProviderConfig"}}

    def types(self):
        """All resource types."""
        return [rtype.json(self.app.base) for rtype in catalogue.TYPES]

    def schemas(self):
        """All schemas."""
        return [schema.json(self.app.base) for schema in catalogue.SCHEMAS]

    def listed(self, items, query):
        """All of them: paging and sorting are ignored, a filter is forbidden (RFC 7644 section 4)."""
        if "filter" in query:
            raise ScimError(403, "discovery documents cannot be filtered")
        return self.app.listing.envelope(len(items), 1, items)

    def answer(self, place, rest, query):
        """The document at an endpoint."""
        if place == "serviceproviderconfig" and not rest:
            return self.config()
        items = self.types() if place == "resourcetypes" else self.schemas() if place == "schemas" else []
        if items and not rest:
            return self.listed(items, query)
        found = next((i for i in items if i["id"].lower() == rest[0].lower()), None) if len(rest) == 1 else None
        if found is None:
            raise not_found("document")
        return found
