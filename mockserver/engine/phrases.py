"""The sentences of `fixtures/phrases`: which language, which topic, and how a slot is filled.

A sentence may have slots such as `{topic}`. They are filled in one pass, so braces in the user's own words
stay what they are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

from mockserver import resources

Language = Literal["zh", "en"]

_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SLOT = re.compile(r"\{([a-z]+)\}")
_NOISE = re.compile(r"[\s\"“”<>|{}\[\]`*#\\]+|[^\w\s]{4,}")
_CLAUSE = re.compile(r"[。！？!?；;\n]+|\.\s")
_EDGES = " ,，、:：.。'‘’-—"
_READ = 2000  # characters of a question that are looked at
_TOPIC_ZH, _TOPIC_EN = 18, 7  # characters, words


@cache
def book(language: Language) -> Mapping[str, Any]:
    """All phrases of a language, by purpose."""
    loaded: Mapping[str, Any] = resources.load("fixtures", "phrases", f"{language}.json")
    return loaded


def language_of(text: str) -> Language:
    """Chinese if the text holds a CJK ideograph, else English."""
    return "zh" if _CJK.search(text) else "en"


def clean(text: str) -> str:
    """The text with lone surrogates replaced: what is repeated must be encodable."""
    return text.encode("utf-8", "replace").decode()


def render(template: str, slots: Mapping[str, str]) -> str:
    """The sentence with its slots filled; a slot without a value stays."""
    return _SLOT.sub(lambda slot: slots.get(slot[1], slot[0]), template)


@dataclass(frozen=True, slots=True)
class Voice:
    """A language, a source of chance and the values of the slots: what all sentences of a reply share."""

    language: Language
    rng: Random
    slots: Mapping[str, str]

    def pick(self, purpose: str, **slots: str) -> str:
        """One sentence for a purpose."""
        return render(self.rng.choice(book(self.language)[purpose]), {**self.slots, **slots})

    def bodies(self) -> list[str]:
        """All sentences that can stand anywhere, shuffled."""
        bodies = list(book(self.language)["bodies"])
        self.rng.shuffle(bodies)
        return [render(body, self.slots) for body in bodies]

    def join(self, sentences: Iterable[str]) -> str:
        """Sentences in a row, with a space between where the language has one."""
        return str(book(self.language)["joint"]).join(sentences)


def topic_of(question: str) -> str:
    """What the question is about, in the question's own words; a general phrase when it has none."""
    language = language_of(question)
    clauses = (_NOISE.sub(" ", clause).strip(_EDGES) for clause in _CLAUSE.split(question[:_READ]))
    spoken = [clause for clause in clauses if clause and re.search(r"\w", clause)]
    if not spoken:
        return str(book(language)["topic"])
    return _shorten(_strip(spoken[-1], language), language)


def _strip(clause: str, language: Language) -> str:
    gap = " " if language == "en" else ""
    words = book(language)
    for _ in range(6):
        low = clause.lower()
        before = next((p for p in words["strip_before"] if low.startswith(p + gap)), "")
        after = next((s for s in words["strip_after"] if low.endswith(gap + s)), "")
        rest = clause[len(before) : len(clause) - len(after)].strip(_EDGES)
        if rest in ("", clause):
            break
        clause = rest
    return clause


def _shorten(clause: str, language: Language) -> str:
    if language == "zh":
        return clause[:_TOPIC_ZH].strip(_EDGES)
    return " ".join(word[:24] for word in clause.split()[:_TOPIC_EN]).strip(_EDGES)
