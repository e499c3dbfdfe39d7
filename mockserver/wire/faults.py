"""The table of faults, and how an answer with faults becomes a delivery.

    FAULTS          every kind by name
    known_faults    the parameters of each kind, as `fault.fault()` reads them
    validated       refuses what could never work, in words
    bend            answer -> delivery: stage by stage, with compression and pacing at their place
    schema          the JSON Schema of a fault as `{"kind": ..., parameters}`

A kind knows deliveries and nothing of endpoints, dialects or sockets. To add one, write it into one of the
`faults_*.py` modules.
"""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mockserver.wire import faults_answer, faults_connection, faults_events, faults_lines, faults_segments
from mockserver.wire.answer import Answer
from mockserver.wire.delivery import Delivery, Segment, compressed, delivery_of, measured
from mockserver.wire.fault import Fault, FaultError, ParamType, ParamValue, close_to
from mockserver.wire.fault_kind import STAGES, FaultKind, Param, Setting
from mockserver.wire.pacing import Pacing, offsets

__all__ = ["FAULTS", "bend", "known_faults", "schema", "validated"]

FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        kind.name: kind
        for module in (faults_answer, faults_events, faults_lines, faults_segments, faults_connection)
        for kind in module.KINDS
    }
)
known_faults: Mapping[str, Mapping[str, ParamType]] = MappingProxyType(
    {name: {param: each.type for param, each in kind.params.items()} for name, kind in FAULTS.items()}
)


def validated(fault: Fault) -> Fault:
    """The fault, if it can work.

    Raises:
        FaultError: an unknown kind or parameter, a value that is not among the choices or outside of the bounds,
            two parameters that exclude each other.
    """
    kind = FAULTS.get(fault.kind)
    if kind is None:
        raise FaultError(f"There is no fault {fault.kind!r}.{close_to(fault.kind, FAULTS)}")
    for name, value in fault.params.items():
        if name not in kind.params:
            has = f"it takes {', '.join(kind.params)}" if kind.params else "it takes none"
            raise FaultError(f"The fault {kind.name!r} has no parameter {name!r}; {has}.")
        wrong = _wrong(kind.params[name], value)
        if wrong:
            raise FaultError(f"The fault {kind.name!r}: {name}: {value!r} {wrong}.")
    given = [name for name in kind.one_of if name in fault.params]
    if len(given) > 1:
        raise FaultError(f"The fault {kind.name!r} takes one of {' and '.join(given)}, not both.")
    return fault


def _wrong(param: Param, value: ParamValue) -> str | None:
    if param.choices and value not in param.choices:
        return f"is none of {', '.join(param.choices)}"
    if param.pattern is not None and not re.fullmatch(param.pattern, str(value)):
        return "cannot be sent"
    if isinstance(value, int | float) and value < param.minimum:
        return f"is less than {param.minimum}"
    if isinstance(value, int | float) and param.maximum is not None and value > param.maximum:
        return f"is more than {param.maximum}"
    return None


def bend(answer: Answer, faults: Sequence[Fault], pacing: Pacing | None, setting: Setting) -> Delivery:
    """The delivery of an answer with these faults and at this pace.

    Raises:
        FaultError: as `validated`.
    """
    delivery = delivery_of(answer)
    checked = [validated(fault) for fault in faults]
    for stage in STAGES:
        if stage == "segments":
            delivery = _paced(compressed(delivery), pacing, setting.rng)
        for fault in checked:
            if FAULTS[fault.kind].stage == stage:
                delivery = _applied(FAULTS[fault.kind], fault, delivery, setting)
    return measured(delivery)


def _applied(kind: FaultKind, fault: Fault, delivery: Delivery, setting: Setting) -> Delivery:
    if kind.streams_only and not delivery.is_stream:
        return replace(delivery, idle=(*delivery.idle, kind.name))
    defaults = {name: param.default for name, param in kind.params.items()}
    return kind.apply(delivery, {**defaults, **fault.params}, setting)


def _paced(delivery: Delivery, pacing: Pacing | None, rng: random.Random) -> Delivery:
    """Each event at its time. What is no event leaves with the event before it."""
    if pacing is None:
        return delivery
    return replace(delivery, segments=_timed(delivery.segments, offsets(pacing, rng)))


def _timed(segments: Iterable[Segment], times: Iterator[float]) -> Iterator[Segment]:
    for segment in segments:
        if segment.events:
            yield Segment(segment.data, segment.pause, segment.events, next(times))  # `replace` is slow
        else:
            yield segment


def schema() -> dict[str, Any]:
    """The JSON Schema of one fault, as `schemas/control/fault.json` has it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://dashscope-mock.dev/schemas/control/fault.json",
        "title": "Fault",
        "description": "One way in which an answer goes wrong: its kind, and the parameters of that kind.",
        "x-source": "this project",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(FAULTS), "description": "What the client sees; see the table of faults."}},
        "allOf": [_branch(kind) for kind in FAULTS.values()],
        "examples": [
            {"kind": "reset", "after": 3},
            {"kind": "segments", "cut": "in-utf8", "pause": "2ms"},
            {"kind": "http-status", "status": 502, "body": "<html>", "type": "text/html"},
        ],
    }


def _branch(kind: FaultKind) -> dict[str, Any]:
    own: dict[str, Any] = {"kind": True, **{name: _param(param) for name, param in kind.params.items()}}
    then: dict[str, Any] = {"description": kind.en, "properties": own, "additionalProperties": False}
    if kind.one_of:
        pairs = [[a, b] for i, a in enumerate(kind.one_of) for b in kind.one_of[i + 1 :]]
        then["not"] = {"anyOf": [{"required": pair} for pair in pairs]}
    return {
        "if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]},
        "then": then,
    }


def _param(param: Param) -> dict[str, Any]:
    described: dict[str, Any] = {**_TYPES[param.type], "description": param.en}
    if param.choices:
        described["enum"] = list(param.choices)
    if param.type == "count":
        described["minimum"] = param.minimum
        described |= {} if param.maximum is None else {"maximum": param.maximum}
    if param.default is not None:
        described["default"] = param.default
    return described


_TYPES: Mapping[ParamType, Mapping[str, Any]] = {
    "count": {"type": "integer"},
    "size": {"type": ["integer", "string"], "minimum": 0},
    "duration": {"type": ["number", "string"], "minimum": 0},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "text": {"type": "string"},
}
