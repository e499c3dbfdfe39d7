"""From ASGI to a control handler and back: who may ask, whose session is meant, and how a refusal reads."""

import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from mockserver.api.body import ClientGoneError, read_body
from mockserver.api.endpoint import open_exchange
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.gate import read_key
from mockserver.journal import masked
from mockserver.sessions import Session
from mockserver.wire.answer import Answer
from mockserver.wire.send import send_answer

ControlHandler = Callable[[Exchange, Services], Awaitable[Any]]

NO_STORE = (b"cache-control", b"no-store")
TOKEN_HEADER = "x-mock-token"  # noqa: S105 - the name of a header
PATHS = (
    "health, stubs, stubs/ID, unmet, faults, sessions, sessions/KEY, journal, verdict, reset, seed, clock, catalogue, "
    "catalogue/NAME, models, schemas, schemas/NAME, openapi.json, openapi-control.json"
)

logger = logging.getLogger("mockserver")


class ProblemError(Exception):
    """The control API refuses. `detail` says what is wrong and what would be right; `pointer` leads to the place."""

    def __init__(self, status: HTTPStatus, detail: str, *, pointer: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.pointer = pointer

    def document(self) -> dict[str, Any]:
        """As RFC 9457 has it."""
        errors = {"errors": [{"pointer": self.pointer, "detail": self.detail}]} if self.pointer else {}
        return {"title": self.status.phrase, "status": self.status.value, "detail": self.detail, **errors}


class Control:
    """The ASGI application of one control path: a handler per method, each returning what becomes JSON.

    One handler alone is for every method.
    """

    def __init__(self, services: Services, handlers: Mapping[str, ControlHandler] | ControlHandler) -> None:
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
            self._admit(exchange, client)
            said = await self._handler(exchange.method)(exchange, self._services)
            return _json(200, b"application/json", said)
        except ProblemError as problem:
            return _problem(problem)
        except ClientGoneError:
            raise
        except Exception:
            logger.exception("%s %a failed", exchange.method, exchange.path)
            return _problem(ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "The log of the server says what happened."))

    def _admit(self, exchange: Exchange, client: tuple[str, int] | None) -> None:
        token = self._services.settings.control_token
        if is_loopback(client) or _has_token(exchange, token):
            return
        besides = f", and whoever sends its token as {TOKEN_HEADER}" if token else ""
        raise ProblemError(HTTPStatus.FORBIDDEN, f"The control API answers this machine only{besides}.")

    def _handler(self, method: str) -> ControlHandler:
        if not isinstance(self._handlers, Mapping):
            return self._handlers
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


def _has_token(exchange: Exchange, token: str | None) -> bool:
    return _is_token(exchange.header(TOKEN_HEADER), token) or _bears_token(exchange, token)


def _bears_token(exchange: Exchange, token: str | None) -> bool:
    scheme, _, bearer = exchange.header("authorization").strip().partition(" ")
    return scheme.lower() == "bearer" and _is_token(bearer.strip(), token)


def _is_token(given: str, token: str | None) -> bool:
    """Whether the token is right. It takes as long when it is not."""
    return bool(token) and hmac.compare_digest(given.encode("utf-8", "replace"), (token or "").encode())


def key_of(exchange: Exchange, services: Services, *also: str) -> str | None:
    """The API key that a request is about: that of `?key=`, or else the bearer's. None if it names none.

    Raises:
        ProblemError: a key that is none, or a word in the query other than `key` and those of `also`.
    """
    query = exchange.query
    for word in query:
        if word not in ("key", *also):
            known = ", ".join(("key", *also))
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"Unknown word {word!r} in the query; there are: {known}.")
    if "key" in query:
        return checked_key(query["key"], services)
    authorization = exchange.header("authorization").strip()
    if not authorization or _bears_token(exchange, services.settings.control_token):
        return None
    scheme, _, key = authorization.partition(" ")
    return checked_key(key.strip() if scheme.lower() == "bearer" else "", services)


def checked_key(key: str, services: Services) -> str:
    """The key itself, if it may name a session.

    Raises:
        ProblemError: it may not.
    """
    try:
        return read_key(f"Bearer {key}", accepted=services.settings.api_keys)
    except ApiError:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "A session is named by its API key: sk-<name>.") from None


def needed_key(exchange: Exchange, services: Services, *also: str) -> str:
    """The API key that a request is about.

    Raises:
        ProblemError: it names none, or as `key_of`.
    """
    key = key_of(exchange, services, *also)
    if key is None:
        detail = "Say which session: ?key=sk-<name>, or the header Authorization: Bearer sk-<name>."
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    return key


def found(key: str, services: Services) -> Session:
    """The session of a key. Does not count as use.

    Raises:
        ProblemError: 404, there is none.
    """
    session = services.sessions.find(key)
    if session is None:
        detail = "There is no session of this key: it begins with its first request, stub or change."
        raise ProblemError(HTTPStatus.NOT_FOUND, detail)
    return session


def opened(key: str, exchange: Exchange, services: Services) -> Session:
    """The session of a key, made if there is none."""
    return services.sessions.open(key, exchange.arrived_ms)


async def json_object(exchange: Exchange, services: Services, example: str) -> Mapping[str, Any]:
    """The body.

    Raises:
        ProblemError: it is no JSON object.
    """
    try:
        body = orjson.loads(await read_body(exchange, services.settings))
    except (orjson.JSONDecodeError, ApiError):
        body = None
    if not isinstance(body, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"The body must be a JSON object such as {example}.")
    return body


def only(body: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    """Refuse words that are not known.

    Raises:
        ProblemError: it names the first of them.
    """
    unknown_words = sorted(set(body) - set(known))
    if unknown_words:
        detail = f"Unknown word {unknown_words[0]!r}; {what} has: {', '.join(known)}."
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)


def whole(body: Mapping[str, Any], word: str, *, least: int, most: int) -> int:
    """A whole number of a body.

    Raises:
        ProblemError: it is missing or another.
    """
    value = body.get(word)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        detail = f"{word} is {value!r}; it must be a whole number from {least} to {most}."
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    return value


async def unknown(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """Any other path.

    Raises:
        ProblemError: always.
    """
    raise ProblemError(HTTPStatus.NOT_FOUND, f"There are: {PATHS}.")


def _problem(problem: ProblemError) -> Answer:
    return _json(problem.status.value, b"application/problem+json", problem.document())


def _json(status: int, content_type: bytes, document: Any) -> Answer:
    body = masked(orjson.dumps(document, default=str)).encode()
    return Answer(status, [(b"content-type", content_type), NO_STORE], body)
