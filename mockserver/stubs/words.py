r"""The words of the header `X-Mock: fault=Throttling.RateQuota; ttft=200ms` and of the directive `[[mock text=晴]]`.

One grammar: `word=value`, or a word alone where it is a switch, separated by semicolons or blanks. A value
with either in it stands in quotes; there a backslash keeps the next character, and `\n` is a line end.

`fault=` (or `error=`) takes an error of the catalogue or a kind of fault. The words of `WORDS` mean the same
everywhere; any other word must be a parameter of the faults named. With several faults, each takes the
parameters behind it. Whatever is not known is refused by name: nothing is clamped, nothing ignored.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from mockserver.errors import CatalogueError, catalogue
from mockserver.stubs.stub import (
    Always,
    ErrorSpec,
    EveryNth,
    Exactly,
    Lasting,
    Outcome,
    Probability,
    Ramp,
    ReplySpec,
    Stub,
    StubError,
    Times,
)
from mockserver.wire import units
from mockserver.wire.fault import FaultError, close_to, fault, known_faults
from mockserver.wire.pacing import Pacing, named

__all__ = ["WORDS", "Word", "find_directives", "stub_of"]

LONGEST = 8_000
"""Characters of one header or directive."""
MOST_DIRECTIVES = 16

_BLANK = re.compile(r"[\s;]*")
_WORD = re.compile(r"[A-Za-z][\w.-]*")
_BARE = re.compile(r"[^\s;\"']+")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_OPENING = re.compile(r"\[\[mock(?=[\s\]])")
_LINE_END = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word: where its value belongs, how it is read (raising `ValueError`), and what it says."""

    part: Literal["reply", "error", "pacing", "times"]
    field: str
    read: Callable[[str], Any]
    says: str


def _ramp(text: str) -> Ramp:
    """`0..0.5/60s`: from a probability to another in a time."""
    found = re.fullmatch(r"([\d.]+)\.\.([\d.]+)/(\w[\w.]*)", text)
    if found is None:
        raise StubError(f"{text!r} is not a ramp such as 0..0.5/60s")
    return Ramp(units.number(found[1]), units.number(found[2]), units.seconds(found[3]))


WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "after": Word("error", "after", units.count, "the error comes after so many events; 0: as the first"),
        "status": Word("error", "status", units.count, "the HTTP status"),
        "retry_after": Word("error", "retry_after", units.seconds, "a Retry-After header on the error"),
        "leak_native": Word("error", "leak_native", units.flag, "compatible stream, native error frame"),
        "text": Word("reply", "text", units.text, "what the model says"),
        "reasoning": Word("reply", "reasoning", units.text, "what the model thinks"),
        "finish": Word("reply", "finish_reason", units.text, "the finish reason"),
        "body": Word("reply", "body", units.text, "the whole body, with `status`"),
        "pacing": Word("pacing", "profile", named, "a named pacing"),
        "ttft": Word("pacing", "ttft", units.seconds, "the time to the first frame"),
        "itl": Word("pacing", "itl", units.seconds, "the time between two frames"),
        "jitter": Word("pacing", "jitter", units.seconds, "how far a frame may stray from its time"),
        "tokens_per_chunk": Word("pacing", "tokens_per_chunk", units.count, "tokens in one frame"),
        "times": Word("times", "times", lambda text: Exactly(units.count(text)), "only the first so many times"),
        "once": Word("times", "once", lambda text: Exactly(1) if units.flag(text) else Always(), "only once"),
        "every": Word("times", "every", lambda text: EveryNth(units.count(text)), "each so many-th time"),
        "lasting": Word("times", "lasting", lambda text: Lasting(units.seconds(text)), "for so long from the first on"),
        "ramp": Word("times", "ramp", _ramp, "by a chance that changes, such as 0..0.5/60s"),
        "probability": Word("times", "probability", lambda text: Probability(units.number(text)), "by chance"),
    }
)
_FAULT_WORDS = ("fault", "error")


@dataclass(slots=True)
class _Named:
    """One error or fault of the text, with the words that belong to it."""

    name: str
    words: dict[str, str] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        return self.name not in known_faults()

    @property
    def params(self) -> Iterable[str]:
        return catalogue()[self.name].example if self.is_error else known_faults()[self.name]


def stub_of(text: str, source: Literal["header", "directive"] = "header") -> Stub:
    """The stub that a header or directive asks for, for any request. Its id is the words themselves.

    A header may carry UTF-8, which HTTP servers hand on as Latin-1; that is undone.

    Raises:
        StubError: an unknown word or error name, a bad value, words that contradict each other. It names them.
    """
    if len(text) > LONGEST:
        raise StubError(f"{len(text)} characters are too many; the most is {LONGEST}")
    words = list(_words(_as_utf8(text) if source == "header" else text))
    if not words:
        raise StubError(f"no word is given; there are {_known()}")
    try:
        return replace(_stub(words), id=f"{source}:{text}", name=text, source=source)
    except FaultError as error:
        raise StubError(str(error)) from error


def find_directives(text: str) -> tuple[str, str | None]:
    """The text without its `[[mock ...]]` directives, and their words joined; None if there is none.

    Raises:
        StubError: a directive is not closed, or there are too many.
    """
    kept: list[str] = []
    words: list[str] = []
    at = 0
    while opening := _OPENING.search(text, at):
        if len(words) == MOST_DIRECTIVES:
            raise StubError(f"there are more than {MOST_DIRECTIVES} directives in one message")
        end = _closing(text, opening.end())
        kept.append(text[at : opening.start()])
        words.append(text[opening.end() : end])
        at = end + 2
    return ("".join([*kept, text[at:]]).strip() if words else text), ("; ".join(words) if words else None)


