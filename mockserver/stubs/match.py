"""Whether a request matches, and if not, why not, in one sentence for each reason.

Each field of a matcher has a check that yields reasons. Matching stops at the first one; the near-miss report
asks for all of them.
"""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from mockserver.stubs import jsonpath, patterns
from mockserver.stubs.stub import Matcher, TextMatch
from mockserver.stubs.view import View, text_of

__all__ = ["matches", "mismatch"]

_SHOWN = 60
Reasons = Iterator[str]


def matches(matcher: Matcher, view: View) -> bool:
    """Whether the request is one that the matcher wants."""
    return next(_reasons(matcher, view), None) is None


def mismatch(matcher: Matcher, view: View) -> tuple[str, ...]:
    """Every reason why not: `last_user contains "天气": it is "你好"`. Empty exactly when `matches`."""
    return tuple(_reasons(matcher, view))


def _reasons(matcher: Matcher, view: View) -> Reasons:
    for check in _CHECKS:
        yield from check(matcher, view)


def _globs(matcher: Matcher, view: View) -> Reasons:
    for name in ("endpoint", "model"):
        wanted, got = getattr(matcher, name), getattr(view, name)
        if wanted is not None and not (got is not None and fnmatchcase(got, wanted)):
            yield _reason(f"{name} is like {_shown(wanted)}", got)


def _plain(matcher: Matcher, view: View) -> Reasons:
    for name in ("dialect", "stream", "turn"):
        wanted, got = getattr(matcher, name), getattr(view, name)
        if wanted is not None and wanted != got:
            yield _reason(f"{name} is {_shown(wanted)}", got)


def _last_user(matcher: Matcher, view: View) -> Reasons:
    if matcher.last_user is not None:
        yield from _text("last_user", matcher.last_user, view.last_user)


def _any_message(matcher: Matcher, view: View) -> Reasons:
    wanted = matcher.any_message
    if wanted is None:
        return
    complaints = [next(_text("any_message", wanted, text_of(each)), None) for each in view.messages]
    if None not in complaints:
        yield f"any_message {_wish(wanted)}: none of {len(complaints)} does"


def _tools(matcher: Matcher, view: View) -> Reasons:
    missing = [name for name in matcher.tools if name not in view.tools]
    if missing:
        offered = ", ".join(view.tools[:20]) or "none"
        yield f"tools include {', '.join(missing)}: {_cut(offered)} is offered"


def _tool_result(matcher: Matcher, view: View) -> Reasons:
    wanted, got = matcher.has_tool_result, bool(view.tool_results)
    if wanted is not None and wanted != got:
        yield f"has_tool_result is {_shown(wanted)}: {'a' if got else 'no'} tool has answered since the last user"


def _headers(matcher: Matcher, view: View) -> Reasons:
    for name, wanted in matcher.headers.items():
        got = view.headers.get(name.lower())
        if got is None:
            yield f"header {name} {_wish(wanted)}: there is none"
        else:
            yield from _text(f"header {name}", wanted, got)


def _json_path(matcher: Matcher, view: View) -> Reasons:
    for path, wanted in matcher.json_path.items():
        found = jsonpath.find(path, view.body)
        if not any(_same(wanted, each) for each in found):
            got = ", ".join(map(_shown, found[:5])) if found else "not there"
            yield f"{path} is {_shown(wanted)}: it is {got}"


def _json_schema(matcher: Matcher, view: View) -> Reasons:
    if matcher.json_schema is not None:
        complaint = patterns.schema_complaint(matcher.json_schema, view.body)
        if complaint:
            yield f"the body satisfies json_schema: {_cut(complaint, 4 * _SHOWN)}"


def _predicate(matcher: Matcher, view: View) -> Reasons:
    """A predicate that trips over an unexpected body says no, and the reason says how."""
    if matcher.predicate is None:
        return
    name = getattr(matcher.predicate, "__name__", "predicate")
    try:
        if not matcher.predicate(view):
            yield f"predicate {name} holds: it does not"
    except Exception as error:  # noqa: BLE001 - it is the test's code, and may raise anything
        yield f"predicate {name} holds: it raised {type(error).__name__}: {_cut(str(error))}"


_CHECKS: tuple[Callable[[Matcher, View], Reasons], ...] = (
    _globs,
    _plain,
    _last_user,
    _any_message,
    _tools,
    _tool_result,
    _headers,
    _json_path,
    _json_schema,
    _predicate,
)


def _text(place: str, wanted: TextMatch, got: str) -> Reasons:
    try:
        if not _holds(wanted, got):
            yield _reason(f"{place} {_wish(wanted)}", got)
    except patterns.TooHardError as error:
        yield f"{place} {_wish(wanted)}: {error}"


def _holds(wanted: TextMatch, got: str) -> bool:
    if wanted.equals is not None:
        return got == wanted.equals
    if wanted.contains is not None:
        return wanted.contains in got
    return patterns.searcher(str(wanted.regex))(got)


def _wish(wanted: TextMatch) -> str:
    for verb, text in (("equals", wanted.equals), ("contains", wanted.contains)):
        if text is not None:
            return f"{verb} {_shown(text)}"
    return f"matches {_cut(str(wanted.regex))}"


def _same(wanted: Any, got: Any) -> bool:
    """Equality as JSON has it: 1 and 1.0 are one number, true and 1 are two things."""
    match wanted, got:
        case (dict(), dict()):
            return wanted.keys() == got.keys() and all(_same(each, got[key]) for key, each in wanted.items())
        case (list() | tuple(), list()):
            return len(wanted) == len(got) and all(map(_same, wanted, got))
        case _:
            return wanted == got and isinstance(wanted, bool) == isinstance(got, bool)


def _reason(wish: str, got: object) -> str:
    return f"{wish}: {'there is none' if got is None else f'it is {_shown(got)}'}"


def _shown(value: object) -> str:
    try:
        return _cut(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return _cut(repr(value))


def _cut(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
