"""From ASGI to a handler and back: one `Endpoint` per path.

The order is the service's: the key first, even for paths and methods that do not exist, then the method, then
the handler, which reads the body. A refusal becomes an answer in the words of the endpoint's dialect;
anything unforeseen becomes the catalogue's internal error, with the traceback in the log and not in the
answer.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from starlette.types import Receive, Scope, Send

from mockserver.api.body import ClientGoneError, read_body
from mockserver.api.planning import add_headers, error_frame, faults_of, prepare
from mockserver.api.recording import Recorder, violations_of
from mockserver.api.reply import refuse
from mockserver.dialects import compatible
from mockserver.dialects.body import parse
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services, fold_headers
from mockserver.gate import mask, read_key
from mockserver.generation import Dialect
from mockserver.violations import Violation
from mockserver.wire.answer import Answer
from mockserver.wire.progress import Progress
from mockserver.wire.send import discard, send_answer

LONG_BODY = 16_384
"""Bytes of a body whose violations are looked for in a thread: about 20 ms if it breaks its schema."""

Handler = Callable[[Exchange, Services], Awaitable[Answer]]
Service = Literal["gateway", "files"]

logger = logging.getLogger("mockserver")


class Endpoint:
    """The ASGI application of one path: a handler per method, or one for every method.

    `name` is what matchers and the journal call it. With `takes_json` the body is read here, before
    anything is planned.
    """

    def __init__(  # noqa: PLR0913 - what one path differs in from another
        self,
        services: Services,
        dialect: Dialect,
        handlers: Mapping[str, Handler] | Handler,
        *,
        name: str = "",
        takes_json: bool = False,
        service: Service = "gateway",
    ) -> None:
        self._services = services
        self._dialect: Dialect = dialect
        self._service: Service = service
        self._handlers = handlers
        self._name = name
        self._takes_json = takes_json

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = open_exchange(scope, receive, self._services, self._dialect, self._service)
        exchange.endpoint = self._name
        try:
            await self._exchanged(exchange, send)
        finally:
            if exchange.metered is not None:
                exchange.owner.meter.release(exchange.metered)

    async def _exchanged(self, exchange: Exchange, send: Send) -> None:
        try:
            answer = await self._answer(exchange)
        except ClientGoneError:
            return
        if exchange.violations:
            codes = sorted({violation.code for violation in exchange.violations})
            answer.headers.append((b"x-mock-violations", ", ".join(codes).encode()))
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
            return self._refused(exchange, ApiError("InternalError"))

    async def _handled(self, exchange: Exchange) -> Answer:
        try:
            admit(exchange, self._services)
            handler = self._handler(exchange.method)
            if self._takes_json:
                exchange.body = await read_body(exchange, self._services.settings)
                exchange.parsed = parse(exchange.body)
                if exchange.dialect == "compatible":
                    exchange.stream = compatible.wants_stream(exchange.parsed or {})
            exchange.violations = await self._violations(exchange)
            meter(exchange)
            answer = await prepare(exchange, self._services) or await handler(exchange, self._services)
            if exchange.reply is not None:
                add_headers(answer, exchange.reply)
            return self._throttled(answer)
        except ApiError as error:
            return self._refused(exchange, error)

    async def _violations(self, exchange: Exchange) -> tuple[Violation, ...]:
        """What the request breaks. To explain a long body takes a while, so that is a thread's work."""
        if len(exchange.body) > LONG_BODY:
            return await asyncio.to_thread(violations_of, exchange)
        return violations_of(exchange)

    def _refused(self, exchange: Exchange, error: ApiError) -> Answer:
        exchange.error = error
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
        if exchange.session is None:
            await send_answer(answer, exchange.receive, send)
            return
        streams = answer.is_stream
        self._services.streams += streams
        progress = Progress(time.monotonic, Recorder(exchange, answer).end)
        try:
            await deliver_planned(answer, exchange, self._services, send, progress)
        finally:
            progress.end("client-left")
            self._services.streams -= streams


async def deliver_planned(
    answer: Answer, exchange: Exchange, services: Services, send: Send, progress: Progress
) -> None:
    """Send an answer as its plan wants it: at its pace, with its faults."""
    if exchange.plan is None:
        await send_answer(answer, exchange.receive, send, progress)
        return
    from mockserver.wire.deliver import deliver  # noqa: PLC0415 - only planned answers pay for it

    outcome = exchange.plan.outcome
    await deliver(
        answer,
        pacing=outcome.pacing,
        faults=faults_of(outcome) if exchange.error is None else outcome.faults,
        scope=exchange.scope,
        receive=exchange.receive,
        send=send,
        rng=exchange.owner.rng,
        sleep_clock=services.sleep_clock,
        frame=error_frame(exchange, outcome.error),
        progress=progress,
    )


def meter(exchange: Exchange) -> None:
    """Count the request against the session's rate limits.

    Raises:
        ApiError: the limit that is exceeded, in the service's words.
    """
    limits = exchange.owner.meter
    if not limits.limits:
        return
    named = exchange.parsed.get("model") if isinstance(exchange.parsed, dict) else None
    model = named if isinstance(named, str) else ""
    limits.take(model)
    exchange.metered = model
    limits.admit(model, exchange.arrived_ms)


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
        scope=scope,
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
