"""The catalogue: one entry per documented error of the service, in both dialects, addressable by name.

    ApiError            raised anywhere below the handlers: an entry of the catalogue and its parameters
    CatalogueError      a name that the catalogue does not have, or a parameter that a message needs

An entry knows both dialects' forms: status, code, message template. Key order, the `<400> ...` prefix and the
documentation link follow the layer of the service that answers. How a form becomes bytes is the dialects'
business. No message text stands in Python code: validators take theirs from the catalogue too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal

from mockserver import resources
from mockserver.profiles import Profile

__all__ = [
    "ApiError",
    "Catalogue",
    "CatalogueError",
    "CompatibleForm",
    "Entry",
    "NativeForm",
    "catalogue",
    "compatible_form",
    "native_form",
    "text",
    "validator_text",
]

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class CatalogueError(KeyError):
    """An unknown error name, or a message parameter that was not given. The text says what is known."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class NativeForm:
    """How the native dialect says it. `stream` is what a refused stream looks like.

    `event-200`: HTTP 200 and one SSE error event; `event-status`: the error's status and one SSE error event;
    `plain`: JSON, as if no stream had been asked for.
    """

    status: int
    code: str
    message: str
    stream: Literal["event-200", "event-status", "plain"]
    order: Literal["code-first", "id-first"] = "code-first"
    prefix: str = ""
    anchor: str | None = None
    type: str | None = None
    by_profile: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alternatives: tuple[str, ...] = ()
    source: str = ""
    evidence: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class CompatibleForm:
    """How the compatible dialect says it. `shape` names the layer whose key order and ids the body has."""

    status: int
    code: str | None
    type: str | None
    param: str | None
    message: str
    shape: Literal["gateway", "quota", "body", "schema", "engine", "files", "batch", "empty"]
    prefix: str = ""
    anchor: str | None = None
    by_profile: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alternatives: tuple[str, ...] = ()
    source: str = ""
    evidence: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One error. `name` is unique: the native code, or `code/slug` where a code has several messages.

    `aliases` are further names that lead here; `example` has a value for every placeholder of both messages.
    """

    name: str
    retryable: bool
    applies_to: str
    native: NativeForm
    compatible: CompatibleForm
    explanation: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)


class ApiError(Exception):
    """The service refuses: a catalogue entry by name and the values of its message's placeholders.

    A value that is not given is the entry's example, so that any error can be raised by name alone.
    """

    def __init__(self, name: str, /, **params: object) -> None:
        self.entry = catalogue()[name]
        self.params: Mapping[str, object] = {**self.entry.example, **params}
        super().__init__(name, params)


class Catalogue(Mapping[str, Entry]):
    """The entries by name. A bare code finds its default entry; case matters, as on the wire."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = entries
        self._aliases = _aliases(entries)

    def __getitem__(self, name: str) -> Entry:
        entry = self._entries.get(name) or self._aliases.get(name)
        if entry is None:
            close = get_close_matches(name, [*self._entries, *self._aliases], n=3)
            hint = f" Did you mean {', '.join(close)}?" if close else ""
            raise CatalogueError(f"The catalogue has no error named {name!r}.{hint}")
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _aliases(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Aliases, then the codes that are no names themselves: each leads to the first entry that has it."""
    found = {alias: entry for entry in entries.values() for alias in entry.aliases}
    for entry in entries.values():
        for code in (entry.native.code, entry.compatible.code):
            if code is not None and code not in entries:
                found.setdefault(code, entry)
    return found


@cache
def catalogue() -> Catalogue:
    """The catalogue of `fixtures/errors.json`, read once."""
    rows = resources.load("fixtures", "errors.json")["errors"]
    return Catalogue({row["name"]: _entry(row) for row in rows})


def _entry(row: Mapping[str, Any]) -> Entry:
    forms = {
        "native": NativeForm(**_tuples(row["native"])),
        "compatible": CompatibleForm(**_tuples(row["compatible"])),
    }
    return Entry(**{**_tuples(row), **forms})


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def native_form(entry: Entry, profile: Profile) -> NativeForm:
    """The native form of `entry` as the era of `profile` says it."""
    return replace(entry.native, **entry.native.by_profile.get(profile.name, {}))


def compatible_form(entry: Entry, profile: Profile) -> CompatibleForm:
    """The compatible form of `entry` as the era of `profile` says it."""
    return replace(entry.compatible, **entry.compatible.by_profile.get(profile.name, {}))


def text(
    form: NativeForm | CompatibleForm,
    params: Mapping[str, object],
    profile: Profile,
    *,
    prefixed: bool = True,
) -> str:
    """The message of `form` (as `native_form` or `compatible_form` gave it), ready for the wire.

    The prefix and the link are added where `profile` has them; `prefixed=False` leaves the prefix out, as the
    compatible dialect does in streams.

    Raises:
        CatalogueError: a placeholder has no value in `params`.
    """
    prefix = form.prefix if prefixed and profile.error_prefix else ""
    return f"{prefix}{_fill(form.message, params)}{profile.link(form.anchor)}"


def validator_text(dialect: Literal["native", "compatible"], key: str, **params: object) -> str:
    """A fragment that validators join, e.g. `validator_text("native", "required", path="input.messages")`.

    Raises:
        CatalogueError: no such fragment, or a placeholder has no value.
    """
    fragments = resources.load("fixtures", "errors.json")["texts"][dialect]
    if key not in fragments:
        raise CatalogueError(f"There is no {dialect} validator text {key!r}, only {', '.join(fragments)}.")
    return _fill(fragments[key]["message"], params)


def _fill(template: str, params: Mapping[str, object]) -> str:
    def value(hole: re.Match[str]) -> str:
        if hole[1] not in params:
            raise CatalogueError(f"The message {template!r} needs a value for {hole[1]!r}.")
        return str(params[hole[1]])

    return _PLACEHOLDER.sub(value, template)
