"""`dashscope-mock errors`: the catalogue. All of it, what fits some words, or one entry as a client sees it."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mockserver.cli.style import BOLD, CYAN, DIM, GREEN, LANGUAGES, RED, Style, language, style_of

if TYPE_CHECKING:
    from mockserver.dialects.meta import Refusal
    from mockserver.errors import CompatibleForm, Entry, NativeForm

DIALECTS = ("native", "compatible")
REQUEST_ID = "7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"
CREATED = 1_767_225_600
SHOWN_OTHERS = 10
LEAST_LITERAL = 12
"""Characters of a message template without which it would be found in any text."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("query", nargs="*", metavar="NAME", help="a name, a code, or words of a message; default: all")
    parser.add_argument("--dialect", choices=DIALECTS, help="show this dialect only")
    parser.add_argument("--lang", choices=LANGUAGES, default=language(), help="language of the explanations")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--plain", action="store_true", help="no colours")
    how.add_argument("--json", action="store_true", help="JSON for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print what fits. Returns the exit code: 0, or 2 if nothing does."""
    from mockserver.errors import catalogue  # noqa: PLC0415 - not needed for --help

    query = " ".join(arguments.query).strip()
    entries = [*catalogue().values()]
    found = find(query, entries) if query else entries
    dialects = (arguments.dialect,) if arguments.dialect else DIALECTS
    if not found:
        print(f"dashscope-mock: nothing in the catalogue fits {query!r}.{_near(query)}", file=sys.stderr)
        return 2
    if len(found) == 1:
        _print_entry(found[0], dialects, arguments)
    else:
        _print_list(found, dialects, arguments)
    return 0


def words() -> list[str]:
    """What may be asked for, for completion: names and codes."""
    from mockserver.errors import catalogue  # noqa: PLC0415

    return sorted({word for entry in catalogue().values() for word in _names(entry)})


# Finding


def find(query: str, entries: Sequence["Entry"]) -> list["Entry"]:
    """The entries a query means: by name or alias one, by code all that have it, else by words in any text."""
    named = [entry for entry in entries if query == entry.name] or [
        entry for entry in entries if query in entry.aliases
    ]
    return named[:1] or _with_code(query, entries) or _with_text(query, entries) or _quoted(query, entries)


def _with_code(code: str, entries: Iterable["Entry"]) -> list["Entry"]:
    return [entry for entry in entries if code in (entry.native.code, entry.compatible.code)]


def _with_text(text: str, entries: Iterable["Entry"]) -> list["Entry"]:
    wanted = text.casefold()
    return [entry for entry in entries if any(wanted in each.casefold() for each in _texts(entry))]


def _quoted(text: str, entries: Iterable["Entry"]) -> list["Entry"]:
    """The entries whose message stands in the text, as in a line of a log."""
    return [entry for entry in entries if any(_says(text, message) for message in _messages(entry))]


def _says(text: str, template: str) -> bool:
    literals = re.split(r"\{[a-z][a-z0-9_]*\}", template.strip())
    if sum(map(len, literals)) < LEAST_LITERAL:
        return False
    return re.search(".+?".join(map(re.escape, literals)), text, re.IGNORECASE | re.DOTALL) is not None


def _texts(entry: "Entry") -> Iterator[str]:
    yield from _names(entry)
    yield from _messages(entry)
    yield from entry.explanation.values()


def _names(entry: "Entry") -> Iterator[str]:
    yield entry.name
    yield from entry.aliases
    yield from (code for code in (entry.native.code, entry.compatible.code) if code)


def _messages(entry: "Entry") -> Iterator[str]:
    for form in (entry.native, entry.compatible):
        yield form.message
        yield from form.alternatives
        yield from (era["message"] for era in form.by_profile.values() if "message" in era)


def _near(query: str) -> str:
    known = {part.lower(): word for word in words() for part in (word, re.split(r"[./]", word)[-1])}
    near = {known[word]: None for word in get_close_matches(query.lower(), known, n=3)}
    return f" Did you mean {', '.join(near)}?" if near else " `dashscope-mock errors` lists all."


# The wire


@dataclass(frozen=True, slots=True)
class Wire:
    """One way in which an entry looks on the wire."""

    profile: str
    stream: bool
    refusal: "Refusal"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "profile": self.profile,
            "stream": self.stream,
            "status": self.refusal.status,
            "content_type": self.refusal.content_type.decode(),
            "body": self.refusal.body.decode(),
        }


def wires(entry: "Entry", dialect: str) -> list[Wire]:
    """An entry in every profile, as the answer to a plain request and to one for a stream."""
    from mockserver.dialects import compatible, native  # noqa: PLC0415 - the whole engine comes along
    from mockserver.dialects.meta import Meta  # noqa: PLC0415
    from mockserver.errors import ApiError  # noqa: PLC0415
    from mockserver.profiles import PROFILES  # noqa: PLC0415

    write = native.write_error if dialect == "native" else compatible.write_error
    return [
        Wire(profile.name, stream, write(ApiError(entry.name), Meta(REQUEST_ID, CREATED, profile), stream=stream))
        for profile in PROFILES.values()
        for stream in (False, True)
    ]


