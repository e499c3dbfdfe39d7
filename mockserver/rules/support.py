"""What a model supports, and which parameters do not go together."""

from collections.abc import Iterator, Mapping

from mockserver.dialects.draft import Draft, Json
from mockserver.rules.rule import FOUND, Params, Rule


def _search(draft: Draft) -> Params | None:
    return FOUND if draft.parameters.get("enable_search") and not draft.model.search else None


def _tools(draft: Draft) -> Params | None:
    return FOUND if draft.tools and not draft.model.tools else None


def _logprobs(draft: Draft) -> Params | None:
    return FOUND if draft.parameters.get("logprobs") and not draft.model.logprobs else None


def _code_interpreter(draft: Draft) -> Params | None:
    asked = draft.parameters.get("enable_code_interpreter") and not draft.model.code_interpreter
    return FOUND if asked else None


def _audio(draft: Draft) -> Params | None:
    modalities = draft.parameters.get("modalities")
    return FOUND if isinstance(modalities, list) and "audio" in modalities and not draft.stream else None


def _search_while_thinking(draft: Draft) -> Params | None:
    asked = draft.parameters.get("enable_search") and draft.thinking and not draft.stream
    return FOUND if asked else None


def _response_not_a_format(draft: Draft) -> Params | None:
    """Something else than an object with a type: the service tells the name of its Python class."""
    value = draft.parameters.get("response_format")
    if value is None or (isinstance(value, Mapping) and value.get("type") is not None):
        return None
    return {"type": repr(type(value))}


def _response_type(draft: Draft) -> Params | None:
    known = draft.response_type in ("text", "json_object", "json_schema")
    return None if known else {"type": draft.response_type}


def _schema_for_any_object(draft: Draft) -> Params | None:
    given = draft.response_type == "json_object" and draft.parameters["response_format"].get("json_schema")
    return FOUND if given else None


def _response_unavailable(draft: Draft) -> Params | None:
    available = {"json_object": draft.model.json_object, "json_schema": draft.model.json_schema}
    return None if available.get(draft.response_type, True) else FOUND


def _json_while_thinking(draft: Draft) -> Params | None:
    return FOUND if draft.response_type != "text" and draft.thinking else None


def _json_word(draft: Draft) -> Params | None:
    if draft.response_type != "json_object":
        return None
    return None if any("json" in text.lower() for text in _texts(draft.messages)) else FOUND


def _texts(messages: tuple[Json, ...]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [content]
        for part in parts:
            text = part.get("text") if isinstance(part, Mapping) else part
            if isinstance(text, str):
                yield text


def _tool_choice_word(draft: Draft) -> Params | None:
    choice = draft.parameters.get("tool_choice")
    known = ("auto", "none", "required") if draft.profile.tool_choice_required else ("auto", "none")
    return FOUND if choice is not None and not isinstance(choice, Mapping) and choice not in known else None


def _tool_choice_while_thinking(draft: Draft) -> Params | None:
    choice = draft.parameters.get("tool_choice")
    return FOUND if draft.thinking and (isinstance(choice, Mapping) or choice == "required") else None


def _tool_named_search(draft: Draft) -> Params | None:
    return FOUND if any(tool["function"]["name"] == "search" for tool in draft.tools) else None


def _tools_as_text(draft: Draft) -> Params | None:
    return FOUND if draft.tools and draft.parameters.get("result_format") == "text" else None


def _partial_while_thinking(draft: Draft) -> Params | None:
    return FOUND if draft.thinking and draft.messages and draft.messages[-1].get("partial") is True else None


RULES = (
    Rule("InvalidParameter/search-unsupported", _search),
    Rule("InvalidParameter/tools-unsupported", _tools),
    Rule("InvalidParameter/logprobs-unsupported", _logprobs),
    Rule("InvalidParameter/code-interpreter-unsupported", _code_interpreter),
    Rule("InvalidParameter/audio-needs-stream", _audio, "compatible"),
    Rule("InvalidParameter/search-thinking-needs-stream", _search_while_thinking),
    Rule("InvalidParameter/response-format-unknown", _response_not_a_format),
    Rule("InvalidParameter/response-format-type", _response_type),
    Rule("InvalidParameter/json-schema-without-type", _schema_for_any_object),
    Rule("InvalidParameter/response-format-unavailable", _response_unavailable),
    Rule("InvalidParameter/json-with-thinking", _json_while_thinking),
    Rule("InvalidParameter/json-word-missing", _json_word),
    Rule("InvalidParameter/tool-choice-unsupported", _tool_choice_word),
    Rule("InvalidParameter/tool-choice-thinking", _tool_choice_while_thinking),
    Rule("InvalidParameter/tool-name-search", _tool_named_search),
    Rule("InvalidParameter/tools-need-message", _tools_as_text, "native"),
    Rule("InvalidParameter/partial-with-thinking", _partial_while_thinking),
)
