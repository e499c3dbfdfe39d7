"""One number or one string for a flat schema, from what the question offers or, failing that, made up.

`turn` 0 asks for the plainest value; every further turn gives another one, for retries and for unique
items.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mockserver.engine import patterns
from mockserver.engine.flatten import Schema, UnsatisfiableError
from mockserver.engine.mentions import Number

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator as Validator

_LONGEST = 20_000
_PADDING = "abcdefghijklmnopqrstuvwxyz"
_BACKTRACKS = 10_000

_FORMATS: Mapping[str, Callable[[Random], str]] = {
    "date": lambda rng: f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
    "time": lambda rng: f"{rng.randint(8, 20):02}:{rng.randint(0, 59):02}:00Z",
    "date-time": lambda rng: f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(8, 20):02}:00:00Z",
    "duration": lambda rng: f"PT{rng.randint(1, 12)}H",
    "email": lambda rng: f"user{rng.randint(1, 999)}@example.com",
    "idn-email": lambda rng: f"user{rng.randint(1, 999)}@example.com",
    "hostname": lambda rng: f"host{rng.randint(1, 999)}.example.com",
    "idn-hostname": lambda rng: f"host{rng.randint(1, 999)}.example.com",
    "uri": lambda rng: f"https://example.com/{rng.randint(1, 999)}",
    "iri": lambda rng: f"https://example.com/{rng.randint(1, 999)}",
    "uri-reference": lambda rng: f"/{rng.randint(1, 999)}",
    "iri-reference": lambda rng: f"/{rng.randint(1, 999)}",
    "uri-template": lambda rng: f"https://example.com/{{id}}/{rng.randint(1, 999)}",
    "uuid": lambda rng: str(UUID(int=rng.getrandbits(128), version=4)),
    "ipv4": lambda rng: f"192.0.2.{rng.randint(1, 254)}",
    "ipv6": lambda rng: f"2001:db8::{rng.randint(1, 9999)}",
    "json-pointer": lambda rng: f"/{rng.randint(0, 99)}",
    "relative-json-pointer": lambda rng: f"{rng.randint(0, 9)}/a",
    "regex": lambda rng: f"a{{{rng.randint(1, 9)}}}",
}


def validator(schema: Any) -> "Validator":
    """The compiled judge: formats count, patterns cannot backtrack for long, nothing is fetched.

    Raises:
        ValueError: it is not a schema.
    """
    import jsonschema_rs  # noqa: PLC0415 - most replies are text and need no validator

    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        offline=True,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
    )


def number(schema: Schema, offered: Iterable[Number], rng: Random, *, integer: bool, turn: int) -> Number:
    """A number within the bounds: the first offered one that fits, else a default, else a small one.

    Raises:
        UnsatisfiableError: no number lies within the bounds.
    """
    if turn == 0:
        for candidate in (*offered, *_suggested(schema)):
            if _fits(candidate, schema, integer=integer):
                return int(candidate) if integer else candidate
    return _made_up(schema, rng, integer=integer, turn=turn)


def _suggested(schema: Schema) -> Sequence[Any]:
    examples = schema.get("examples")
    return [schema.get("default"), schema.get("example"), *(examples if isinstance(examples, list) else ())]


def _fits(value: Any, schema: Schema, *, integer: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    step = schema.get("multipleOf")
    return (
        (not integer or value == int(value))
        and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("exclusiveMinimum", -math.inf) < value < schema.get("exclusiveMaximum", math.inf)
        and (not step or Decimal(str(value)) % Decimal(str(step)) == 0)
    )


def _made_up(schema: Schema, rng: Random, *, integer: bool, turn: int) -> Number:
    """Steps up from the lower bound, or down from the upper one; without a step, walks between the bounds."""
    low, high = _bound(schema, "inimum", max), _bound(schema, "aximum", min)
    step = Decimal(str(schema.get("multipleOf", 1)))
    if low is None:
        low = min(Decimal(rng.randint(0, 9)), high - 5 * step if high is not None else Decimal(9))
    first = (low / step).to_integral_value("ROUND_CEILING") * step
    grid = [first + step * (turn + count) for count in range(100)]
    if high is not None and not integer and "multipleOf" not in schema:
        grid += [low + (high - low) * (turn % 7 + 1) / 8, low, high]
    fitting = (candidate for value in grid if _fits(candidate := _plain(value), schema, integer=integer))
    found = next(fitting, None)
    if found is None:
        raise UnsatisfiableError("no number within the bounds")
    return found


def _bound(schema: Schema, key: str, tighter: Callable[[Iterable[Decimal]], Decimal]) -> Decimal | None:
    keys = ("m" + key, "exclusiveM" + key)
    limits = [Decimal(str(schema[name])) for name in keys if isinstance(schema.get(name), int | float)]
    return tighter(limits) if limits else None


def _plain(value: Decimal) -> Number:
    return int(value) if value == value.to_integral_value() else float(value)


def text(schema: Schema, offered: Sequence[str], rng: Random, *, turn: int) -> str:
    """A string of the right length, pattern and format: the first offered that fits, else a made-up one.

    The last of `offered` is the fallback that is trimmed or padded when nothing else is asked of the string.
    """
    strict = {key: schema[key] for key in ("pattern", "format", "minLength", "maxLength") if key in schema}
    if turn == 0:
        wanted = [value for value in (*offered[:-1], *_suggested(schema), *offered[-1:]) if isinstance(value, str)]
        judge = validator(strict) if strict else None
        for candidate in wanted:
            if judge is None or judge.is_valid(candidate):
                return candidate
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", _LONGEST))
    return _invented(schema, offered, rng, turn=turn, least=min(least, _LONGEST), most=most)


def _invented(  # noqa: PLR0913 - most are keyword-only
    schema: Schema, offered: Sequence[str], rng: Random, *, turn: int, least: int, most: int
) -> str:
    if "pattern" in schema:
        return _padded(patterns.generate(schema["pattern"], rng, shortest=least, longest=most), least)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]](rng)
    mark = f" {turn}" if turn else ""
    stem = (offered or ("",))[-1][: max(0, most - len(mark))]
    return _padded(stem + mark if len(stem + mark) <= most else _short(turn, most), least)


def _short(turn: int, most: int) -> str:
    """Different strings where there is hardly room: a, b, ... aa, ab."""
    letters = ""
    while len(letters) < most and (turn or not letters):
        letters = _PADDING[turn % len(_PADDING)] + letters
        turn //= len(_PADDING)
    return letters


def _padded(value: str, least: int) -> str:
    missing = max(0, least - len(value))
    return value + (_PADDING * (missing // len(_PADDING) + 1))[:missing]
