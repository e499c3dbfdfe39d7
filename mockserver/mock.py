"""The test's side of the emulator: say what it answers, then see what the client did.

    Mock       one session of a server or of an application, by its API key
    Host       what sessions live in; it passes `on`, `journal`, `verdict` ... on to its default session
    mock_of    the session of an application that is called in process

        app = create_app()
        mock = mock_of(app)
        mock.on(last_user="天气").reply("晴")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=mock.compatible_url) as client:
            await client.post("/chat/completions", headers={"Authorization": f"Bearer {mock.api_key}"}, json=...)
        mock.assert_clean()

A server plans in its own thread; whatever a `Mock` reads or changes is read and changed there, between two requests.
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast
from zlib import crc32

from starlette.applications import Starlette

from mockserver.api.app import COMPATIBLE, NATIVE
from mockserver.exchange import Services
from mockserver.files.store import StoredFile
from mockserver.journal import Record, to_document
from mockserver.sessions import Session
from mockserver.stubs import builder
from mockserver.stubs.stub import Stub
from mockserver.verdict import Finding, verdict

IN_PROCESS = "http://dashscope.test"
"""The origin of an application without a socket."""
LOGGED = 2_000
"""Characters of one body that a wire log shows."""
_GZIP = 31

T = TypeVar("T")


class Mock:
    """One session: its stubs, its files and its journal. Works before, while and after the server runs."""

    def __init__(self, host: "Host", api_key: str) -> None:
        self._host = host
        self.api_key = api_key

    @property
    def native_url(self) -> str:
        """The base URL for native clients."""
        return self._host.native_url

    @property
    def compatible_url(self) -> str:
        """The base URL for OpenAI clients."""
        return self._host.compatible_url

    def on(self, **criteria: Any) -> builder.On:
        """Begin a stub for the requests that are as described: see `mockserver.stubs.builder.on`.

        Raises:
            StubError: a pattern, path or schema that is none.
        """
        return builder.on(self, **criteria)

    def add(self, stub: Stub) -> str:
        """Add a stub that is already made; its id is returned."""
        return self._do(lambda session: session.stubs.add(stub))

    def update(self, stub: Stub) -> None:
        """Exchange the stub of the same id, which keeps its counts."""
        self._do(lambda session: session.stubs.update(stub))

    @property
    def journal(self) -> tuple[Record, ...]:
        """What the client did so far, in the order in which the exchanges ended."""
        return self._do(lambda session: tuple(session.journal))

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """The files that were uploaded and not deleted."""
        return self._host.services.files.list(self.api_key)

    def verdict(self) -> tuple[Finding, ...]:
        """What the client did wrong across exchanges."""
        return verdict(self.journal)

    def unmet(self) -> tuple[Stub, ...]:
        """The stubs that still wait for a request."""
        return self._do(lambda session: tuple(session.stubs.unmet()))

    def assert_consumed(self) -> None:
        """Fail if a stub was not used as often as it was said to happen: a fault that never fired proves nothing."""
        self.assert_clean(findings=False, violations=False)

    def assert_clean(self, *, findings: bool = True, violations: bool = True) -> None:
        """Fail on findings of the verdict, on violations of the request contract and on stubs that are left over.

        Raises:
            AssertionError: its text says what is to mend, a line for each.
        """
        found = self._found() if findings else ()
        violated = self._violated() if violations else ()
        _fail_with([*found, *violated, *self._left_over()])

    def reset(self) -> None:
        """Back to how the session begins: its own stubs, journal, files and counts are gone."""
        self._host.services.files.clear(self.api_key)
        self._host.call(lambda: self._host.services.sessions.delete(self.api_key))

    def seed(self, n: int) -> None:
        """Begin chance anew: probabilities, jitter, faults."""
        own = n ^ crc32(self.api_key.encode())

        def sow(session: Session) -> None:
            session.stubs.seed(own)
            session.rng.seed(own)

        self._do(sow)

    def wire_log(self) -> str:
        """All exchanges as text, for the report of a test. Keys are masked and long bodies cut."""
        return "\n\n".join("\n".join(_told(record)) for record in self.journal)

    def _do(self, work: Callable[[Session], T]) -> T:
        return self._host.call(lambda: work(self._session()))

    def _session(self) -> Session:
        services = self._host.services
        return services.sessions.find(self.api_key) or services.sessions.open(self.api_key, services.clock.now_ms())

    def _found(self) -> Iterator[str]:
        for each in self.verdict():
            yield f"{each.code} ({_numbered(each.records)}): {each.message}"

    def _violated(self) -> Iterator[str]:
        for record in self.journal:
            for each in record.violations:
                where = f" at {each.path}" if each.path else ""
                yield f"{each.code}{where} ({_numbered((record.number,))}): {each.message}"

    def _left_over(self) -> list[str]:
        def left(session: Session) -> list[str]:
            return [_waits(stub, session.stubs.left(stub.id)) for stub in session.stubs.unmet()]

        return self._do(left)


class Host(ABC):
    """Where sessions live."""

    @property
    @abstractmethod
    def services(self) -> Services:
        """What the handlers share, the sessions among it."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The origin, e.g. `http://127.0.0.1:49152`."""

    @abstractmethod
    def call(self, work: Callable[[], T]) -> T:
        """Do something between two requests."""

    @abstractmethod
    def api_key(self, name: str = "test") -> str:
        """The key of the session called `name`."""

    @property
    def native_url(self) -> str:
        """The base URL for native clients, as `dashscope.base_http_api_url` takes it."""
        return self.url + NATIVE

    @property
    def compatible_url(self) -> str:
        """The base URL for OpenAI clients."""
        return self.url + COMPATIBLE

    def session(self, name: str = "test") -> Mock:
        """The session called `name`. Tests with names of their own never meet."""
        return Mock(self, self.api_key(name))

    def on(self, **criteria: Any) -> builder.On:
        """Begin a stub of the default session: see `mockserver.stubs.builder.on`."""
        return self.session().on(**criteria)

    @property
    def journal(self) -> tuple[Record, ...]:
        """The journal of the default session."""
        return self.session().journal

    def verdict(self) -> tuple[Finding, ...]:
        """The verdict on the client of the default session."""
        return self.session().verdict()

    def assert_clean(self, *, findings: bool = True, violations: bool = True) -> None:
        """Fail if the client of the default session did anything wrong: see `Mock.assert_clean`."""
        self.session().assert_clean(findings=findings, violations=violations)

    def reset(self) -> None:
        """Put the default session back to how it begins."""
        self.session().reset()


