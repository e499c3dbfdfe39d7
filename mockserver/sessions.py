"""Sessions: the API key is the session. Whatever state a key has hangs on its `Session`, so tests never meet.

State is reached through `SessionStore` alone: in memory here, behind the same five methods elsewhere later.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mockserver.profiles import Profile


@dataclass(slots=True)
class Session:
    """All that one API key has. `name` is the key; show it only masked.

    `profile` None means that the server's applies. `workspace` is the last one the client named.
    """

    name: str
    created_ms: int
    used_ms: int
    profile: Profile | None = None
    workspace: str | None = None

    @property
    def namespace(self) -> str:
        """Where the files of this session live."""
        return self.name


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

    def __iter__(self) -> Iterator[Session]:
        """All sessions, the one idle the longest first."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...


class MemorySessions:
    """Sessions of this process: bounded, least recently used goes first."""

    def __init__(self, *, limit: int, idle_ms: int) -> None:
        self._limit = limit
        self._idle_ms = idle_ms
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open(self, name: str, now_ms: int) -> Session:
        """The session of a key, made at its first use, and marked as used now."""
        session = self._sessions.get(name)
        if session is None:
            self._make_room(now_ms)
            session = self._sessions[name] = Session(name=name, created_ms=now_ms, used_ms=now_ms)
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