def _closing(text: str, at: int) -> int:
    """Where the `]]` of a directive is; one inside quotes is part of a value."""
    begin = at
    while at < len(text) and at - begin <= LONGEST:
        if text.startswith("]]", at):
            return at
        quoted = _QUOTED.match(text, at, begin + LONGEST) if text[at] in "\"'" else None
        if text[at] in "\"'" and quoted is None:
            break
        at = quoted.end() if quoted else at + 1
    raise StubError(f"the directive {text[begin - 6 : begin + 30]!r} is not closed: write [[mock word=value]]")


def _words(text: str) -> Iterator[tuple[str, str]]:
    at = _skip(text, 0)
    while at < len(text):
        found = _WORD.match(text, at)
        if not found:
            raise StubError(f"{text[at : at + 20]!r} is no word; write word=value; there are {_known()}")
        value, at = _value(text, found.end()) if text[found.end() :][:1] == "=" else ("true", found.end())
        yield found[0], value
        if at < len(text) and not text[at].isspace() and text[at] != ";":
            raise StubError(f"{found[0]}: a semicolon or blank is missing before {text[at : at + 20]!r}")
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _value(text: str, equals: int) -> tuple[str, int]:
    quoted = _QUOTED.match(text, equals + 1)
    if quoted:
        inner = quoted[1] if quoted[1] is not None else quoted[2]
        return re.sub(r"\\(.)", lambda kept: _LINE_END.get(kept[1], kept[1]), inner, flags=re.DOTALL), quoted.end()
    bare = _BARE.match(text, equals + 1)
    if not bare:
        raise StubError(f"{text[:equals].rsplit(maxsplit=1)[-1]} has no value, or a quote that is not closed")
    return bare[0], bare.end()


def _stub(words: list[tuple[str, str]]) -> Stub:
    own, named_ = _sorted(words)
    parts = _parts(own)
    errors = [each for each in named_ if each.is_error]
    if len(errors) > 1:
        raise StubError(f"one request has one error, not {' and '.join(each.name for each in errors)}")
    error = _error(errors[0], parts["error"]) if errors else None
    outcome = Outcome(
        reply=_reply(parts, refused=error is not None),
        error=error,
        faults=tuple(fault(each.name, each.words) for each in named_ if not each.is_error),
        pacing=_pacing(parts["pacing"]),
    )
    return Stub(outcomes=(outcome,), times=_times(parts["times"]))


def _sorted(words: list[tuple[str, str]]) -> tuple[dict[str, str], list[_Named]]:
    """The words that mean the same everywhere, and the faults with the others."""
    own: dict[str, str] = {}
    groups = [_Named(_known_name(value)) for word, value in words if word in _FAULT_WORDS]
    behind = 0
    for word, value in words:
        if word in _FAULT_WORDS:
            behind += 1
            continue
        home = _home(word, groups[max(0, behind - 1) : max(1, behind)], own)
        if word in home:
            raise StubError(f"{word} is given twice")
        home[word] = value
    return own, groups


def _home(word: str, group: list[_Named], own: dict[str, str]) -> dict[str, str]:
    if group and word in group[0].params:
        return group[0].words
    if word not in WORDS:
        if word in known_faults():
            raise StubError(f"{word!r} is a fault: write fault={word}")
        takes = f"{group[0].name} takes {', '.join(group[0].params) or 'none'}; " if group else ""
        hint = close_to(word, dict.fromkeys([*WORDS, *_FAULT_WORDS]))
        raise StubError(f"{word!r} is not known; {takes}there are {_known()}.{hint if 'mean' in hint else ''}")
    return own


def _known_name(name: str) -> str:
    if name not in known_faults():
        try:
            catalogue()[name]
        except CatalogueError as error:
            kinds = f" Nor is it a fault: there are {', '.join(known_faults())}." if known_faults() else ""
            raise StubError(f"fault={name}: {error}{kinds}") from error
    return name


def _parts(words: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {"reply": {}, "error": {}, "pacing": {}, "times": {}}
    for word, value in words.items():
        try:
            parts[WORDS[word].part][WORDS[word].field] = WORDS[word].read(value)
        except StubError:
            raise
        except ValueError as error:
            raise StubError(f"{word}: {error}") from error
    return parts


def _error(named_: _Named, fields: Mapping[str, Any]) -> ErrorSpec:
    return ErrorSpec(named_.name, params=named_.words, **fields)


def _reply(parts: Mapping[str, dict[str, Any]], *, refused: bool) -> ReplySpec | None:
    """The reply that is asked for. Without an error, `status` is the reply's own."""
    fields = dict(parts["reply"])
    if not refused:
        alone = [word for word in parts["error"] if word != "status"]
        if alone:
            raise StubError(f"{', '.join(alone)} says when or how an error comes; name it with fault=")
        fields |= parts["error"]
    return ReplySpec(**fields) if fields else None


def _pacing(fields: dict[str, Any]) -> Pacing | None:
    if not fields:
        return None
    profile: Pacing = fields.pop("profile", Pacing())
    try:
        return replace(profile, **fields)
    except ValueError as error:
        raise StubError(str(error)) from error


def _times(fields: Mapping[str, Times]) -> Times:
    if len(fields) > 1:
        raise StubError(f"{' and '.join(fields)} contradict each other; give one of them")
    return next(iter(fields.values()), Always())


def _known() -> str:
    return ", ".join([*_FAULT_WORDS, *WORDS])


def _as_utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
