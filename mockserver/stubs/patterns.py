r"""Patterns that a test hands in, and why none of them can hang the server.

A regular expression has Python's syntax and meaning, but runs in the `regex` library, which can be stopped:
the standard `re` cannot. Four bounds: a pattern has at most 1,000 characters; its repeat counts multiply to
at most 10,000 (`(a{1000}){1000}` would exhaust memory before it reads a letter); it looks at texts of at
most 100,000 characters; and it has a tenth of a second of processor time. A text it cannot judge within
these does not match, and the near-miss report says so.

A JSON Schema is compiled by jsonschema-rs, whose engine counts its steps back.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import prod
from typing import Any

import jsonschema_rs
import orjson

LONGEST_PATTERN = 1_000
LONGEST_TEXT = 100_000
MOST_REPEATS = 10_000
SECONDS = 0.1
STEPS_BACK = 100_000

_FLAGS = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"), (re.VERBOSE, "x"), (re.ASCII, "a"))


class PatternError(ValueError):
    """A pattern that cannot be used. The text says why."""


class TooHardError(Exception):
    """A text that a pattern cannot judge within its bounds."""


@lru_cache(maxsize=512)
def searcher(pattern: str) -> Callable[[str], bool]:
    """A function that says whether the pattern is found anywhere in a text. It may raise `TooHardError`.

    Raises:
        PatternError: the pattern is no regular expression, or too long, or repeats too much.
    """
    compiled = _compiled(pattern)

    def search(text: str) -> bool:
        if len(text) > LONGEST_TEXT:
            raise TooHardError(f"it has {len(text)} characters, more than the {LONGEST_TEXT} a pattern reads")
        try:
            return compiled.search(text, timeout=SECONDS) is not None
        except TimeoutError as error:
            raise TooHardError(f"the pattern takes more than {SECONDS} s on it") from error

    return search


def _compiled(pattern: str) -> Any:
    import regex  # noqa: PLC0415 - only who matches by pattern pays for it

    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"the pattern has {len(pattern)} characters; the most is {LONGEST_PATTERN}")
    if repeats(pattern) > MOST_REPEATS:
        raise PatternError(f"the repeat counts of the pattern multiply to more than {MOST_REPEATS}")
    try:
        return regex.compile(pattern, cache_pattern=False)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise PatternError(f"{pattern!r} is no regular expression: {error}") from error


def repeats(pattern: str) -> int:
    """What the counts of all `{n}` and `{n,m}` multiply to: an upper bound of what a compiler unrolls."""
    counts = (max(map(int, re.findall(r"\d+", found)), default=1) for found in re.findall(r"\{[\d\s,]+\}", pattern))
    return prod(max(1, count) for count in counts)


def source(pattern: re.Pattern[str]) -> str:
    """The text of a compiled pattern with its flags inside: `(?i)hello`."""
    letters = "".join(letter for flag, letter in _FLAGS if pattern.flags & flag)
    return f"(?{letters}){pattern.pattern}" if letters else pattern.pattern


def schema_complaint(schema: Mapping[str, Any], value: Any) -> str:
    """The first thing that is wrong with a value by a JSON Schema; empty if nothing is.

    Raises:
        PatternError: the schema is none.
    """
    error = next(_validator(orjson.dumps(schema)).iter_errors(value), None)
    return "" if error is None else f"{_place(error.instance_path)}{error.message}"


def check_schema(schema: Mapping[str, Any]) -> None:
    """Refuse what is no JSON Schema, or refers to others (nothing is fetched), with `PatternError`."""
    try:
        _validator(orjson.dumps(schema))
    except TypeError as error:
        raise PatternError(f"the JSON Schema is no JSON: {error}") from error


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            orjson.loads(schema),
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=STEPS_BACK),
            validate_formats=False,
            offline=True,
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise PatternError(f"this is no JSON Schema: {str(error).splitlines()[0]}") from error


def _place(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") + (
        ": " if path else ""
    )