class AppHost(Host):
    """An application in process, called in the thread of the test."""

    def __init__(self, app: Starlette) -> None:
        self._services = cast("Services", app.state.services)

    @property
    def services(self) -> Services:
        """What the application's handlers share."""
        return self._services

    @property
    def url(self) -> str:
        """An origin that nobody listens on."""
        return IN_PROCESS

    def call(self, work: Callable[[], T]) -> T:
        """Do it at once: requests run in the same thread."""
        return work()

    def api_key(self, name: str = "test") -> str:
        """The key of the session called `name`: one the application accepts."""
        return key_for(name, self._services.settings.api_keys)


def mock_of(app: Starlette, api_key: str = "sk-test") -> Mock:
    """The session of `api_key` in an application made by `create_app`."""
    return Mock(AppHost(app), api_key)


def key_for(name: str, accepted: tuple[str, ...] | None) -> str:
    """A key called `name`, or the first of those that are accepted."""
    return accepted[0] if accepted else f"sk-{name}"


def _fail_with(reasons: list[str]) -> None:
    if reasons:
        # `raise` and not `assert`: it must hold under `python -O`, too.
        raise AssertionError("\n".join([f"dashscope-mock: {len(reasons)} to mend", *(f"  {each}" for each in reasons)]))


def _waits(stub: Stub, left: int) -> str:
    called = f'{stub.id} "{stub.name}"' if stub.name else stub.id
    return f"{called} was not used up: {left} more request{'s' if left > 1 else ''} expected"


def _numbered(numbers: tuple[int, ...]) -> str:
    return f"exchange {', '.join(f'#{number}' for number in numbers)}"


def _told(record: Record) -> Iterator[str]:
    said = to_document(record)
    request = said["request"]
    stub = f", stub {record.stub}" if record.stub else ""
    yield f"#{record.number} {request['method']} {request['path']}{stub}"
    yield from _lines(">", request["body"])
    error = f" {record.error}" if record.error else ""
    events = f", {len(record.events)} events" if record.stream else ""
    yield f"< {record.status}{error}{events}, {record.ended}, {record.ended_ms - record.arrived_ms} ms"
    yield from _lines("<", _unpacked(record) or said["answer"]["body"])
    for each in said["violations"]:
        yield f"! {each['code']} {each['path']}: {each['message']}"


def _unpacked(record: Record) -> str:
    """The text of a gzipped answer as far as it was kept; empty for any other."""
    if ("content-encoding", "gzip") not in record.answer_headers:
        return ""
    try:
        return zlib.decompressobj(_GZIP).decompress(record.answer).decode("utf-8", "replace")
    except zlib.error:
        return ""


def _lines(mark: str, text: str) -> Iterator[str]:
    more = f"... {len(text) - LOGGED} characters more" if len(text) > LOGGED else ""
    for line in [*text[:LOGGED].splitlines(), *([more] if more else [])]:
        if line:
            yield f"{mark} {line}"
