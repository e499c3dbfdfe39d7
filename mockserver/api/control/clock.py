"""The clock of the server: read by all, moved only where it stands still by itself."""

from http import HTTPStatus
from typing import Any

from mockserver.api.control.frame import ProblemError, json_object, only, whole
from mockserver.clock import Clock, FixedClock, VirtualClock
from mockserver.exchange import Exchange, Services

FURTHEST_MS = 10 * 365 * 24 * 3_600_000


async def get_clock(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The time, and what kind of clock tells it."""
    return _told(services.clock)


async def advance_clock(exchange: Exchange, services: Services) -> Any:
    """Move a fixed or virtual clock on."""
    clock = services.clock
    if not isinstance(clock, FixedClock):
        detail = "The server runs on the clock of the machine; start it in Python with a FixedClock to move the time."
        raise ProblemError(HTTPStatus.CONFLICT, detail)
    body = await json_object(exchange, services, '{"advance_ms": 60000}')
    only(body, ("advance_ms",), "the body")
    clock.advance(whole(body, "advance_ms", least=0, most=FURTHEST_MS))
    return _told(clock)


def _told(clock: Clock) -> dict[str, Any]:
    kind = "virtual" if isinstance(clock, VirtualClock) else "fixed" if isinstance(clock, FixedClock) else "system"
    return {"now_ms": clock.now_ms(), "kind": kind}
