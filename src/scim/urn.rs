//! The URNs that SCIM reserves for schemas and messages (RFC 7643 §10, RFC 7644 §8.2).
//! Must not know what the schemas contain.

/// Core schema of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Core schema of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Enterprise extension of users.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Schema of the service provider's configuration.
pub const SPC: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// Schema of resource types.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// Schema of schemas.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// Answer with several resources.
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Body of PATCH.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Answer of a failed request.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Body of a search by POST.
pub const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Body of a bulk request.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Answer of a bulk request.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
