"""Points in time (RFC 7643 section 2.3.5: xsd:dateTime)."""

from datetime import datetime, timezone


def now():
    """This moment, as `meta` shows it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def parse(text):
    """The point in time that a dateTime names, or None. Without a zone it is taken as UTC."""
    if not isinstance(text, str) or "T" not in text.upper():
        return None
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)
