"""A JSON value that satisfies a JSON Schema, with the question's own words in it where they fit.

Strategy: take a guess that follows the schema keyword by keyword, let the compiled validator judge it, and
guess again with other choices while it is refused. The number of guesses, the size of a value, its depth
and the work on references are bounded, so a hostile schema costs a bounded time. A schema that is none, or
that nothing satisfies, gives `{}`, or the closest guess if it has fewer faults.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from mockserver.engine import scalars
from mockserver.engine.filler import ATTEMPTS, Filler
from mockserver.engine.flatten import MANY, Schema, UnsatisfiableError, walks
from mockserver.engine.mentions import Mentions

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator as Validator

_FAULTS = 20
_MALFORMED = (
    UnsatisfiableError,
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)


def fill(  # noqa: PLR0913 - the options are keyword-only
    schema: Any,
    question: str,
    rng: Random,
    *,
    complete: bool = False,
    sentences: Sequence[str] = (),
    skip: int = 0,
) -> Any:
    """A JSON value for the schema.

    Args:
        schema: A JSON Schema (2020-12), possibly a broken one.
        question: Where numbers, quotations, places, dates and enum values come from.
        rng: Decides what is left open.
        complete: Fill optional properties too, not only those the question mentions.
        sentences: Prose for strings that the question offers nothing for.
        skip: How many of the things the question lists (cities, quotations) other calls have taken already.
    """
    if not isinstance(schema, Mapping) or not schema or walks(schema) >= MANY:
        return {}
    judge = _judge(schema)
    best: Any = {}
    fewest = _faults(judge, best)
    for turn in range(ATTEMPTS):
        filler = Filler(
            schema, Mentions.of(question), rng, complete=complete, sentences=sentences, skip=skip, turn=turn
        )
        try:
            guess = filler.value(schema, "", 0)
        except _MALFORMED:
            continue
        if judge is None:
            return guess if isinstance(guess, dict) else {}
        faults = _faults(judge, guess)
        if not faults:
            return guess
        best, fewest = (guess, faults) if faults < fewest else (best, fewest)
    return best


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON text as the models write it: spaces after commas and colons, no escapes but the necessary ones."""
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "backslashreplace").decode()


def _judge(schema: Schema) -> "Validator | None":
    try:
        return scalars.validator(dict(schema))
    except (ValueError, TypeError):
        return None


def _faults(judge: "Validator | None", value: Any) -> int:
    return 1 if judge is None else sum(1 for _ in islice(judge.iter_errors(value), _FAULTS))
