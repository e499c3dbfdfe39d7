"""The types of what is in a conversation. Roles and missing fields are left to the rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.dialects.draft import Json

Fragment = tuple[str, str]
"""A key of the catalogue's validator texts, and the path of the value that is not of its type."""

Types = Mapping[str, tuple[str, tuple[type, ...]]]
"""Fields, each with the key of the text that refuses it and the JSON types that it may have."""

_MESSAGE: Types = {
    "role": ("string", (str,)),
    "content": ("string", (str, list)),
    "name": ("string", (str,)),
    "tool_call_id": ("string", (str,)),
    "reasoning_content": ("string", (str,)),
    "tool_calls": ("list", (list,)),
}
_CALL: Types = {"id": ("string", (str,)), "function": ("dictionary", (dict,))}
_FUNCTION: Types = {"name": ("string", (str,)), "arguments": ("string", (str,))}
_ROUND: Types = {"user": ("string", (str,)), "bot": ("string", (str,))}


def message_mismatches(path: str, messages: Any) -> Iterator[Fragment]:
    """Everything in an array of messages that is not of its type."""
    if not isinstance(messages, list):
        yield "list", path
        return
    for index, message in enumerate(messages):
        below = f"{path}.{index}"
        if not isinstance(message, Mapping):
            yield "message_dictionary", below
            continue
        yield from _fields(below, message, _MESSAGE)
        calls = message.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            yield from _call(f"{below}.tool_calls.{place}", call)


def history_mismatches(path: str, history: Any) -> Iterator[Fragment]:
    """Everything in the deprecated `history` that is not of its type."""
    if not isinstance(history, list):
        yield "list", path
        return
    for index, turn in enumerate(history):
        if isinstance(turn, Mapping):
            yield from _fields(f"{path}.{index}", turn, _ROUND)
        else:
            yield "dictionary", f"{path}.{index}"


def _call(path: str, call: Any) -> Iterator[Fragment]:
    if not isinstance(call, Mapping):
        yield "dictionary", path
        return
    yield from _fields(path, call, _CALL)
    if isinstance(call.get("function"), Mapping):
        yield from _fields(f"{path}.function", call["function"], _FUNCTION)


def _fields(path: str, value: Json, types: Types) -> Iterator[Fragment]:
    """The fields that are there and not null."""
    for name, (key, accepted) in types.items():
        if value.get(name) is not None and not isinstance(value[name], accepted):
            yield key, f"{path}.{name}"
