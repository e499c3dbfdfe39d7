"""Sessions over HTTP: what they are, what can be set on them, and how they begin anew."""

import asyncio
import random
from http import HTTPStatus
from typing import Any
from zlib import crc32

from mockserver.api.control.frame import (
    ProblemError,
    checked_key,
    found,
    json_object,
    key_of,
    needed_key,
    only,
    opened,
    whole,
)
from mockserver.exchange import Exchange, Services
from mockserver.gate import mask
from mockserver.profiles import PROFILES, Profile
from mockserver.ratelimits import Meter, RateLimitError, RateLimits
from mockserver.sessions import Session

WORDS = ("profile", "rate_limits", "seed")
LARGEST_SEED = 2**63 - 1


async def list_sessions(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """All sessions, the one idle the longest first."""
    return {"sessions": [_document(session, services) for session in services.sessions]}


async def get_session(exchange: Exchange, services: Services) -> Any:
    """One session, named by its API key."""
    return _document(found(checked_key(exchange.params["key"], services), services), services)


async def put_session(exchange: Exchange, services: Services) -> Any:
    """Set profile, rate limits or seed of one session; null gives them back to the server's. All or nothing."""
    key = checked_key(exchange.params["key"], services)
    change = await json_object(exchange, services, '{"profile": "2024"}')
    only(change, WORDS, "a session")
    profile, limits = _profile(change.get("profile")), _limits(change.get("rate_limits"), services)
    seed = _seed(change, services)
    session = opened(key, exchange, services)
    if "profile" in change:
        session.profile = profile
    if "rate_limits" in change:
        session.meter = Meter(limits)
    if "seed" in change:
        _sow(session, seed)
    services.sessions.save(session)
    return _document(session, services)


async def delete_session(exchange: Exchange, services: Services) -> Any:
    """Forget a session and its files."""
    session = found(checked_key(exchange.params["key"], services), services)
    await asyncio.to_thread(services.files.clear, session.namespace)
    services.sessions.delete(session.name)
    return {"deleted": 1}


async def put_seed(exchange: Exchange, services: Services) -> Any:
    """Begin the chance of one session anew: probabilities, jitter, faults. Null: with the server's seed."""
    key = needed_key(exchange, services)
    body = await json_object(exchange, services, '{"seed": 7}')
    only(body, ("seed",), "the body")
    seed = _seed({"seed": None} | dict(body), services)
    _sow(opened(key, exchange, services), seed)
    return {"seed": seed}


async def reset(exchange: Exchange, services: Services) -> Any:
    """Put one session, or without a key all of them, back to how a session begins. Returns how many."""
    key = key_of(exchange, services)
    sessions = [*services.sessions] if key is None else [opened(key, exchange, services)]
    for session in sessions:
        _reset(session, services)
        await asyncio.to_thread(services.files.clear, session.namespace)
    return {"reset": len(sessions)}


def _reset(session: Session, services: Services) -> None:
    session.stubs.clear()
    session.stubs.replace("file", services.standing)
    session.journal.clear()
    session.meter = Meter(_limits(None, services))
    session.profile = session.workspace = None
    _sow(session, services.settings.seed or 0)
    services.sessions.save(session)


def _sow(session: Session, seed: int) -> None:
    """Chance as in a session that begins with this seed."""
    own = seed ^ crc32(session.name.encode())
    session.stubs.seed(own)
    session.rng = random.Random(own)  # noqa: S311 - chance that can be replayed, not secrecy


def _seed(change: Any, services: Services) -> int:
    if change.get("seed") is None:
        return services.settings.seed or 0
    return whole(change, "seed", least=0, most=LARGEST_SEED)


def _profile(name: Any) -> Profile | None:
    if name is None:
        return None
    if not isinstance(name, str) or name not in PROFILES:
        detail = f"Unknown profile {name!r}; there are: {', '.join(PROFILES)}."
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    return PROFILES[name]


def _limits(document: Any, services: Services) -> RateLimits:
    if document is None:
        return RateLimits.parse(services.settings.rate_limits or ())
    try:
        return RateLimits.from_document(document)
    except RateLimitError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error), pointer="/rate_limits") from None


def _document(session: Session, services: Services) -> dict[str, Any]:
    return {
        "api_key": mask(session.name),
        "profile": (session.profile or services.profile).name,
        "rate_limits": session.meter.limits.to_document(),
        "created_ms": session.created_ms,
        "used_ms": session.used_ms,
        "stubs": len(session.stubs),
        "unmet": len(session.stubs.unmet()),
        "requests": len(session.journal),
    }
