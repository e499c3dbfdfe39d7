"""The sentences of long documents that a question is about (qwen-long).

Nothing is ranked that is not found first: a few features of the question (words, or pairs of Chinese
characters) are searched for with `str.find`, a few times each, and only the sentences around the hits are
compared. So a document of 10 MB costs some milliseconds.
"""

import re
from collections.abc import Iterator, Sequence

from mockserver.engine.tools import stems

_FEATURES, _HITS = 24, 12
_SENTENCES = 2
_LONGEST = 240  # characters of one quoted sentence
_ENDS = re.compile(r"[。！？!?\n\r]|\.(?=\s|$)")
_READ = 500  # characters of the question that are looked at


def quotes(documents: Sequence[str], question: str) -> tuple[str, ...]:
    """The one or two best sentences in the order of the text; the beginning when nothing is shared."""
    features = _features(question)
    found: dict[str, tuple[float, int]] = {}
    for document in documents:
        for sentence in _around_hits(document, features):
            found.setdefault(sentence, (_overlap(sentence, features), -len(found)))
    ranked = sorted(found, key=lambda sentence: found[sentence], reverse=True)[:_SENTENCES]
    close = [sentence for sentence in ranked if found[sentence][0] * 2 > found[ranked[0]][0]]
    return tuple(sorted(close, key=lambda sentence: -found[sentence][1])) or _beginning(documents)


def _features(question: str) -> tuple[str, ...]:
    """Long words first: they say most and are found fastest."""
    return tuple(sorted(stems(question[:_READ]), key=lambda feature: (-len(feature), feature))[:_FEATURES])


def _around_hits(document: str, features: Sequence[str]) -> Iterator[str]:
    lowered = document.lower()
    searched = lowered if len(lowered) == len(document) else document
    for feature in features:
        at = -1
        for _ in range(_HITS):
            at = searched.find(feature, at + 1)
            if at < 0:
                break
            sentence, end = _sentence_at(document, at)
            at = max(at, end - 1)
            if sentence:
                yield sentence


def _sentence_at(document: str, at: int) -> tuple[str, int]:
    """The sentence around a position, cut to a bounded length, and where it ends."""
    low = max(0, at - _LONGEST // 2)
    before = [match.end() for match in _ENDS.finditer(document, low, at)]
    start = before[-1] if before else low
    after = _ENDS.search(document, at, start + _LONGEST)
    end = after.end() if after else min(len(document), start + _LONGEST)
    return " ".join(document[start:end].split()), end


def _overlap(sentence: str, features: Sequence[str]) -> float:
    lowered = sentence.lower()
    return sum(len(feature) for feature in features if feature in lowered)


def _beginning(documents: Sequence[str]) -> tuple[str, ...]:
    for document in documents:
        head = document[: 4 * _LONGEST].lstrip()
        if head:
            return (_sentence_at(head, 0)[0],)
    return ()
