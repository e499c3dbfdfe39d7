"""One request as the handlers see it, and the services they are handed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

from starlette.types import Scope

from mockserver.clock import Clock, Ids
from mockserver.dialects.meta import Meta
from mockserver.errors import ApiError
from mockserver.files.library import Library
from mockserver.files.limits import FileLimits
from mockserver.files.store import FileStore
from mockserver.generation import Dialect
from mockserver.profiles import Profile
from mockserver.sessions import Session, SessionStore
from mockserver.settings import Settings
from mockserver.stubs.book import Plan
from mockserver.stubs.stub import ReplySpec, Stub
from mockserver.violations import Violation
from mockserver.wire.headers import Head
from mockserver.wire.timers import SleepClock


@dataclass(slots=True)
class Services:
    """What the handlers of one server share. `streams` counts those that are running."""

    settings: Settings
    profile: Profile
    clock: Clock
    ids: Ids
    sessions: SessionStore
    files: FileStore
    limits: FileLimits
    library: Library
    standing: tuple[Stub, ...] = ()
    """Stubs of files and of `--chaos`, which every session has."""
    sleep_clock: SleepClock | None = None
    """A virtual clock for paced streams; None waits in real time."""
    streams: int = 0

    def close(self) -> None:
        """Stop what runs and let go of what is open."""
        self.library.close()
        self.files.close()


@dataclass(slots=True)
class Exchange:
    """One request. `headers` are by lower-case name; `receive` yields the body, `api/body.py` reads it.

    `stream` says how a refusal is framed. It is set from the headers for the native dialect; whoever reads a
    compatible body sets it as soon as it is known. `service` is who answers behind the gateway: the files
    service makes other ids and headers. `hang_up` ends the connection after the answer, because the rest of a
    body may never come. `body` and `parsed` (None: not a JSON object) are there for endpoints that take JSON. `plan` is
    what a test wants to happen, `reply` its reply, ready to be said; `error` is what was refused.
    """

    request_id: str
    arrived_ms: int
    dialect: Dialect
    method: str
    path: str
    profile: Profile
    service: Literal["gateway", "files"] = "gateway"
    headers: Mapping[str, str] = field(default_factory=dict)
    query_string: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    client: str | None = None
    session: Session | None = None
    workspace: str | None = None
    stream: bool = False
    receive: Any = None
    hang_up: bool = False
    endpoint: str = ""
    scope: Scope = field(default_factory=dict)
    body: bytes = b""
    parsed: Any = None
    plan: Plan | None = None
    reply: ReplySpec | None = None
    error: ApiError | None = None
    violations: tuple[Violation, ...] = ()
    metered: str | None = None
    """The model whose concurrency this exchange occupies."""

    def header(self, name: str) -> str:
        """The value of a header by its lower-case name, empty if there is none."""
        return self.headers.get(name, "")

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.query_string.decode('latin-1')}" if self.query_string else self.path

    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object.

        Raises:
            ApiError: `InvalidParameter/body-invalid`.
        """
        if self.parsed is None:
            raise ApiError("InvalidParameter/body-invalid")
        return cast("Mapping[str, Any]", self.parsed)

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of several with one name the first."""
        pairs = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
        return dict(reversed(pairs))

    @property
    def asks_for_stream(self) -> bool:
        """Whether the native dialect streams: by `Accept` or by `X-DashScope-SSE: enable`, either is enough.

        A request whose own content type is `text/event-stream` streams too: documented, never seen.
        """
        return (
            "text/event-stream" in self.header("accept").lower()
            or self.header("x-dashscope-sse").strip().lower() == "enable"
            or "text/event-stream" in self.header("content-type").lower()
        )

    @property
    def gzip(self) -> bool:
        """Whether the client takes gzip."""
        return accepts_gzip(self.header("accept-encoding"))

    @property
    def owner(self) -> Session:
        """The session, which is there once the gate has been passed."""
        return cast("Session", self.session)

    def meta(self) -> Meta:
        """What a dialect needs to write an answer."""
        return Meta(request_id=self.request_id, created=self.arrived_ms // 1000, profile=self.profile)

    def head(self, clock: Clock) -> Head:
        """What the header lists of `wire/headers.py` are made of, as of now."""
        return Head(
            request_id=self.request_id,
            arrived_ms=self.arrived_ms,
            started_ms=clock.now_ms(),
            profile=self.profile,
            gzip=self.gzip,
        )


def fold_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; several of one name are joined by a comma, as HTTP has it."""
    folded: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        folded[name] = f"{folded[name]}, {value}" if name in folded else value
    return folded


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip, by name or by `*`, with a weight other than 0."""
    weights = dict(_coding(part) for part in accept_encoding.lower().split(","))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _coding(part: str) -> tuple[str, float]:
    name, _, weight = part.partition(";")
    try:
        return name.strip(), float(weight.partition("=")[2] or 1)
    except ValueError:
        return name.strip(), 0.0
