"""The application and its one route table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mockserver.api import compatible, control, files, native
from mockserver.api.control import Control
from mockserver.api.endpoint import Endpoint, open_exchange
from mockserver.api.generation import generate
from mockserver.api.standing import standing_stubs, watch_stubs
from mockserver.clock import Clock, Ids, SystemClock, VirtualClock
from mockserver.exchange import Services
from mockserver.files.library import Library
from mockserver.files.limits import FileLimits
from mockserver.files.memory import MemoryStore
from mockserver.files.store import FileStore
from mockserver.profiles import PROFILES
from mockserver.ratelimits import RateLimits
from mockserver.sessions import MemorySessions, Session, new_session
from mockserver.settings import Settings
from mockserver.wire import headers
from mockserver.wire.answer import Answer
from mockserver.wire.send import send_answer

NATIVE = "/api/v1"
COMPATIBLE = "/compatible-mode/v1"
MOCK = "/__mock__"


class Rest(PathConvertor):
    """The rest of a path. Starlette's own `path` stops at a line break."""

    regex = "(?s:.*)"


register_url_convertor("rest", Rest())


def create_app(settings: Settings | None = None, *, clock: Clock | None = None, ids: Ids | None = None) -> Starlette:
    """The emulator as an ASGI application.

    With a fixed clock and seeded ids, the same requests get the same bytes.
    """
    services = create_services(settings or Settings(), clock=clock, ids=ids)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watcher = watch_stubs(services)
        try:
            yield
        finally:
            if watcher is not None:
                watcher.stop()
            services.close()

    app = Starlette(routes=routes(services), lifespan=lifespan)
    app.router.redirect_slashes = False
    app.router.default = Outside(services)
    app.state.services = services
    return app


def create_services(settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None) -> Services:
    """What the handlers of one server share.

    Raises:
        StubError: a stub file or `--chaos` that cannot be.
        RateLimitError: a rate limit that cannot be.
        DataDirError: a data directory that cannot be used.
    """
    limits = RateLimits.parse(settings.rate_limits or ())
    standing = standing_stubs(settings)
    store, file_limits = _store(settings), FileLimits()

    def make(name: str, now_ms: int) -> Session:
        return new_session(name, now_ms, seed=settings.seed or 0, limits=limits, stubs=services.standing)

    services = Services(
        settings=settings,
        profile=PROFILES[settings.profile],
        clock=clock or SystemClock(),
        ids=ids or Ids(settings.seed),
        sessions=MemorySessions(
            limit=settings.max_sessions, idle_ms=int(settings.session_idle_seconds * 1000), make=make
        ),
        files=store,
        limits=file_limits,
        library=Library(store, file_limits, parse_delay=settings.parse_delay),
        standing=standing,
        sleep_clock=clock if isinstance(clock, VirtualClock) else None,
    )
    return services


def _store(settings: Settings) -> FileStore:
    if settings.data_dir is None:
        return MemoryStore()
    from mockserver.files.disk import DiskStore  # noqa: PLC0415 - SQLite only where it is wanted

    return DiskStore(settings.data_dir)


