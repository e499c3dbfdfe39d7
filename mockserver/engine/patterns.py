"""A string for a regular expression: the pattern is parsed once and then read backwards, as a recipe.

Nothing is ever matched here, so a pattern that would keep a matcher busy for ever costs no more than any
other. Understood is what JSON Schema recommends of ECMA-262: alternatives, groups, classes, quantifiers,
anchors. A lookaround is skipped and a back-reference refused: the caller validates the result in any case.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

_DIGITS, _SPACES = string.digits, " \t\n"
_LETTERS = string.ascii_letters + string.digits + "_"
_ALL = (
    string.ascii_lowercase + string.digits + string.ascii_uppercase + "_-. ,:;!?@#$%&*()[]{}<>/\\|+=~^\"'`\t\n" + "中文"
)
_CLASSES = {"d": _DIGITS, "w": _LETTERS, "s": _SPACES}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_PROPERTIES = {
    "L": string.ascii_letters,
    "Lu": string.ascii_uppercase,
    "Ll": string.ascii_lowercase,
    "N": _DIGITS,
}
_HEX = {"x": 2, "u": 4}
_DEEPEST = 40
_LONGEST = 4000
_WIDEST = 300  # characters of a range that are looked at


class UnsupportedPatternError(ValueError):
    """The pattern is malformed, or uses what this module does not write."""


@dataclass(slots=True)
class _Draw:
    """One pass over the recipe: `extra` repetitions above the least where a quantifier allows them."""

    rng: Random
    extra: int
    room: int = _LONGEST


_Recipe = Callable[[_Draw], str]


def generate(pattern: str, rng: Random, *, shortest: int = 0, longest: int | None = None) -> str:
    """A string that should match, between `shortest` and `longest` characters where the pattern allows it.

    Raises:
        UnsupportedPatternError: the pattern cannot be read.
    """
    recipe = _Parser(pattern).whole()
    text = ""
    for extra in (1, 0, 0, 0, 2, 3, 5, 8, *range(10, 80, 10), shortest, 2 * shortest):
        text = recipe(_Draw(rng, extra))
        if shortest <= len(text) and (longest is None or len(text) <= longest):
            break
    return text


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> _Recipe:
        recipe = self._alternatives()
        if self._at < len(self._pattern):
            raise UnsupportedPatternError(f"unbalanced parenthesis at {self._at}")
        return recipe

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self, expected: str = "") -> str:
        taken = self._peek()
        if not taken or (expected and taken != expected):
            raise UnsupportedPatternError(f"{expected or 'more'} expected at {self._at}")
        self._at += 1
        return taken

    def _skip(self, *prefixes: str) -> str:
        found = next((prefix for prefix in prefixes if self._pattern.startswith(prefix, self._at)), "")
        self._at += len(found)
        return found

    def _until(self, end: str) -> str:
        stop = self._pattern.find(end, self._at)
        if stop < 0:
            raise UnsupportedPatternError(f"{end} expected")
        taken, self._at = self._pattern[self._at : stop], stop + 1
        return taken

    def _alternatives(self) -> _Recipe:
        branches = [self._sequence()]
        while self._skip("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else lambda draw: draw.rng.choice(branches)(draw)

    def _sequence(self) -> _Recipe:
        parts: list[_Recipe] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._quantified(self._atom()))
        return lambda draw: "".join(part(draw) for part in parts)

    def _quantified(self, atom: _Recipe) -> _Recipe:
        bounds = self._bounds()
        if bounds is None:
            return atom
        self._skip("?", "+")
        least, most = bounds
        return lambda draw: _repeat(atom, draw, least, most)

    def _bounds(self) -> tuple[int, int] | None:
        simple = {"*": (0, _LONGEST), "+": (1, _LONGEST), "?": (0, 1)}.get(self._peek())
        if simple:
            self._take()
            return simple
        least, comma, most = self._pattern[self._at + 1 : self._at + 40].partition("}")[0].partition(",")
        if self._peek() != "{" or not least.isdecimal():
            return None
        self._until("}")
        return int(least), (int(most) if most.isdecimal() else _LONGEST) if comma else int(least)

    def _atom(self) -> _Recipe:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return _one_of(self._class())
        if char == ".":
            return _one_of(string.ascii_lowercase)
        if char in "^$":
            return lambda _: ""
        return self._escape_atom() if char == "\\" else _one_of(char)

    def _group(self) -> _Recipe:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnsupportedPatternError("nested too deeply")
        silent = bool(self._skip("?=", "?!", "?<=", "?<!"))
        if not silent and not self._skip("?:") and self._skip("?<", "?P<"):
            self._until(">")
        inner = self._alternatives()
        self._take(")")
        self._depth -= 1
        return (lambda _: "") if silent else inner

    def _escape_atom(self) -> _Recipe:
        if self._skip("b", "B"):
            return lambda _: ""
        if self._peek() in "123456789k":
            raise UnsupportedPatternError("a back-reference")
        return _one_of(self._escape())

    def _escape(self) -> str:
        """The characters an escape stands for."""
        char = self._take()
        if char in "pP":
            self._take("{")
            return _PROPERTIES.get(self._until("}"), "中文")
        if char in _HEX:
            return self._code(_HEX[char])
        if char.lower() in _CLASSES:
            chars = _CLASSES[char.lower()]
            return chars if char.islower() else _others(chars)
        return _CONTROLS.get(char, char)

    def _code(self, digits: int) -> str:
        code = self._pattern[self._at : self._at + digits]
        self._at += digits
        try:
            return chr(int(code, 16))
        except ValueError:
            raise UnsupportedPatternError("a hexadecimal number expected") from None

    def _class(self) -> str:
        negated = bool(self._skip("^"))
        chars: list[str] = []
        while self._peek() != "]":
            chars.append(self._member())
        self._take("]")
        return _others("".join(chars)) if negated else "".join(chars)

    def _member(self) -> str:
        first = self._class_char()
        if self._peek() != "-" or self._pattern[self._at + 1 : self._at + 2] == "]" or len(first) > 1:
            return first
        self._take("-")
        last = self._class_char()
        if len(last) > 1:
            return first + "-" + last
        return "".join(map(chr, range(ord(first), min(ord(last), ord(first) + _WIDEST) + 1)))

    def _class_char(self) -> str:
        char = self._take()
        if char != "\\":
            return char
        return "\b" if self._skip("b") else self._escape()


def _others(chars: str) -> str:
    return "".join(char for char in _ALL if char not in chars)


def _one_of(chars: Sequence[str]) -> _Recipe:
    if not chars:
        raise UnsupportedPatternError("an empty class")

    def write(draw: _Draw) -> str:
        draw.room -= 1
        return draw.rng.choice(chars)

    return write


def _repeat(atom: _Recipe, draw: _Draw, least: int, most: int) -> str:
    parts: list[str] = []
    for _ in range(min(max(least, min(most, least + draw.extra)), _LONGEST)):
        if draw.room <= 0:
            break
        parts.append(atom(draw))
    return "".join(parts)
