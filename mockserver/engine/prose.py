"""Free text of prepared sentences: an answer, an essay, a line of thought, the rest of a beginning."""

import re

from mockserver.engine.phrases import Language, Voice, book, render

_SENTENCES = (1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 7)  # one of these: mostly short, sometimes longer
_FROM_LIST = 4  # an answer of so many sentences may be a list
_ASKED_LENGTH = re.compile(r"([0-9]{2,5})[ -]?(?:个?字|words?)")
_LONG, _LONGEST = (300, 600), 1500  # Chinese characters, English words
_PARAGRAPH = (3, 5)
_SUM = re.compile(r"(?<![-/.0-9])([0-9]{1,12})\s?([-+*×x加减乘])\s?([0-9]{1,12})(?!\s?[-+*/×÷x.0-9加减乘除])")
_SENTENCE_END = tuple("。！？!?.:：\n")


def answer(question: str, voice: Voice) -> str:
    """An answer of some sentences, or of the length that the question asks for."""
    bodies = voice.bodies()
    solved = _solved(question, voice)
    length = _length_asked(question, voice)
    if length:
        return _essay(solved or voice.pick("openings"), bodies, length, voice)
    count = voice.rng.choice(_SENTENCES)
    if count == 1:
        return solved or next(body for body in bodies if voice.slots["topic"] in body)
    opening = solved or voice.pick("openings")
    if count >= _FROM_LIST and voice.rng.random() < 1 / 2:
        return _list(opening, bodies[: count - 1], voice)
    ending = closing(voice) if count > 2 else []  # noqa: PLR2004 - an opening and a body come first
    return voice.join([opening, *bodies[: count - 1 - len(ending)], *ending])


def closing(voice: Voice) -> list[str]:
    """A closing sentence, or none."""
    return [voice.pick("closings")] if voice.rng.random() < 1 / 2 else []


def reasoning(voice: Voice) -> str:
    """One to six sentences of thinking about the question."""
    words = book(voice.language)
    middle = voice.rng.sample(words["reasoning"][2:], voice.rng.randint(0, 4))
    end = [voice.pick("reasoning_closings")] if middle else []
    lines = [voice.rng.choice(words["reasoning"][:2]), *middle, *end]
    return voice.join(render(line, voice.slots) for line in lines)


def continued(prefix: str, voice: Voice) -> str:
    """What follows the client's beginning of the answer, without repeating it."""
    fresh = [body for body in voice.bodies() if body not in prefix]
    following = fresh[: voice.rng.randint(1, 3)]
    if not prefix or prefix[-1].isspace():
        return voice.join(following)
    if prefix.endswith(_SENTENCE_END):
        return voice.join(["", *following])
    return voice.join([voice.pick("continuations"), *following])


def _list(opening: str, items: list[str], voice: Voice) -> str:
    lead = voice.join([opening, voice.pick("list_lead")])
    return "\n".join([lead, "", *(f"{number}. {item}" for number, item in enumerate(items, 1))])


def _length_asked(question: str, voice: Voice) -> int:
    """The length of a long text in characters or words, 0 when the question does not ask for one."""
    asked = _ASKED_LENGTH.search(question)
    if asked:
        return min(int(asked[1]), _LONGEST)
    low = question.lower()
    return voice.rng.randint(*_LONG) if any(cue in low for cue in book(voice.language)["long_cues"]) else 0


def _essay(opening: str, bodies: list[str], length: int, voice: Voice) -> str:
    paragraphs: list[str] = []
    sentences = [opening]
    written = 0
    for body in bodies:
        written += _size(body, voice.language)
        if written > length:
            break
        if len(sentences) >= voice.rng.randint(*_PARAGRAPH):
            paragraphs.append(voice.join(sentences))
            sentences = []
        sentences.append(body)
    return "\n\n".join([*paragraphs, voice.join([*sentences, voice.pick("closings")])])


def _size(sentence: str, language: Language) -> int:
    return len(sentence) if language == "zh" else len(sentence.split())


def _solved(question: str, voice: Voice) -> str:
    """The answer to a sum of two numbers, the question people try first."""
    found = _SUM.search(question)
    if not found:
        return ""
    left, right = int(found[1]), int(found[3])
    sign = _SIGNS.get(found[2], found[2])
    result = {"+": left + right, "-": left - right}.get(sign, left * right)
    return voice.pick("arithmetic", expression=found[0], result=str(result))


_SIGNS = {"加": "+", "减": "-"}
