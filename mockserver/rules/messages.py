"""The rules of a conversation: what input there must be, who may speak when, and how tools are answered."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from mockserver.dialects.draft import Draft, Json
from mockserver.rules.rule import FOUND, Params, Rule

ROLES = ("user", "assistant", "system", "function", "plugin", "tool")
LAST_ROLES = ("user", "function", "tool")
PART_KEYS = frozenset({"text", "image", "video", "audio", "image_url", "video_url", "input_audio", "file"})
PART_TYPES = frozenset({"text", "image_url", "video_url", "video", "input_audio", "file"})


def _no_input(draft: Draft) -> Params | None:
    return FOUND if not draft.given_prompt and not draft.given_messages else None


def _two_inputs(draft: Draft) -> Params | None:
    both = draft.given_prompt and draft.given_messages and draft.profile.error_prefix
    return FOUND if both else None


def _role_2024(draft: Draft) -> Params | None:
    """The one text of the 2024 validator for roles, empty contents and a prompt beside messages."""
    if draft.profile.error_prefix:
        return None
    both = draft.given_prompt and draft.given_messages and not draft.messages
    return FOUND if both or _bad_role(draft) or _empty_user(draft) else None


def _empty_user(draft: Draft) -> bool:
    return any(message.get("role") == "user" and message.get("content") == "" for message in draft.messages)


def _too_short(draft: Draft) -> Params | None:
    return FOUND if draft.given_messages and not draft.messages else None


def _bad_role(draft: Draft) -> bool:
    if any(message.get("role") not in ROLES for message in draft.messages):
        return True
    last = draft.messages[-1] if draft.messages else None
    return last is not None and last.get("role") not in LAST_ROLES and not _continues(last)


def _continues(message: Json) -> bool:
    return message.get("role") == "assistant" and message.get("partial") is True


def _role(draft: Draft) -> Params | None:
    return FOUND if _bad_role(draft) else None


def _no_user(draft: Draft) -> Params | None:
    return None if any(message.get("role") == "user" for message in draft.messages) else FOUND


def _content_missing(draft: Draft) -> Params | None:
    silent = (message for message in draft.messages if message.get("content") is None)
    return FOUND if any(message.get("role") != "assistant" for message in silent) else None


def _content_not_text(draft: Draft) -> Params | None:
    if draft.model.media:
        return None
    return FOUND if any(not isinstance(text, (str, type(None))) for text in _contents(draft)) else None


def _contents(draft: Draft) -> Iterator[Any]:
    return (message.get("content") for message in draft.messages)


def _parts(draft: Draft) -> Iterator[Any]:
    for content in _contents(draft):
        if isinstance(content, list):
            yield from content


def _content_list_to_documents(draft: Draft) -> Params | None:
    if not draft.model.documents:
        return None
    for index, content in enumerate(_contents(draft)):
        if not isinstance(content, (str, type(None))):
            return {"index": index}
    return None


def _content_neither_text_nor_parts(draft: Draft) -> Params | None:
    for index, content in enumerate(_contents(draft)):
        if not isinstance(content, (str, list, type(None))):
            return {"index": index}
    return None


def _unknown_part_type(draft: Draft) -> Params | None:
    for part in _parts(draft):
        kind = part.get("type") if isinstance(part, Mapping) else None
        if isinstance(kind, str) and kind not in PART_TYPES:
            return {"type": kind}
    return None


def _unexpected_part(draft: Draft) -> Params | None:
    return FOUND if any(not _is_expected(part, media=draft.model.media) for part in _parts(draft)) else None


def _is_expected(part: Any, *, media: bool) -> bool:
    if not isinstance(part, Mapping):
        return False
    if isinstance(part.get("text"), str):
        return True
    return media and not PART_KEYS.isdisjoint(part)


def _arguments_missing(draft: Draft) -> Params | None:
    return FOUND if any("arguments" not in function for function in _called(draft)) else None


def _arguments_not_json(draft: Draft) -> Params | None:
    if "coder" not in draft.model.name:
        return None
    return FOUND if any(not _is_json(function.get("arguments")) for function in _called(draft)) else None


def _called(draft: Draft) -> Iterator[Json]:
    for message in draft.messages:
        for call in _calls(message):
            function = call.get("function") if isinstance(call, Mapping) else None
            yield function if isinstance(function, Mapping) else {}


def _calls(message: Json) -> list[Any]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _is_json(arguments: Any) -> bool:
    if not isinstance(arguments, str):
        return isinstance(arguments, Mapping)
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def _orphan(draft: Draft) -> Params | None:
    """A tool message answers a call of the assistant before it; without an id, by its place."""
    open_ids: set[Any] = set()
    for message in draft.messages:
        if message.get("role") == "tool":
            answered = message.get("tool_call_id")
            if not open_ids or (answered is not None and answered not in open_ids):
                return FOUND
        elif _calls(message):
            open_ids = {call.get("id") for call in _calls(message) if isinstance(call, Mapping)}
        else:
            open_ids = set()
    return None


def _unanswered(draft: Draft) -> Params | None:
    """Every call of an assistant message is answered before somebody else speaks."""
    for index, message in enumerate(draft.messages):
        calls = _calls(message)
        if calls:
            answers = list(_answers(draft.messages, index + 1))
            missing = {call.get("id") for call in calls if isinstance(call, Mapping)} - {
                answer.get("tool_call_id") for answer in answers
            }
            by_place = any(answer.get("tool_call_id") is None for answer in answers)
            if len(answers) < len(calls) or (missing and not by_place):
                return {"index": index + 1 + len(answers)}
    return None


def _answers(messages: tuple[Json, ...], start: int) -> Iterator[Json]:
    for index in range(start, len(messages)):
        if messages[index].get("role") != "tool":
            return
        yield messages[index]


RULES = (
    Rule("InvalidParameter/prompt-or-messages", _no_input),
    Rule("InvalidParameter/role-2024", _role_2024, "native"),
    Rule("InvalidParameter/prompt-and-messages", _two_inputs, "native"),
    Rule("InvalidParameter/messages-too-short", _too_short),
    Rule("InvalidParameter/role", _role, "native"),
    Rule("InvalidParameter/no-user-message", _no_user),
    Rule("InvalidParameter/content-required", _content_missing),
    Rule("InvalidParameter/content-string", _content_not_text, "native"),
    Rule("InvalidParameter/content-string-long", _content_list_to_documents, "compatible"),
    Rule("InvalidParameter/content-string-at", _content_neither_text_nor_parts, "compatible"),
    Rule("InvalidParameter/content-part-type", _unknown_part_type, "compatible"),
    Rule("InvalidParameter/content-item", _unexpected_part),
    Rule("InvalidParameter/tool-arguments-missing", _arguments_missing),
    Rule("InvalidParameter/tool-arguments-json", _arguments_not_json),
    Rule("InvalidParameter/tool-message-orphan", _orphan),
    Rule("InvalidParameter/tool-calls-unanswered", _unanswered),
)
