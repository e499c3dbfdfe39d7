"""What clients did: the journal of a session page by page, and the verdict on one session or on all."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from mockserver.api.control.frame import ProblemError, found, key_of, needed_key
from mockserver.exchange import Exchange, Services
from mockserver.gate import mask
from mockserver.journal import Record, to_document
from mockserver.sessions import Session
from mockserver.verdict import verdict

LONGEST_PAGE = 1_000
USUAL_PAGE = 100
FILTERS: Mapping[str, Callable[[Record, str], bool]] = {
    "code": lambda record, code: record.error == code or any(_is(each.code, code) for each in record.violations),
    "status": lambda record, status: str(record.status) == status,
    "ended": lambda record, ended: record.ended == ended,
    "endpoint": lambda record, endpoint: record.endpoint == endpoint,
}


def _is(code: str, wanted: str) -> bool:
    """`schema` means all of its kin, such as `schema.required`."""
    return code == wanted or code.startswith(f"{wanted}.")


async def list_journal(exchange: Exchange, services: Services) -> Any:
    """The records of a session after a number, as far as the filters let them through. `next` is null at the end."""
    key = needed_key(exchange, services, "after", "limit", *FILTERS)
    query = exchange.query
    after = _number(query, "after", 0, least=0, most=10**12)
    limit = _number(query, "limit", USUAL_PAGE, least=1, most=LONGEST_PAGE)
    journal = found(key, services).journal
    wanted = {word: query[word] for word in FILTERS if word in query}
    records, more = journal.page(
        after=after, limit=limit, keep=lambda record: all(FILTERS[word](record, wanted[word]) for word in wanted)
    )
    return {
        "records": [to_document(record) for record in records],
        "next": records[-1].number if more else None,
        "forgotten": journal.forgotten,
    }


def _number(query: Mapping[str, str], word: str, usual: int, *, least: int, most: int) -> int:
    text = query.get(word, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        detail = f"{word} is {text[:40]!r}; it must be a whole number from {least} to {most}."
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    return int(text)


async def clear_journal(exchange: Exchange, services: Services) -> Any:
    """Forget the records of a session."""
    session = services.sessions.find(needed_key(exchange, services))
    deleted = 0
    if session is not None:
        deleted = len(session.journal)
        session.journal.clear()
    return {"deleted": deleted}


async def get_verdict(exchange: Exchange, services: Services) -> Any:
    """What is to be said of one session, or without a key of all: findings, and violations by code."""
    key = key_of(exchange, services)
    sessions = services.sessions if key is None else (found(key, services),)
    judged = [_judged(session) for session in sessions]
    return {
        "clean": not any(each["findings"] or each["violations"] for each in judged),
        "requests": sum(each["requests"] for each in judged),
        "sessions": judged,
    }


def _judged(session: Session) -> dict[str, Any]:
    records = [*session.journal]
    return {
        "api_key": mask(session.name),
        "requests": len(records),
        "findings": [
            {"code": finding.code, "records": list(finding.records), "message": finding.message}
            for finding in verdict(records)
        ],
        "violations": violations_by_code(records),
    }


def violations_by_code(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Each code with its records and how often it came; path and message are those of the first."""
    groups: dict[str, dict[str, Any]] = {}
    for record in records:
        for each in record.violations:
            first = {"code": each.code, "count": 0, "records": [], "path": each.path, "message": each.message}
            group = groups.setdefault(each.code, first)
            group["count"] += 1
            if record.number not in group["records"][-1:]:
                group["records"].append(record.number)
    return [groups[code] for code in sorted(groups)]
