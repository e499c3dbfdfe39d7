"""`/__mock__/`: how a person or a test looks into the server and steers it. Answered to this machine only.

It imitates nobody: refusals are `application/problem+json` (RFC 9457) that say what would be right.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from mockserver._version import __version__
from mockserver.api.body import ClientGoneError, read_body
from mockserver.api.endpoint import open_exchange
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.gate import mask, read_key
from mockserver.profiles import PROFILES
from mockserver.sessions import Session
from mockserver.wire.answer import Answer
from mockserver.wire.send import send_answer

ControlHandler = Callable[[Exchange, Services], Awaitable[Any]]

NO_STORE = (b"cache-control", b"no-store")


class ProblemError(Exception):
    """The control API refuses. `detail` says what is wrong and what would be right."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Control:
    """The ASGI application of one control path: a handler per method, each returning what becomes JSON."""

    def __init__(self, services: Services, handlers: Mapping[str, ControlHandler]) -> None:
        self._services = services
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = open_exchange(scope, receive, self._services, "native")
        try:
            answer = await self._answer(exchange, scope["client"])
        except ClientGoneError:
            return
        await send_answer(answer, receive, send)

    async def _answer(self, exchange: Exchange, client: tuple[str, int] | None) -> Answer:
        try:
            handler = self._handler(exchange.method, client)
            return _json(200, b"application/json", await handler(exchange, self._services))
        except ProblemError as problem:
            said = {"title": problem.status.phrase, "status": problem.status.value, "detail": problem.detail}
            return _json(problem.status.value, b"application/problem+json", said)

    def _handler(self, method: str, client: tuple[str, int] | None) -> ControlHandler:
        if not is_loopback(client):
            raise ProblemError(HTTPStatus.FORBIDDEN, "The control API answers this machine only.")
        if method not in self._handlers:
            allowed = ", ".join(self._handlers)
            raise ProblemError(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not one of {allowed}.")
        return self._handlers[method]


def is_loopback(client: tuple[str, int] | None) -> bool:
    """Whether the other end is this machine. Headers that name another client are not believed."""
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


async def health(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """Whether the server is up, and which one it is."""
    return {"status": "ok", "version": __version__, "profile": services.profile.name}


async def list_schemas(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The names of all schemas."""
    from mockserver import schemas  # noqa: PLC0415 - only those who ask pay for it

    return {"schemas": schemas.names()}


async def get_schema(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """One schema. Its name may end with `.json`, so that relative references can be followed."""
    from mockserver import schemas  # noqa: PLC0415

    try:
        return schemas.document(exchange.params["name"].removesuffix(".json"))
    except schemas.UnknownSchema as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, str(error)) from None


async def get_openapi(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The OpenAPI 3.1 document of everything that is emulated."""
    from mockserver import openapi  # noqa: PLC0415

    return openapi.document()


async def list_sessions(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """All sessions, the one idle the longest first."""
    return {"sessions": [_session(session, services) for session in services.sessions]}


async def put_session(exchange: Exchange, services: Services) -> Any:
    """Set the profile of one session, named by its API key; null gives it back to the server's."""
    try:
        key = read_key(f"Bearer {exchange.params['key']}", accepted=services.settings.api_keys)
    except ApiError:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "A session is named by its API key: sk-<name>.") from None
    change = await _object(exchange, services)
    unknown = sorted(set(change) - {"profile"})
    if unknown:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"Unknown word {unknown[0]!r}; a session has: profile.")
    profile = change.get("profile")
    if profile is not None and (not isinstance(profile, str) or profile not in PROFILES):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"Unknown profile {profile!r}; there are: {', '.join(PROFILES)}.")
    session = services.sessions.open(key, exchange.arrived_ms)
    if "profile" in change:
        session.profile = PROFILES[profile] if profile else None
    services.sessions.save(session)
    return _session(session, services)


async def unknown(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """Any other path.

    Raises:
        ProblemError: always.
    """
    raise ProblemError(
        HTTPStatus.NOT_FOUND,
        "There are: health, schemas, schemas/NAME, openapi.json, sessions, sessions/KEY.",
    )


def _session(session: Session, services: Services) -> dict[str, str]:
    return {"api_key": mask(session.name), "profile": (session.profile or services.profile).name}


async def _object(exchange: Exchange, services: Services) -> Mapping[str, Any]:
    try:
        body = orjson.loads(await read_body(exchange, services.settings))
    except (orjson.JSONDecodeError, ApiError):
        body = None
    if not isinstance(body, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, 'The body must be a JSON object such as {"profile": "2024"}.')
    return body


def _json(status: int, content_type: bytes, document: Any) -> Answer:
    return Answer(status, [(b"content-type", content_type), NO_STORE], orjson.dumps(document))
