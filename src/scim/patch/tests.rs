//! PATCH against the examples of RFC 7644 §3.5.2 and what identity providers send.
