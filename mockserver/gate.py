"""The gate: who is asking. It stands before routing and before the body is read, as at the service.

An absent key and a wrong key are two different errors. Any key `sk-<name>` is right unless the settings list
the accepted ones.
"""

from mockserver.errors import ApiError

PREFIX = "sk-"
LONGEST_KEY = 256
MASK_ENDS = 3


def read_key(authorization: str, *, accepted: tuple[str, ...] | None = None) -> str:
    """The API key of an `Authorization` header.

    Raises `ApiError`: `InvalidApiKey/missing` without a key (no header, an empty one, `Bearer` alone, another
    scheme), `InvalidApiKey` for a key that is not `sk-...`, that is too long, or that is not among the
    `accepted`.
    """
    scheme, _, key = authorization.strip().partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise ApiError("InvalidApiKey" if scheme.startswith(PREFIX) else "InvalidApiKey/missing")
    if not _is_plausible(key) or (accepted is not None and key not in accepted):
        raise ApiError("InvalidApiKey")
    return key


def _is_plausible(key: str) -> bool:
    return (
        len(PREFIX) < len(key) <= LONGEST_KEY
        and key.startswith(PREFIX)
        and key.isascii()
        and key.isprintable()
        and " " not in key
    )


def mask(key: str) -> str:
    """A key as it may be shown: `sk-abc***xyz`, and less of a short one. Never the whole."""
    name = key.removeprefix(PREFIX)
    shown = min(MASK_ENDS, len(name) // 4)
    return f"{PREFIX}{name[:shown]}***{name[len(name) - shown :]}"
