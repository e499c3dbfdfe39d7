"""Which tool a question is about, and the calls with their arguments.

A tool scores by the words it shares with the question: those of its name count most, then its description,
then its properties. Chinese is compared by pairs of characters; a small lexicon leads from the words of a
question to the words of a tool (天气 to "weather", "plus" to "add"), since names are mostly English. Below a
threshold nothing is called. Once a tool has answered the last user message nothing is called either, so
agent loops end.
"""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from random import Random
from typing import Any

from mockserver.engine import structured
from mockserver.engine.mentions import Mentions, kind_of, words_of
from mockserver.engine.phrases import book
from mockserver.generation import GenerationRequest, Message, Tool, ToolCall

_IN_NAME, _IN_TEXT, _IN_FULL = 3.0, 1.0, 6.0
_THRESHOLD = 2.0
_RIVAL = 0.6  # with parallel calls, a tool that scores this share of the best one is called too
_MOST_CALLS = 8
_READ = 4000
_RESULTS = ("tool", "function")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_OPERATOR = re.compile(r"[0-9]\s?([-+*/^×÷x加减乘除])\s?[(]?[0-9]")


def question_of(request: GenerationRequest) -> str:
    """The text of the last user message, or "" without one."""
    return next((message.content for message in reversed(request.messages) if message.role == "user"), "")


def results_of(request: GenerationRequest) -> tuple[Message, ...]:
    """The tool results that came after the last user message."""
    roles = [message.role for message in request.messages]
    start = len(roles) - roles[::-1].index("user") if "user" in roles else 0
    return tuple(message for message in request.messages[start:] if message.role in _RESULTS)


def choose(request: GenerationRequest) -> tuple[Tool, ...]:
    """The tools to call: none, one, or several with `parallel_tool_calls`.

    A forced tool is taken unseen; "required" takes the best match, however bad.
    """
    answered = results_of(request) or (request.messages and request.messages[-1].role == "assistant")
    if not request.tools or request.tool_choice == "none" or answered:
        return ()
    if request.tool_choice not in ("auto", "required"):
        return tuple(tool for tool in request.tools if tool.name == request.tool_choice)[:1]
    return _matching(request, threshold=0 if request.tool_choice == "required" else _THRESHOLD)


def _matching(request: GenerationRequest, *, threshold: float) -> tuple[Tool, ...]:
    question = question_of(request)
    words = _meaning(question)
    scores = [_score(tool, question, words) for tool in request.tools]
    best = max(scores)
    if best < threshold:
        return ()
    least = max(threshold, _RIVAL * best) if request.parallel_tool_calls else best
    chosen = tuple(tool for tool, score in zip(request.tools, scores, strict=True) if score >= least)
    return chosen[: _MOST_CALLS if request.parallel_tool_calls else 1]


def calls(request: GenerationRequest, key: str, rng: Random) -> tuple[ToolCall, ...]:
    """The calls to make. The ids are made of `key`."""
    question = question_of(request)
    made: list[tuple[str, str]] = []
    for tool in choose(request):
        for skip in range(_times(tool, question) if request.parallel_tool_calls else 1):
            arguments = structured.fill(tool.parameters, question, rng, skip=skip)
            made.append((tool.name, structured.dumps(arguments)))
    return tuple(
        ToolCall(id=_call_id(key, index), name=name, arguments=arguments)
        for index, (name, arguments) in enumerate(dict.fromkeys(made[:_MOST_CALLS]))
    )


def _call_id(key: str, index: int) -> str:
    """`call_` and 22 hexadecimal digits (recorded, native)."""
    return "call_" + blake2b(f"{key}/{index}".encode(), digest_size=11).hexdigest()


def _times(tool: Tool, question: str) -> int:
    """How many things the question names for the one property that takes one of them."""
    mentions = Mentions.of(question)
    properties = _properties(tool)
    texts = {
        name: schema for name, schema in properties.items() if schema.get("type") == "string" and "enum" not in schema
    }
    kinds = [kind_of(name, str(schema.get("description", ""))) for name, schema in texts.items()]
    if kinds.count("place") == 1 and len(mentions.places) > 1:
        return min(len(mentions.places), _MOST_CALLS)
    return min(len(mentions.quoted), _MOST_CALLS) if len(texts) == 1 and len(mentions.quoted) > 1 else 1


def _properties(tool: Tool) -> Mapping[str, Mapping[str, Any]]:
    properties = tool.parameters.get("properties") if isinstance(tool.parameters, Mapping) else None
    if not isinstance(properties, Mapping):
        return {}
    return {name: schema for name, schema in properties.items() if isinstance(schema, Mapping)}


def _score(tool: Tool, question: str, words: frozenset[str]) -> float:
    named = stems(tool.name)
    described = _meaning_of_tool(tool) - named
    score = _IN_NAME * len(words & named) + _IN_TEXT * len(words & described)
    return score + (_IN_FULL if Mentions.of(question).says(tool.name) else 0)


def _meaning_of_tool(tool: Tool) -> frozenset[str]:
    properties = _properties(tool)
    texts = (
        tool.description,
        *properties,
        *(str(schema.get("description", "")) for schema in properties.values()),
    )
    return stems(" ".join(texts)[:_READ])


def _meaning(question: str) -> frozenset[str]:
    """The stems of a question, and of all the words its words lead to."""
    text = question[:_READ]
    english = book("en")["lexicon"]
    leads = [meaning for word, meaning in book("zh")["lexicon"].items() if word in text]
    leads += [english[word] for word in words_of(text) if word in english]
    leads += [book("en")["operators"][operator] for operator in _OPERATOR.findall(text)]
    return stems(" ".join([text, *leads]))


def stems(text: str) -> frozenset[str]:
    """The words of a text without endings and stopwords, and its pairs of Chinese characters."""
    words = [_stem(word) for word in words_of(text) if word.isascii() and not word.isdecimal()]
    pairs = [run[at : at + 2] for run in _CHINESE.findall(text) for at in range(len(run) - 1)]
    return frozenset((*words, *pairs)) - _stopwords()


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word  # noqa: PLR2004


@cache
def _stopwords() -> frozenset[str]:
    words = [*book("zh")["stopwords"], *book("en")["stopwords"]]
    return frozenset((*words, *map(_stem, words)))