def _form(entry: "Entry", dialect: str) -> "NativeForm | CompatibleForm":
    return entry.native if dialect == "native" else entry.compatible


# For programs


def document(entry: "Entry", dialects: Sequence[str]) -> dict[str, Any]:
    """One entry and all its wire forms."""
    forms: dict[str, Any] = {}
    for dialect in dialects:
        form = _form(entry, dialect)
        evidence = {"source": form.source, "evidence": form.evidence, "confidence": form.confidence}
        forms[dialect] = {**evidence, "alternatives": form.alternatives}
        forms[dialect]["wire"] = [wire.document() for wire in wires(entry, dialect)]
    return {**_summary(entry), "aliases": entry.aliases, "explanation": dict(entry.explanation), **forms}


def _summary(entry: "Entry") -> dict[str, Any]:
    return {"name": entry.name, "retryable": entry.retryable, "applies_to": entry.applies_to}


def _row(entry: "Entry", dialects: Sequence[str], lang: str) -> dict[str, Any]:
    forms = {dialect: _form(entry, dialect) for dialect in dialects}
    codes = {dialect: {"status": form.status, "code": form.code} for dialect, form in forms.items()}
    return {**_summary(entry), "explanation": entry.explanation[lang], **codes}


# For people


def _print_list(found: Sequence["Entry"], dialects: Sequence[str], arguments: argparse.Namespace) -> None:
    if arguments.json:
        return _print_json([_row(entry, dialects, arguments.lang) for entry in found])
    style = style_of(sys.stdout, plain=arguments.plain)
    rows = [(entry.name, *(_code(entry, dialect) for dialect in dialects), _retry(entry)) for entry in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for entry, row in zip(found, rows, strict=True):
        name, *codes, retry = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        columns = style(name, BOLD), *(style(code, CYAN) for code in codes), style(retry, GREEN)
        print(*columns, entry.explanation[arguments.lang], sep="  ")
    return None


def _code(entry: "Entry", dialect: str) -> str:
    form = _form(entry, dialect)
    return f"{form.status}" if dialect == "native" else f"{form.status} {form.code or '-'}"


def _retry(entry: "Entry") -> str:
    return "retry" if entry.retryable else ""


def _print_entry(entry: "Entry", dialects: Sequence[str], arguments: argparse.Namespace) -> None:
    if arguments.json:
        return _print_json(document(entry, dialects))
    style = style_of(sys.stdout, plain=arguments.plain)
    retry = style("worth a retry", GREEN) if entry.retryable else style("a retry does not help", RED)
    print(f"{style(entry.name, BOLD)}  ({retry}; applies to: {entry.applies_to})")
    print(entry.explanation[arguments.lang])
    if entry.aliases:
        print(f"Also called: {', '.join(entry.aliases)}")
    for dialect in dialects:
        _print_form(entry, dialect, style)
    print(f"\nAsk for it: header X-Mock: fault={entry.name} or, in the last user message, [[mock fault={entry.name}]]")
    others = _others(entry)
    if others:
        more = f" and {len(others) - SHOWN_OTHERS} more" if len(others) > SHOWN_OTHERS else ""
        print(f"Same code: {', '.join(others[:SHOWN_OTHERS])}{more}")
    return None


def _print_form(entry: "Entry", dialect: str, style: Style) -> None:
    for labels, refusal in _grouped(wires(entry, dialect)):
        print(f"\n{style(dialect, BOLD, CYAN)}  {style(', '.join(labels), DIM)}")
        print(style(f"HTTP {refusal.status}  {refusal.content_type.decode() or '(no body)'}", RED))
        print(refusal.body.decode().rstrip("\n"), end="\n" if refusal.body else "")
    form = _form(entry, dialect)
    print(style(f"source: {form.source} ({form.evidence}); confidence: {form.confidence}", DIM))
    for other in form.alternatives:
        print(style(f"seen too: {other}", DIM))


def _grouped(found: Iterable[Wire]) -> Iterator[tuple[list[str], "Refusal"]]:
    """Each different answer once, with the cases in which it is given."""
    groups: dict[Refusal, list[str]] = {}
    for wire in found:
        groups.setdefault(wire.refusal, []).append(f"{wire.profile} {'stream' if wire.stream else 'JSON'}")
    yield from ((labels, refusal) for refusal, labels in groups.items())


def _others(entry: "Entry") -> list[str]:
    """The other entries with the native code."""
    from mockserver.errors import catalogue  # noqa: PLC0415

    entries = catalogue().values()
    return [other.name for other in entries if other.native.code == entry.native.code and other is not entry]


def _print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))
