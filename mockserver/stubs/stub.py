"""What a test says: a stub is a matcher, outcomes, and how often.

    Matcher     which requests; every field that is set must hold
    Outcome     what happens: a reply, an error, faults, a pacing; nothing set is the default writer
    Times       how often: Always, Exactly(n), EveryNth(n), Probability(p), Lasting(seconds), Ramp(start, end, seconds)
    Scenario    in which state of a named scenario, and which state follows

All values are frozen and check themselves: what could never work raises `StubError` where it is written, not
when a request comes. Outcomes are a sequence, consumed in order; the last one repeats.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mockserver.errors import CatalogueError, Entry, catalogue
from mockserver.stubs import jsonpath, patterns
from mockserver.stubs.view import View
from mockserver.wire.fault import Fault
from mockserver.wire.pacing import Pacing

Source = Literal["python", "control", "file", "header", "directive"]
START = "start"
_STATUSES = range(200, 600)
MOST_OUTCOMES = 10_000
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class StubError(ValueError):
    """A stub that cannot be. The text says what is wrong and what is possible; `path` leads to it in a document."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StubError(otherwise)


def _checked(check: Callable[[Any], object], value: object) -> None:
    try:
        check(value)
    except StubError:
        raise
    except ValueError as error:
        raise StubError(str(error)) from error


def _check_status(status: int | None) -> None:
    _require(status is None or status in _STATUSES, f"an HTTP status lies between 200 and 599, {status} does not")


def _check_header(name: str, value: str) -> None:
    _require(bool(name) and set(name) <= _TOKEN, f"{name!r} is no header name")
    allowed = all(char == "\t" or " " <= char <= "\xff" for char in value) and "\x7f" not in value
    _require(allowed, f"the header {name} has a value with line ends, controls or characters beyond Latin-1")


@dataclass(frozen=True, slots=True)
class TextMatch:
    """How a text must be: exactly one of the three is set. `regex` is searched for anywhere (see patterns.py)."""

    equals: str | None = None
    contains: str | None = None
    regex: str | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("equals", "contains", "regex") if getattr(self, name) is not None]
        _require(len(given) == 1, f"a text match has one of equals, contains and regex, not {len(given)}")
        if self.regex is not None:
            _checked(patterns.searcher, self.regex)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which requests. A field that is None or empty asks for nothing.

    `endpoint` and `model` are globs. `tools` must all be offered. `has_tool_result`: a tool has answered
    since the last user message. `turn` is the number of user messages. `headers` are by name in any case.
    `json_path` maps a path to the value expected there. `predicate` works in process only.
    """

    endpoint: str | None = None
    dialect: Literal["native", "compatible"] | None = None
    model: str | None = None
    stream: bool | None = None
    last_user: TextMatch | None = None
    any_message: TextMatch | None = None
    tools: tuple[str, ...] = ()
    has_tool_result: bool | None = None
    turn: int | None = None
    headers: Mapping[str, TextMatch] = field(default_factory=dict)
    json_path: Mapping[str, Any] = field(default_factory=dict)
    json_schema: Mapping[str, Any] | None = None
    predicate: Callable[[View], bool] | None = None

    def __post_init__(self) -> None:
        _require(self.dialect in {None, "native", "compatible"}, "dialect is native or compatible")
        _require(self.turn is None or self.turn >= 0, "turn is 0 or more")
        for path in self.json_path:
            _checked(jsonpath.parse, path)
        if self.json_schema is not None:
            _checked(patterns.check_schema, self.json_schema)


@dataclass(frozen=True, slots=True)
class CallSpec:
    """A tool call of a reply. `arguments` is an object, written as JSON, or the raw text, even a broken one."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ReplySpec:
    """What is answered.

    Either what the model says: `text` or `chunks` (one event each), `reasoning` (a text or chunks),
    `tool_calls`, `finish_reason`, `usage` (fields that replace the computed ones). Or the bytes: `status` and
    `body` (a text as it is, anything else as JSON), or `sse`, the bytes of a whole event stream. Or
    `function`, which is handed the view and returns a text or a `ReplySpec`. `headers` are added to any of
    them. With `template` every text in the reply is a template over the request.
    """

    text: str | None = None
    chunks: tuple[str, ...] = ()
    reasoning: str | tuple[str, ...] = ""
    tool_calls: tuple[CallSpec, ...] = ()
    finish_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    sse: bytes | None = None
    template: bool = False
    function: "Callable[[View], ReplySpec | str] | None" = None

    def __post_init__(self) -> None:
        _require(self.text is None or not self.chunks, "a reply has text or chunks, not both")
        ways = [name for name, is_set in self._ways().items() if is_set]
        _require(len(ways) <= 1, f"a reply cannot have {' and '.join(ways)}")
        _require(not (self.template and self.sse is not None), "raw sse bytes cannot be a template")
        _check_status(self.status)
        for name, value in self.headers.items():
            _check_header(name, value)
        if self.template:
            self._check_templates()

    def _ways(self) -> dict[str, bool]:
        said = (
            self.text is not None,
            self.chunks,
            self.reasoning,
            self.tool_calls,
            self.finish_reason,
            self.usage,
        )
        return {
            "words of the model": any(said),
            "a status or body of its own": self.status is not None or self.body is not None,
            "raw sse": self.sse is not None,
            "a function": self.function is not None,
        }

    @property
    def is_raw(self) -> bool:
        """Whether the bytes are given, so that the engine has no say."""
        return self.status is not None or self.body is not None or self.sse is not None

    def _check_templates(self) -> None:
        from mockserver.stubs import template  # noqa: PLC0415 - jinja2 is for those who use templates

        _checked(template.check, self)


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """An error of the catalogue by name; `params` are the values of its message's placeholders.

    `after` None refuses as the service does, before the stream; 0 is the first event, k comes after k events.
    `leak_native`: in a compatible stream, the native flat frame, as the service is known to leak it.
    `status` replaces the entry's own; `retry_after` adds that header, in seconds (the service has none).
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    after: int | None = None
    leak_native: bool = False
    status: int | None = None
    retry_after: float | None = None

    def __post_init__(self) -> None:
        known = self.entry.example
        for param in self.params:
            has = f"it takes {', '.join(known)}" if known else "it takes none"
            _require(param in known, f"the error {self.name} has no parameter {param!r}; {has}")
        _require(self.after is None or self.after >= 0, "after is a number of events, 0 or more")
        _require(self.after is not None or not self.leak_native, "leak_native needs after: it is about streams")
        _require(
            self.retry_after is None or (math.isfinite(self.retry_after) and self.retry_after >= 0),
            "retry_after is a number of seconds, 0 or more",
        )
        _check_status(self.status)

    @property
    def entry(self) -> Entry:
        """The catalogue's entry."""
        try:
            return catalogue()[self.name]
        except CatalogueError as error:
            raise StubError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one request. Without a reply the default writer speaks; an error may cut it short."""

    reply: ReplySpec | None = None
    error: ErrorSpec | None = None
    faults: tuple[Fault, ...] = ()
    pacing: Pacing | None = None

    def __post_init__(self) -> None:
        refused = self.error is not None and self.error.after is None
        _require(
            not (refused and self.reply is not None),
            "an error before the stream leaves no reply; give it `after`, or make it an outcome of its own",
        )


@dataclass(frozen=True, slots=True)
class Always:
    """Whenever it matches."""


@dataclass(frozen=True, slots=True)
class Exactly:
    """The first `n` matching requests, then no more. What is left over at the end of a test fails it."""

    n: int

    def __post_init__(self) -> None:
        _require(self.n >= 1, f"times is 1 or more, not {self.n}")


@dataclass(frozen=True, slots=True)
class EveryNth:
    """Each `n`th matching request: with 3 the third, the sixth. The others pass by to the next stub."""

    n: int

    def __post_init__(self) -> None:
        _require(self.n >= 1, f"every is 1 or more, not {self.n}")


@dataclass(frozen=True, slots=True)
class Probability:
    """A matching request with probability `p`, by the session's seed. The others pass by to the next stub."""

    p: float

    def __post_init__(self) -> None:
        _require(0 <= self.p <= 1, f"a probability lies between 0 and 1, {self.p} does not")