def routes(services: Services) -> list[BaseRoute]:
    """Every path there is; all others are `Outside`. The first that matches answers: the most called stand first."""
    on_native = partial(Endpoint, services, "native")
    on_compatible = partial(Endpoint, services, "compatible")
    generation = partial(on_native, name="generation", takes_json=True)
    chat = partial(on_compatible, name="chat", takes_json=True)
    native_files = partial(on_native, name="files", service="files")
    compatible_files = partial(on_compatible, name="files", service="files")
    return [
        Route(f"{NATIVE}/services/aigc/text-generation/generation", generation({"POST": generate})),
        Route(f"{COMPATIBLE}/chat/completions", chat({"POST": generate})),
        Route(
            f"{COMPATIBLE}/embeddings", on_compatible({"POST": compatible.embed}, name="embeddings", takes_json=True)
        ),
        Route(
            f"{NATIVE}/services/embeddings/text-embedding/text-embedding",
            on_native({"POST": native.embed}, name="embeddings", takes_json=True),
        ),
        Route(f"{NATIVE}/tokenizer", on_native({"POST": native.tokenize}, name="tokenizer", takes_json=True)),
        Route(f"{NATIVE}/files", native_files({"POST": files.native_upload, "GET": files.native_list})),
        Route(
            f"{NATIVE}/files/{{file_id}}",
            native_files({"GET": files.native_get, "DELETE": files.native_delete}),
        ),
        Route(f"{NATIVE}/models", on_native({"GET": native.list_models}, name="models")),
        Route(f"{COMPATIBLE}/files", compatible_files({"POST": files.upload, "GET": files.list_files})),
        Route(
            f"{COMPATIBLE}/files/{{file_id}}",
            compatible_files({"GET": files.get_file, "DELETE": files.delete_file}),
        ),
        Route(f"{COMPATIBLE}/files/{{file_id}}/content", compatible_files({"GET": files.get_content})),
        Route(f"{COMPATIBLE}/models", on_compatible({"GET": compatible.list_models}, name="models")),
        Route(f"{COMPATIBLE}/models/{{name}}", on_compatible({"GET": compatible.get_model}, name="models")),
        *control_routes(services),
        Route(f"{NATIVE}/{{path:rest}}", on_native(native.unknown)),
        Route(f"{COMPATIBLE}/{{path:rest}}", on_compatible(compatible.unknown)),
    ]


def control_routes(services: Services) -> list[BaseRoute]:
    """What belongs to the emulator and not to the service."""
    on = partial(Control, services)
    stubs = {"GET": control.list_stubs, "POST": control.add_stubs, "DELETE": control.clear_stubs}
    session = {"GET": control.get_session, "PUT": control.put_session, "DELETE": control.delete_session}
    return [
        Route(f"{MOCK}/health", on({"GET": control.health})),
        Route(f"{MOCK}/stubs", on(stubs)),
        Route(f"{MOCK}/stubs/{{id:rest}}", on({"GET": control.get_stub, "DELETE": control.delete_stub})),
        Route(f"{MOCK}/unmet", on({"GET": control.list_unmet})),
        Route(f"{MOCK}/faults", on({"GET": control.list_faults, "POST": control.add_fault})),
        Route(f"{MOCK}/sessions", on({"GET": control.list_sessions})),
        Route(f"{MOCK}/sessions/{{key}}", on(session)),
        Route(f"{MOCK}/journal", on({"GET": control.list_journal, "DELETE": control.clear_journal})),
        Route(f"{MOCK}/verdict", on({"GET": control.get_verdict})),
        Route(f"{MOCK}/reset", on({"POST": control.reset})),
        Route(f"{MOCK}/seed", on({"PUT": control.put_seed})),
        Route(f"{MOCK}/clock", on({"GET": control.get_clock, "POST": control.advance_clock})),
        Route(f"{MOCK}/catalogue", on({"GET": control.list_errors})),
        Route(f"{MOCK}/catalogue/{{name:rest}}", on({"GET": control.get_error})),
        Route(f"{MOCK}/models", on({"GET": control.list_models})),
        Route(f"{MOCK}/schemas", on({"GET": control.list_schemas})),
        Route(f"{MOCK}/schemas/{{name:rest}}", on({"GET": control.get_schema})),
        Route(f"{MOCK}/openapi.json", on({"GET": control.get_openapi})),
        Route(f"{MOCK}/openapi-control.json", on({"GET": control.get_control_openapi})),
        Route(f"{MOCK}/{{path:rest}}", on(control.unknown)),
    ]


class Outside:
    """Every path that belongs to neither dialect, `*` too: 404 without a body, whoever asks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = open_exchange(scope, receive, self._services, "native")
        await send_answer(Answer(404, headers.empty(exchange.head(self._services.clock)), b""), receive, send)
