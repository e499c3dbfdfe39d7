"""Quantities as people write them: `200ms`, `1.5s`, `64KB`. A bare number is seconds, or bytes.

Nothing is clamped: what is no quantity, negative or beyond the bound raises `ValueError` and says so.
"""

import math
import re
from collections.abc import Mapping

LONGEST = 3600.0
"""Seconds. Nothing is delayed for longer than an hour."""
LARGEST = 1 << 30

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", re.IGNORECASE)
_SECONDS: Mapping[str, float] = {"": 1, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES: Mapping[str, float] = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "kib": 1 << 10, "mib": 1 << 20}


def seconds(value: object) -> float:
    """A duration in seconds from `0.2`, `"0.2"`, `"200ms"`, `"1m"`."""
    found = _read(value, _SECONDS, "a duration such as 200ms, 1.5s or 1m")
    if found > LONGEST:
        raise ValueError(f"{value} is longer than an hour")
    return found


def size(value: object) -> int:
    """A number of bytes from `512`, `"512"`, `"64KB"`."""
    found = _read(value, _BYTES, "a number of bytes such as 512 or 64KB")
    if found != int(found) or found > LARGEST:
        raise ValueError(f"{value} is not a whole number of bytes of at most 1 GB")
    return int(found)


def _read(value: object, units: Mapping[str, float], wanted: str) -> float:
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match and match[2].lower() in units:
            return round(float(match[1]) * units[match[2].lower()], 9)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return value
    raise ValueError(f"{value!r} is not {wanted}")


def count(value: object) -> int:
    """A whole number, 0 or more, from `3` or `"3"`."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len(str(LARGEST)):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return value
    raise ValueError(f"{value!r} is not a whole number of 0 or more")


def number(value: object) -> float:
    """A finite number of any sign from `-0.5` or `"0.5"`."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{value!r} is not a number")
    return found


_FLAGS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def flag(value: object) -> bool:
    """True or false from a boolean or from `true`, `yes`, `on`, `1` and their opposites."""
    found = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false")
    return found


def text(value: object) -> str:
    """A text, as it is; numbers are not turned into texts."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")  # noqa: TRY004 - one exception for all that is no quantity
    return value