@dataclass(frozen=True, slots=True)
class Lasting:
    """An outage: every matching request for so many seconds from the first one on, then no more."""

    seconds: float

    def __post_init__(self) -> None:
        _require(0 < self.seconds < math.inf, f"an outage lasts for seconds above 0, not {self.seconds}")


@dataclass(frozen=True, slots=True)
class Ramp:
    """By chance, with a probability that goes evenly from `start` to `end` in `seconds` from the first request on."""

    start: float
    end: float
    seconds: float

    def __post_init__(self) -> None:
        within = 0 <= self.start <= 1 and 0 <= self.end <= 1
        _require(within, f"a ramp goes between probabilities of 0 and 1, not from {self.start} to {self.end}")
        _require(0 < self.seconds < math.inf, f"a ramp takes seconds above 0, not {self.seconds}")

    def at(self, elapsed: float) -> float:
        """The probability so many seconds after the first request."""
        return self.start + (self.end - self.start) * min(1.0, elapsed / self.seconds)


Times = Always | Exactly | EveryNth | Probability | Lasting | Ramp


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named state machine of the session. The stub matches in state `when` (None: any) and leads to `then`."""

    name: str
    when: str | None = START
    then: str | None = None


@dataclass(frozen=True, slots=True)
class Stub:
    """One stub. An empty `id` is filled in by the book. Higher `priority` first, then the newest."""

    matcher: Matcher = field(default_factory=Matcher)
    outcomes: tuple[Outcome, ...] = (Outcome(),)
    times: Times = field(default_factory=Always)
    priority: int = 0
    scenario: Scenario | None = None
    name: str = ""
    id: str = ""
    source: Source = "python"

    def __post_init__(self) -> None:
        most = f"a stub has 1 to {MOST_OUTCOMES} outcomes, not {len(self.outcomes)}"
        _require(1 <= len(self.outcomes) <= MOST_OUTCOMES, most)
        if isinstance(self.times, Exactly):
            unreached = f"times {self.times.n} would never reach the last of {len(self.outcomes)} outcomes"
            _require(self.times.n >= len(self.outcomes), unreached)
