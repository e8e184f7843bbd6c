"""Errors as a SCIM client reads them (RFC 7644 section 3.12)."""

URN = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """An answer that is not a success: raised where the fault is seen, written out at the edge."""

    def __init__(self, status, detail, scim_type=None, headers=None):
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = headers or {}

    def body(self):
        """The JSON body. `status` is a string: RFC 7644 section 3.12 says so."""
        body = {"schemas": [URN], "status": str(self.status), "detail": self.detail}
        if self.scim_type:
            body["scimType"] = self.scim_type
        return body


def bad(scim_type, detail):
    """A 400 with one of the keywords of table 9."""
    return ScimError(400, detail, scim_type)


def not_found(what):
    """The resource, or the endpoint, is not there."""
    return ScimError(404, f"{what} not found")
