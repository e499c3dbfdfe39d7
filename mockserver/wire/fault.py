"""A fault by name: what is asked for. `wire/faults.py` has the table of kinds and knows how each one works.

Stubs, the header and the directive all build their faults with `fault()`, so that each of them refuses the
same unknown kinds, unknown parameters and bad values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from mockserver.wire import units

ParamType = Literal["count", "size", "duration", "number", "flag", "text"]
ParamValue = str | int | float | bool

_READERS: Mapping[ParamType, Callable[[object], ParamValue]] = {
    "count": units.count,
    "size": units.size,
    "duration": units.seconds,
    "number": units.number,
    "flag": units.flag,
    "text": units.text,
}


class FaultError(ValueError):
    """No such kind of fault, no such parameter, or a value that is none. The text says what is possible."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `params` have the types of the kind's row in the table: durations in seconds, sizes in bytes."""

    kind: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)


def known_faults() -> Mapping[str, Mapping[str, ParamType]]:
    """Each kind of fault and its parameters, from the table in `wire/faults.py`."""
    from mockserver.wire import faults  # noqa: PLC0415 - the table imports this module

    return faults.known_faults


def fault(kind: str, params: Mapping[str, object]) -> Fault:
    """A fault of a known kind with known parameters, their values read from text where they are text.

    Raises:
        FaultError: see there.
    """
    from mockserver.wire.faults import validated  # noqa: PLC0415 - the table imports this module

    types = known_faults().get(kind, {})
    return validated(Fault(kind, {name: _read(types.get(name), name, value) for name, value in params.items()}))


def _read(kind: ParamType | None, name: str, value: object) -> ParamValue:
    """The value of a parameter; one that is not known is left for `validated` to refuse."""
    try:
        return str(value) if kind is None else _READERS[kind](value)
    except ValueError as error:
        raise FaultError(f"{name}: {error}.") from error


def close_to(word: str, known: Mapping[str, object]) -> str:
    """A hint to end an error with: names like this one, or all of them."""
    close = get_close_matches(word, known, n=3)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    return f" There are {', '.join(known)}." if known else ""
