"""From ASGI to a handler and back: one `Endpoint` per path.

The order is the service's: the key first, even for paths and methods that do not exist, then the method, then
the handler, which reads the body. A refusal becomes an answer in the words of the endpoint's dialect;
anything unforeseen becomes the catalogue's internal error, with the traceback in the log and not in the
answer.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from starlette.types import Receive, Scope, Send

from mockserver.api.body import ClientGoneError
from mockserver.api.reply import refuse
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services, fold_headers
from mockserver.gate import mask, read_key
from mockserver.generation import Dialect
from mockserver.wire.answer import Answer
from mockserver.wire.send import discard, send_answer

Handler = Callable[[Exchange, Services], Awaitable[Answer]]
Service = Literal["gateway", "files"]

logger = logging.getLogger("mockserver")


class Endpoint:
    """The ASGI application of one path: a handler per method, or one for every method."""

    def __init__(
        self,
        services: Services,
        dialect: Dialect,
        handlers: Mapping[str, Handler] | Handler,
        *,
        service: Service = "gateway",
    ) -> None:
        self._services = services
        self._dialect: Dialect = dialect
        self._service: Service = service
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = open_exchange(scope, receive, self._services, self._dialect, self._service)
        try:
            answer = await self._answer(exchange)
        except ClientGoneError:
            return
        await self._send(answer, exchange, send)
        if logger.isEnabledFor(logging.INFO):
            log(exchange, answer.status, self._services.clock.now_ms())

    async def _answer(self, exchange: Exchange) -> Answer:
        try:
            return await self._handled(exchange)
        except ClientGoneError:
            raise
        except Exception:
            logger.exception("%s %a failed", exchange.method, exchange.path)
            return refuse(exchange, self._services, ApiError("InternalError"))

    async def _handled(self, exchange: Exchange) -> Answer:
        try:
            admit(exchange, self._services)
            answer = await self._handler(exchange.method)(exchange, self._services)
            return self._throttled(answer)
        except ApiError as error:
            return refuse(exchange, self._services, error)

    def _handler(self, method: str) -> Handler:
        if not isinstance(self._handlers, Mapping):
            return self._handlers
        if method not in self._handlers:
            raise ApiError("InvalidParameter/method", method=method)
        return self._handlers[method]

    def _throttled(self, answer: Answer) -> Answer:
        if answer.is_stream and self._services.streams >= self._services.settings.max_streams:
            discard(answer)
            raise ApiError("Throttling.Concurrency")
        return answer

    async def _send(self, answer: Answer, exchange: Exchange, send: Send) -> None:
        self._services.streams += answer.is_stream
        try:
            await send_answer(answer, exchange.receive, send)
        finally:
            self._services.streams -= answer.is_stream


def open_exchange(
    scope: Scope, receive: Receive, services: Services, dialect: Dialect, service: Service = "gateway"
) -> Exchange:
    """The exchange that begins with an ASGI scope.

    The files service's own ids are UUIDs of version 4 (recorded 2025-11).
    """
    exchange = Exchange(
        request_id=services.ids.uuid4() if service == "files" else services.ids.request_id(),
        arrived_ms=services.clock.now_ms(),
        dialect=dialect,
        method=scope["method"],
        path=scope["path"],
        profile=services.profile,
        service=service,
        headers=fold_headers(scope["headers"]),
        query_string=scope["query_string"],
        params=scope.get("path_params", {}),
        receive=receive,
    )
    exchange.stream = dialect == "native" and exchange.asks_for_stream
    return exchange


def admit(exchange: Exchange, services: Services) -> None:
    """Let the client in: give the exchange its session and what the session overrides.

    Raises:
        ApiError: see `gate.read_key`.
    """
    key = read_key(exchange.header("authorization"), accepted=services.settings.api_keys)
    session = services.sessions.open(key, exchange.arrived_ms)
    exchange.session = session
    exchange.profile = session.profile or services.profile
    exchange.workspace = exchange.header("x-dashscope-workspace") or None
    session.workspace = exchange.workspace or session.workspace


def log(exchange: Exchange, status: int, now_ms: int) -> None:
    """One line per request. The path is escaped: it may hold anything."""
    key = mask(exchange.session.name) if exchange.session else "-"
    path = ascii(exchange.path)[1:-1]
    logger.info("%s %s %d %d ms %s", exchange.method, path, status, now_ms - exchange.arrived_ms, key)
