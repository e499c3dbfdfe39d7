"""Stubs in Python, in the order in which one says them.

    mock.on(model="qwen-*", last_user="天气").reply("晴，26 度")
    mock.on(stream=True).fail("Throttling.RateQuota").times(2).then.reply("好")
    mock.on(endpoint="chat").reply("今天晴").fail("DataInspectionFailed", after=2).once()

`reply`, `fail`, `fault` and `default` describe one outcome together; `.then` begins the next one. The stub is
active from its first outcome on, and what is said later adjusts it. Where a text is asked for, a `str` must
be contained and an `re.Pattern` found; a `TextMatch` says it exactly.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol, Self

from mockserver.generation import Dialect
from mockserver.stubs import patterns
from mockserver.stubs.stub import (
    START,
    Always,
    CallSpec,
    ErrorSpec,
    EveryNth,
    Exactly,
    Lasting,
    Matcher,
    Outcome,
    Probability,
    Ramp,
    ReplySpec,
    Scenario,
    Stub,
    StubError,
    TextMatch,
    Times,
)
from mockserver.stubs.view import View
from mockserver.wire.fault import fault
from mockserver.wire.pacing import Pacing, named

__all__ = ["On", "Shelf", "Text", "on"]

Text = str | re.Pattern[str] | TextMatch


class Shelf(Protocol):
    """Where stubs go: a `StubBook`, or anything that hands them on."""

    def add(self, stub: Stub) -> str:
        """Add a stub; its id is returned."""
        ...

    def update(self, stub: Stub) -> None:
        """Exchange the stub of the same id."""
        ...


def on(  # noqa: PLR0913 - one name for each field of a matcher
    shelf: Shelf,
    *,
    endpoint: str | None = None,
    dialect: Dialect | None = None,
    model: str | None = None,
    stream: bool | None = None,
    last_user: Text | None = None,
    any_message: Text | None = None,
    tools: str | Iterable[str] = (),
    has_tool_result: bool | None = None,
    turn: int | None = None,
    headers: Mapping[str, Text] | None = None,
    json_path: Mapping[str, Any] | None = None,
    json_schema: Mapping[str, Any] | None = None,
    predicate: Callable[[View], bool] | None = None,
    name: str = "",
) -> "On":
    """Begin a stub for the requests that are as described; `Matcher` says what each field means.

    Raises:
        StubError: a pattern, path or schema that is none.
    """
    matcher = Matcher(
        endpoint=endpoint,
        dialect=dialect,
        model=model,
        stream=stream,
        last_user=None if last_user is None else _text(last_user),
        any_message=None if any_message is None else _text(any_message),
        tools=(tools,) if isinstance(tools, str) else tuple(tools),
        has_tool_result=has_tool_result,
        turn=turn,
        headers={each: _text(value) for each, value in (headers or {}).items()},
        json_path=json_path or {},
        json_schema=json_schema,
        predicate=predicate,
    )
    return On(shelf, Stub(matcher=matcher, name=name))


class On:
    """A stub that is being said. Every method returns it."""

    def __init__(self, shelf: Shelf, stub: Stub) -> None:
        self._shelf = shelf
        self._stub = stub
        self._outcomes: list[tuple[Outcome, int | None]] = []
        self._begins = True

    @property
    def stub(self) -> Stub:
        """The stub as it is now. Its id is empty until the first outcome."""
        return self._stub

    @property
    def then(self) -> Self:
        """What comes now is the next outcome, for the request after those before."""
        if self._begins:
            raise StubError("say what happens before you say what happens then")
        self._begins = True
        return self

    def reply(  # noqa: PLR0913 - one name for each field of a reply
        self,
        text: str | Callable[[View], ReplySpec | str] | None = None,
        *,
        chunks: Iterable[str] = (),
        reasoning: str | Iterable[str] = "",
        tool_calls: Iterable[CallSpec] = (),
        finish_reason: str | None = None,
        usage: Mapping[str, Any] | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        sse: bytes | None = None,
        template: bool = False,
        pacing: Pacing | str | None = None,
    ) -> Self:
        """Answer with a text, or as `ReplySpec` says; a function is handed the view and returns either."""
        spec = ReplySpec(
            text=text if isinstance(text, str) else None,
            function=None if isinstance(text, str) else text,
            chunks=tuple(chunks),
            reasoning=reasoning if isinstance(reasoning, str) else tuple(reasoning),
            tool_calls=tuple(tool_calls),
            finish_reason=finish_reason,
            usage=usage or {},
            status=status,
            headers=headers or {},
            body=body,
            sse=sse,
            template=template,
        )
        self._refuse_second("reply", "reply")
        return self._say(reply=spec, pacing=_pacing(pacing))

    def fail(
        self,
        name: str,
        /,
        *,
        after: int | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        leak_native: bool = False,
        **params: object,
    ) -> Self:
        """Fail with an error of the catalogue, at once or `after` events; `params` fill its message."""
        error = ErrorSpec(
            name, params=params, after=after, status=status, retry_after=retry_after, leak_native=leak_native
        )
        self._refuse_second("error", "fail")
        return self._say(error=error)

    def fault(self, kind: str, /, *, pacing: Pacing | str | None = None, **params: object) -> Self:
        """Let something go wrong with the bytes; several faults of one outcome happen together."""
        earlier = () if self._begins else self._outcomes[-1][0].faults
        try:
            added = fault(kind, params)
        except ValueError as error:
            raise StubError(str(error)) from error
        return self._say(faults=(*earlier, added), pacing=_pacing(pacing))

    def default(self, *, pacing: Pacing | str | None = None) -> Self:
        """Let the emulator answer by itself, as if there were no stub; perhaps at another pace."""
        return self._say(pacing=_pacing(pacing))

    def times(self, n: int) -> Self:
        """This outcome happens to `n` requests. If it is the last one, the stub is then used up."""
        if self._begins:
            raise StubError("say what happens before you say how often")
        Exactly(n)
        self._outcomes[-1] = (self._outcomes[-1][0], n)
        return self._put()

    def once(self) -> Self:
        """The same as `times(1)`."""
        return self.times(1)

    def every(self, n: int) -> Self:
        """Only each `n`th matching request; the others pass by to older stubs."""
        return self._put(times=EveryNth(n))

    def with_probability(self, p: float) -> Self:
        """Only by chance, as the session's seed has it; the other requests pass by to older stubs."""
        return self._put(times=Probability(p))

    def lasting(self, seconds: float) -> Self:
        """An outage: from the first matching request on, for so many seconds; then requests pass by."""
        return self._put(times=Lasting(seconds))

    def ramp(self, start: float, end: float, *, seconds: float) -> Self:
        """By chance, with a probability that goes from `start` to `end` in so many seconds."""
        return self._put(times=Ramp(start, end, seconds))

    def priority(self, n: int) -> Self:
        """Higher comes first."""
        return self._put(priority=n)

    def in_scenario(self, name: str, *, when: str | None = START, then: str | None = None) -> Self:
        """Only in a state of a scenario (None: any), and lead to another."""
        return self._put(scenario=Scenario(name, when, then))

    def _refuse_second(self, part: str, verb: str) -> None:
        if not self._begins and getattr(self._outcomes[-1][0], part) is not None:
            raise StubError(f"one outcome has one {verb}; write .then between two")

    def _say(self, **parts: Any) -> Self:
        """Begin an outcome or add to the one that has begun."""
        given = {key: value for key, value in parts.items() if value is not None}
        if self._begins:
            outcomes = [*self._outcomes, (Outcome(**given), None)]
        else:
            before, n = self._outcomes[-1]
            outcomes = [*self._outcomes[:-1], (replace(before, **given), n)]
        self._outcomes, self._begins = outcomes, False
        return self._put()

    def _put(self, **changes: Any) -> Self:
        self._stub = replace(self._stub, **changes)
        if self._outcomes:
            self._stub = replace(self._stub, outcomes=self._sequence(), times=self._how_often())
            if self._stub.id:
                self._shelf.update(self._stub)
            else:
                self._stub = replace(self._stub, id=self._shelf.add(self._stub))
        return self

    def _sequence(self) -> tuple[Outcome, ...]:
        """Each outcome as often as it happens before the next one; the last one stands once."""
        *earlier, (last, _) = self._outcomes
        return (*(outcome for outcome, n in earlier for _ in range(n or 1)), last)

    def _how_often(self) -> Times:
        *earlier, (_, last) = self._outcomes
        if last is None:
            return Always() if isinstance(self._stub.times, Exactly) else self._stub.times
        if not isinstance(self._stub.times, Always | Exactly):
            raise StubError("times says how often, and so do every and with_probability; choose one")
        return Exactly(sum(n or 1 for _, n in earlier) + last)


def _text(text: Text) -> TextMatch:
    match text:
        case TextMatch():
            return text
        case str():
            return TextMatch(contains=text)
        case _:
            return TextMatch(regex=patterns.source(text))


def _pacing(pacing: Pacing | str | None) -> Pacing | None:
    try:
        return named(pacing) if isinstance(pacing, str) else pacing
    except ValueError as error:
        raise StubError(str(error)) from error
