"""The stubs of one session: which one answers, how often it has, and what was left over.

A request goes to the first stub, by priority and then the newest, that matches, is in its scenario's state
and has times left. A stub that matches but lets this one pass (every nth, probability) hands it on to the
next. Taking a plan consumes it. Randomness comes from the seed alone: the same stubs and the same requests
in the same order give the same plans.

Tests add stubs from their own thread while the server plans in another: the order is a tuple that is replaced
as a whole, and only the server's thread consumes.
"""

import random
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from mockserver.stubs.match import matches, mismatch
from mockserver.stubs.stub import (
    START,
    Always,
    EveryNth,
    Exactly,
    Lasting,
    Outcome,
    Probability,
    Ramp,
    Source,
    Stub,
    StubError,
)
from mockserver.stubs.view import View

MOST_STUBS = 1_000
MOST_SPOKEN = 256
"""How many different headers and directives with `times` a session remembers; the oldest is forgotten."""
_REPORTED = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one request, and the stub that says so (None: none of the book's)."""

    stub: Stub | None
    outcome: Outcome


@dataclass(slots=True)
class _Entry:
    """A stub in the book. `seen` counts the requests that matched, `used` those that it answered."""

    stub: Stub
    number: int
    seen: int = 0
    used: int = 0
    began: float | None = None

    @property
    def is_spent(self) -> bool:
        return isinstance(self.stub.times, Exactly) and self.used >= self.stub.times.n

    @property
    def left(self) -> int:
        """How many uses the test still waits for."""
        match self.stub.times:
            case Exactly(n):
                return max(0, n - self.used)
            case Always():
                return max(0, len(self.stub.outcomes) - 1 - self.used)
            case EveryNth():
                return max(0, max(1, len(self.stub.outcomes) - 1) - self.used)
            case Probability() | Lasting() | Ramp():
                return 0

    def take(self) -> Outcome:
        outcome = self.stub.outcomes[min(self.used, len(self.stub.outcomes) - 1)]
        self.used += 1
        return outcome


class StubBook:
    """The stubs of one session. `seed` decides what is left to chance."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - chance that can be replayed, not secrecy
        self._numbers = count(1)
        self._entries: tuple[_Entry, ...] = ()
        self._spoken: OrderedDict[str, _Entry] = OrderedDict()
        self._states: dict[str, str] = {}

    def __iter__(self) -> Iterator[Stub]:
        """The stubs in the order in which they are asked."""
        return iter([entry.stub for entry in self._entries])

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, stub_id: object) -> bool:
        return any(entry.stub.id == stub_id for entry in self._entries)

    def seed(self, seed: int) -> None:
        """Begin chance anew."""
        self._rng.seed(seed)

    def add(self, stub: Stub) -> str:
        """Add a stub as the newest; one of the same id goes. Returns its id, made up if it had none.

        Raises:
            StubError: the book is full.
        """
        others = tuple(entry for entry in self._entries if entry.stub.id != stub.id or not stub.id)
        _check_room(len(others) + 1)
        entry = self._entry(stub)
        self._order((*others, entry))
        return entry.stub.id

    def update(self, stub: Stub) -> None:
        """Exchange a stub for one of the same id, which keeps its place and its counts.

        Raises:
            KeyError: there is none of that id.
        """
        self._find(stub.id).stub = stub
        self._order(self._entries)

    def remove(self, stub_id: str) -> None:
        """Take a stub out.

        Raises:
            KeyError: there is none of that id.
        """
        gone = self._find(stub_id)
        self._order(entry for entry in self._entries if entry is not gone)

    def replace(self, source: Source, stubs: Iterable[Stub]) -> None:
        """Exchange all stubs of a source, as when files are read again. One that is as before keeps its counts.

        Raises:
            StubError: the book would be too full. It is left as it was.
        """
        before = {entry.stub.id: entry for entry in self._entries if entry.stub.source == source}
        others = [entry for entry in self._entries if entry.stub.source != source]
        fresh = [self._entry(stub) for stub in stubs]
        _check_room(len(others) + len(fresh))
        for entry in fresh:
            old = before.get(entry.stub.id)
            if old is not None and old.stub == entry.stub:
                entry.seen, entry.used = old.seen, old.used
        self._order((*others, *fresh))

    def clear(self) -> None:
        """Forget all stubs, counts and scenarios; the seed's chance goes on."""
        self._entries = ()
        self._spoken.clear()
        self._states.clear()

    def plan(self, view: View, spoken: Stub | None = None, *, now: float = 0.0) -> Plan | None:
        """What happens to a request, consumed by asking. None: no stub wants it.

        `spoken` is the stub of the request's own header or directive. It comes first, and its times are
        counted over all requests of the session that say the same words. `now` is in seconds, from anywhere.
        """
        own = () if spoken is None else (self._remembered(spoken),)
        for entry in (*own, *self._entries):
            if self._is_ready(entry) and matches(entry.stub.matcher, view) and self._fires(entry, now):
                self._advance(entry.stub)
                return Plan(entry.stub, entry.take())
        return None

    def unmet(self) -> list[Stub]:
        """The stubs that a test still waits for, in order of their age.

        Times left over, outcomes of a sequence that were never reached (but for the last, which repeats), an
        every-nth that never came. Stubs of files are scenery that all tests share and are never waited for.
        """
        waiting = (entry for entry in self._entries if entry.left and entry.stub.source != "file")
        return [entry.stub for entry in sorted(waiting, key=lambda entry: entry.number)]

    def left(self, stub_id: str) -> int:
        """How many uses of a stub are still waited for. Raises `KeyError`."""
        return self._find(stub_id).left

    def used(self, stub_id: str) -> int:
        """How many requests a stub has answered. Raises `KeyError`."""
        return self._find(stub_id).used

    def seen(self, stub_id: str) -> int:
        """How many requests matched a stub, those included that it let pass. Raises `KeyError`."""
        return self._find(stub_id).seen

    def state(self, scenario: str) -> str:
        """The state of a scenario, `start` if nothing has moved it."""
        return self._states.get(scenario, START)

    def set_state(self, scenario: str, state: str) -> None:
        """Put a scenario into a state."""
        self._states[scenario] = state

    @property
    def states(self) -> dict[str, str]:
        """The scenarios that have been moved, with their states."""
        return dict(self._states)

    def near_misses(self, view: View) -> str:
        """Why no stub wants a request: each stub, the closest first, and each reason. Consumes nothing."""
        asked = f"{view.method} {view.path} ({view.dialect} {view.endpoint}, model {view.model})"
        if not self._entries:
            return f"No stub matches {asked}: the session has no stubs."
        misses = sorted(((self._why_not(entry, view), entry) for entry in self._entries), key=lambda miss: len(miss[0]))
        lines = [f"  {_called(entry.stub)}: {'; '.join(why)}" for why, entry in misses[:_REPORTED]]
        more = [f"  and {len(misses) - _REPORTED} more"] if len(misses) > _REPORTED else []
        return "\n".join([f"No stub matches {asked}:", *lines, *more])

    def _why_not(self, entry: _Entry, view: View) -> tuple[str, ...]:
        reasons = list(mismatch(entry.stub.matcher, view))
        if entry.is_spent:
            reasons.append(f"all its {entry.used} times are used up")
        scenario = entry.stub.scenario
        if scenario is not None and not self._is_in_state(entry.stub):
            reasons.append(f"{scenario.name} is in state {self.state(scenario.name)!r}, not {scenario.when!r}")
        return tuple(reasons) or ("it matches, but lets some requests pass",)

    def _is_ready(self, entry: _Entry) -> bool:
        return not entry.is_spent and self._is_in_state(entry.stub)

    def _is_in_state(self, stub: Stub) -> bool:
        scenario = stub.scenario
        return scenario is None or scenario.when is None or self.state(scenario.name) == scenario.when

    def _fires(self, entry: _Entry, now: float) -> bool:
        entry.seen += 1
        entry.began = now if entry.began is None else entry.began
        match entry.stub.times:
            case EveryNth(n):
                return entry.seen % n == 0
            case Probability(p):
                return self._rng.random() < p
            case Lasting(seconds):
                return now - entry.began < seconds
            case Ramp() as ramp:
                return self._rng.random() < ramp.at(now - entry.began)
            case _:
                return True

    def _advance(self, stub: Stub) -> None:
        if stub.scenario is not None and stub.scenario.then is not None:
            self._states[stub.scenario.name] = stub.scenario.then

    def _remembered(self, spoken: Stub) -> _Entry:
        """The entry of a header's or directive's stub; only one that counts needs a memory."""
        if isinstance(spoken.times, Always):
            return _Entry(spoken, 0)
        entry = self._spoken.pop(spoken.id, None) or _Entry(spoken, 0)
        self._spoken[spoken.id] = entry
        if len(self._spoken) > MOST_SPOKEN:
            self._spoken.popitem(last=False)
        return entry

    def _entry(self, stub: Stub) -> _Entry:
        number = next(self._numbers)
        return _Entry(stub if stub.id else replace(stub, id=self._free_id(number)), number)

    def _free_id(self, number: int) -> str:
        stub_id = f"stub-{number}"
        return stub_id if stub_id not in self else self._free_id(next(self._numbers))

    def _order(self, entries: Iterable[_Entry]) -> None:
        self._entries = tuple(sorted(entries, key=lambda entry: (-entry.stub.priority, -entry.number)))

    def _find(self, stub_id: str) -> _Entry:
        for entry in self._entries:
            if entry.stub.id == stub_id:
                return entry
        raise KeyError(stub_id)


def _check_room(wanted: int) -> None:
    if wanted > MOST_STUBS:
        raise StubError(f"a session holds at most {MOST_STUBS} stubs")


def _called(stub: Stub) -> str:
    return f'{stub.id} "{stub.name}"' if stub.name else stub.id
