"""How an answer is sliced for a stream.

The service sends a chunk when a number of tokens has been reached: a few small ones, then steps of equal
size (recorded 2024: after 1, 2, 3, 8, 16, 24 ... tokens). Reasoning, text and every call start anew. A chunk
ends between characters and is never empty: where no character has been completed, it waits for the
next one.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mockserver.generation import Choice, Segment

Kind = Literal["reasoning", "text", "call"]


@dataclass(frozen=True, slots=True)
class Chunking:
    """After how many tokens a chunk is sent: at `first` (rising), then every `step`."""

    first: tuple[int, ...]
    step: int


Slicing = Mapping[Kind, Chunking]
"""How each part of a choice is sliced."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One step of a choice: characters `start` to `end` of its reasoning, its text or a call's arguments.

    `call` is the position of the call (0 elsewhere). `tokens` and `reasoning_tokens` are what the choice has
    cost after this step, the first with all overheads. The first delta of a call carries its name.
    `start == end` only where there is no character to show: a call without arguments, a text cut inside its
    first character.
    """

    kind: Kind
    start: int
    end: int
    call: int
    tokens: int
    reasoning_tokens: int


def schedule(total: int, first: Sequence[int], step: int) -> Iterator[int]:
    """After how many tokens a chunk is sent: at `first` (rising), then every `step`, and at `total`."""
    last = 0
    for count in first:
        if count >= total:
            break
        last = count
        yield last
    else:
        yield from range(last + step, total, step)
    if total:
        yield total


def cuts(segment: Segment, first: Sequence[int], step: int) -> list[int]:
    """The schedule of a segment, without the positions that complete no character."""
    kept: list[int] = []
    shown = 0
    for count in schedule(len(segment.ends), first, step):
        if segment.ends[count - 1] > shown:
            shown = segment.ends[count - 1]
            kept.append(count)
        elif count == len(segment.ends):
            kept[-1:] = [count]
    return kept


def walk(choice: Choice, slicing: Slicing) -> Iterator[Delta]:
    """The choice as deltas in the order of the wire: reasoning, text, calls."""
    reasoned, spent = 0, 0
    opening, answering = choice.thinking_overhead
    for count, start, end in _slices(choice.reasoning, slicing["reasoning"]):
        reasoned, spent = count, opening + count
        yield Delta("reasoning", start, end, 0, spent, reasoned)
    spent += answering
    for count, start, end in _slices(choice.text, slicing["text"]):
        yield Delta("text", start, end, 0, spent + count, reasoned)
    spent += len(choice.text.ends)
    for index, call in enumerate(choice.calls):
        spent += call.overhead
        for count, start, end in _slices(call.arguments, slicing["call"]) or [(0, 0, 0)]:
            yield Delta("call", start, end, index, spent + count, reasoned)
        spent += len(call.arguments.ends)


def _slices(segment: Segment, chunking: Chunking) -> list[tuple[int, int, int]]:
    """(tokens so far, start, end) of every chunk."""
    if segment.marks:
        return _marked(segment)
    start, slices = 0, []
    for count in cuts(segment, chunking.first, chunking.step):
        end = segment.ends[count - 1]
        slices.append((count, start, end))
        start = end
    return slices


def _marked(segment: Segment) -> list[tuple[int, int, int]]:
    """The chunks that a test gave. A token that a mark cuts is billed with the chunk that completes it."""
    ends = [mark for mark in segment.marks if mark < len(segment.text)] + [len(segment.text)]
    counts = [bisect_right(segment.ends, end) for end in ends[:-1]] + [len(segment.ends)]
    return list(zip(counts, [0, *ends[:-1]], ends, strict=True))
