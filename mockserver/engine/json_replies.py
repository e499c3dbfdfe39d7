"""Replies that are JSON (`response_format`), and tool results said in words.

For `json_object` the conversation tells which keys it wants, in one of the ways people write that: a sample
object, quoted names with colons, "with keys name and age", 包含 name 和 age 字段. The models print such
objects pretty.
"""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from mockserver.engine import structured
from mockserver.engine.phrases import Language, book, render, topic_of
from mockserver.generation import GenerationRequest

_READ = 4000
_MOST_KEYS = 20
_PAIRS = 12
_NAME = r"[\"“'`]?[A-Za-z_]\w{0,40}[\"”'`]?"
_LIST = rf"((?:{_NAME}(?:\s?[,，、]\s?(?:and )?|\s?(?:and|和|与|及)\s?)){{0,12}}{_NAME})"
_NAMED = re.compile(
    r"[\"“'`]([A-Za-z_][\w-]{0,40}|[\u4e00-\u9fff]{1,8})[\"”'`]\s?[:：]\s?(.?)",
    re.ASCII,
)
_LISTS = (
    re.compile(rf"\b(?:keys?|fields?|properties)(?: named| called| are| is|:)?:? {_LIST}", re.ASCII | re.IGNORECASE),
    re.compile(rf"(?:字段|键|属性)(?:名)?(?:分别|为|是|有|包括|包含|：|:){{0,3}}\s?{_LIST}", re.ASCII),
    re.compile(rf"(?:包含|包括|含有|提取|输出|返回)\s?{_LIST}\s?[等这两三四几个]{{0,3}}(?:字段|键|属性)", re.ASCII),
    re.compile(rf"\b(?:with|the|containing) {_LIST} (?:keys|fields|properties)\b", re.ASCII | re.IGNORECASE),
)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,40}", re.ASCII)
_NO_KEY = frozenset(("and", "json", "JSON", "the", "a", "an", "or"))
_SAMPLE_TYPES = {"[": "array", "{": "object", "t": "boolean", "f": "boolean"}


def write(request: GenerationRequest, question: str, rng: Random, sentences: Sequence[str]) -> str:
    """The text of a JSON reply: it satisfies the schema, or is an object with the keys that are described."""
    schema = request.response_format.schema if request.response_format.type == "json_schema" else None
    if schema is None:
        schema = _described(request) or _plain(question)
    value = structured.fill(schema, question, rng, complete=True, sentences=sentences)
    return structured.dumps(value, indent=2)


def _plain(question: str) -> dict[str, Any]:
    answer = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {"topic": {"const": topic_of(question)}, "answer": answer},
        "required": ["topic", "answer"],
    }


def _described(request: GenerationRequest) -> dict[str, Any]:
    """A schema of the keys the conversation names, {} when it names none."""
    keys: dict[str, Any] = {}
    for message in reversed(request.messages):
        if message.role in ("system", "user"):
            keys = keys or _keys(message.content[:_READ])
    if not keys:
        return {}
    return {
        "type": "object",
        "properties": dict(list(keys.items())[:_MOST_KEYS]),
        "required": list(keys)[:_MOST_KEYS],
    }


def _keys(text: str) -> dict[str, Any]:
    sample = {name: _typed(start) for name, start in _NAMED.findall(text)}
    lists = (listed for pattern in _LISTS for listed in pattern.findall(text))
    named = (name for listed in lists for name in _IDENTIFIER.findall(listed) if name not in _NO_KEY)
    return sample or {name: {} for name in named}


def _typed(start: str) -> dict[str, Any]:
    kind = "number" if start.isdecimal() else _SAMPLE_TYPES.get(start)
    return {"type": kind} if kind else {}


def spoken(result: str, language: Language) -> str:
    """A tool result as words: the pairs of a JSON object, the text of anything else."""
    try:
        value = json.loads(result[:_READ])
    except (ValueError, RecursionError):
        return " ".join(result[:_READ].split())
    if not isinstance(value, dict):
        return value.strip() if isinstance(value, str) else structured.dumps(value)
    words = book(language)
    pairs = [(str(key), item if isinstance(item, str) else structured.dumps(item)) for key, item in value.items()]
    return str(words["pair_joint"]).join(
        render(words["pair"], {"key": key, "value": said}) for key, said in pairs[:_PAIRS]
    )
