"""Sessions: the API key is the session. Whatever state a key has hangs on its `Session`, so tests never meet.

State is reached through `SessionStore` alone: in memory here, behind the same five methods elsewhere later.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

from mockserver.journal import Journal
from mockserver.profiles import Profile
from mockserver.ratelimits import Meter, RateLimits
from mockserver.stubs.book import StubBook
from mockserver.stubs.stub import Stub


@dataclass(slots=True)
class Session:
    """All that one API key has. `name` is the key; show it only masked.

    `profile` None means that the server's applies. `workspace` is the last one the client named. `rng` decides what is
    left to chance on the wire.
    """

    name: str
    created_ms: int
    used_ms: int
    stubs: StubBook
    meter: Meter
    rng: random.Random
    journal: Journal = field(default_factory=Journal)
    profile: Profile | None = None
    workspace: str | None = None

    @property
    def namespace(self) -> str:
        """Where the files of this session live."""
        return self.name


Make = Callable[[str, int], Session]
"""Makes the session of a key that is seen for the first time, at a time."""


def new_session(
    name: str, now_ms: int, *, seed: int = 0, limits: RateLimits | None = None, stubs: Iterable[Stub] = ()
) -> Session:
    """A session as it begins. Its chance depends on `seed` and on its name alone. `stubs` are those of files."""
    own = seed ^ crc32(name.encode())
    session = Session(
        name=name,
        created_ms=now_ms,
        used_ms=now_ms,
        stubs=StubBook(own),
        meter=Meter(limits or RateLimits()),
        rng=random.Random(own),  # noqa: S311 - chance that can be replayed, not secrecy
    )
    session.stubs.replace("file", stubs)
    return session


class SessionStore(Protocol):
    """Where sessions are kept."""

    def open(self, name: str, now_ms: int) -> Session:
        """The session of a key, made at its first use, and marked as used now."""
        ...

    def find(self, name: str) -> Session | None:
        """The session of a key if there is one. Does not count as use."""
        ...

    def save(self, session: Session) -> None:
        """Keep what was changed on a session."""
        ...

    def delete(self, name: str) -> bool:
        """Forget a session. False if there was none."""
        ...

    def __iter__(self) -> Iterator[Session]:
        """All sessions, the one idle the longest first."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...


class MemorySessions:
    """Sessions of this process: bounded, least recently used goes first."""

    def __init__(self, *, limit: int, idle_ms: int, make: Make = new_session) -> None:
        self._limit = limit
        self._idle_ms = idle_ms
        self._make = make
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open(self, name: str, now_ms: int) -> Session:
        """The session of a key, made at its first use, and marked as used now."""
        session = self._sessions.get(name)
        if session is None:
            self._make_room(now_ms)
            session = self._sessions[name] = self._make(name, now_ms)
        else:
            self._sessions.move_to_end(name)
            session.used_ms = now_ms
        return session

    def find(self, name: str) -> Session | None:
        """The session of a key if there is one. Does not count as use."""
        return self._sessions.get(name)

    def save(self, session: Session) -> None:
        """Keep what was changed on a session."""
        self._sessions[session.name] = session

    def delete(self, name: str) -> bool:
        """Forget a session. False if there was none."""
        return self._sessions.pop(name, None) is not None

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    def _make_room(self, now_ms: int) -> None:
        while self._sessions:
            oldest = next(iter(self._sessions.values()))
            if len(self._sessions) < self._limit and now_ms - oldest.used_ms <= self._idle_ms:
                return
            del self._sessions[oldest.name]
