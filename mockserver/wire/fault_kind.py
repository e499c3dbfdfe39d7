"""What a kind of fault is: a name, parameters, what the client sees, and a function over deliveries.

A kind acts at one stage. Stages come in the order in which bytes come into being, whatever the order in which
faults were asked for: the answer as a whole, its events, the lines of the events, the segments, and the
connection; compression and pacing come in between, before the segments. So `reset` counts the events that
`drop` left over, and `segments` cuts what `line-ends` made.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mockserver.wire.delivery import Delivery, Segment, with_last
from mockserver.wire.fault import Fault, ParamType, ParamValue

Stage = Literal["answer", "events", "lines", "segments", "connection"]
STAGES: tuple[Stage, ...] = ("answer", "events", "lines", "segments", "connection")
FaultParams = Mapping[str, Any]
"""The parameters of one fault: all of the kind's, with None for those that have no value."""
ErrorFrame = Callable[[Fault, int], bytes]
"""`frame(fault, number)`: the bytes with which a dialect ends a stream by the error that the fault names, as
event `number` (from 1); the end marker, if there is one, included."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. A `default` of None stands for "not given"."""

    type: ParamType
    default: ParamValue | None
    en: str
    zh: str
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: float = 0
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a fault may need besides its parameters: the session's chance, and the dialect's error frame."""

    rng: random.Random
    frame: ErrorFrame | None = None


Apply = Callable[[Delivery, FaultParams, Setting], Delivery]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind. `en` and `zh` say in a line what the client sees; `streams_only`: it is about SSE frames.

    Of the parameters in `one_of` at most one may be given.
    """

    name: str
    stage: Stage
    en: str
    zh: str
    apply: Apply
    params: Mapping[str, Param] = field(default_factory=dict)
    streams_only: bool = False
    one_of: tuple[str, ...] = ()


def each(change: Callable[[bytes], bytes]) -> Callable[[Delivery], Delivery]:
    """A function over bytes as one over all segments of a delivery."""

    def over(delivery: Delivery) -> Delivery:
        changed = (replace(segment, data=change(segment.data)) for segment in delivery.segments)
        return replace(delivery, segments=changed)

    return over


def chosen(segments: Iterable[Segment], event: int) -> Iterator[tuple[Segment, bool]]:
    """The segments, and which of them is event number `event`, or the last one if there are fewer."""
    for number, (segment, is_last) in enumerate(with_last(segments), start=1):
        yield segment, number == event or (is_last and number < event)
