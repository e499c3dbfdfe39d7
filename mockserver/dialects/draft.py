"""A request between the wire and the domain: one shape for both dialects, not yet judged.

A dialect's `read` finds the model, the messages and the parameters wherever its envelope has them and
checks their types. What it hands on is a `Draft`. `mockserver.rules` judges it; `request()` turns an
accepted one into the domain's `GenerationRequest`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.generation import Dialect, GenerationRequest, Message, ResponseFormat, Stop, Tool, ToolCall
from mockserver.models import Model
from mockserver.profiles import Profile

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the client sent, sorted. `parameters` holds no nulls; `messages` are the raw objects.

    `given_prompt` and `given_messages` say which forms of input were there at all. `judged` says that the
    schema of the request accepted the body: types and ranges that do not depend on the model need no second
    look.
    """

    dialect: Dialect
    profile: Profile
    model: Model
    stream: bool
    parameters: Json
    messages: tuple[Json, ...]
    given_prompt: bool = False
    given_messages: bool = True
    judged: bool = True

    @property
    def thinking(self) -> bool:
        """Whether the model reasons before it answers. What is not yet a boolean switches nothing on."""
        if self.model.thinking in ("no", "only"):
            return self.model.thinking == "only"
        return self.parameters.get("enable_thinking", self.model.thinking == "hybrid_on") is True

    @property
    def tools(self) -> Sequence[Json]:
        """The tools the client offers."""
        tools: Sequence[Json] = self.parameters.get("tools") or ()
        return tools

    @property
    def response_type(self) -> str:
        """The type in `response_format`: `text` when there is none."""
        response_format = self.parameters.get("response_format") or {}
        return str(response_format.get("type", "text"))

    def request(self) -> GenerationRequest:
        """The request in the words of the domain. Only for drafts that the rules accepted."""
        get = self.parameters.get
        return GenerationRequest(
            dialect=self.dialect,
            model=self.model,
            messages=tuple(_message(message) for message in self.messages),
            stream=self.stream,
            incremental=self._incremental(),
            result_format=self._result_format(),
            include_usage=self._include_usage(),
            seed=get("seed"),
            n=self._n(),
            max_tokens=get("max_tokens"),
            max_completion_tokens=get("max_completion_tokens"),
            thinking=self.thinking,
            thinking_budget=get("thinking_budget"),
            stop=stops(get("stop")),
            tools=tuple(_tool(tool) for tool in self.tools),
            tool_choice=_tool_choice(get("tool_choice")),
            parallel_tool_calls=bool(get("parallel_tool_calls")),
            response_format=_response_format(get("response_format")),
            top_logprobs=(get("top_logprobs") or 0) if get("logprobs") else None,
            search=bool(get("enable_search")),
            from_prompt=self.given_prompt,
        )

    def _include_usage(self) -> bool:
        """The native dialect does not know `stream_options`: there it may be anything."""
        options = self.parameters.get("stream_options") if self.dialect == "compatible" else None
        return bool(options and options.get("include_usage"))

    def _incremental(self) -> bool:
        if self.dialect == "compatible":
            return True
        return bool(self.parameters.get("incremental_output", self.model.incremental or self.thinking))

    def _n(self) -> int:
        """Calls come once (documented), and the text format has no room for more than one answer."""
        return 1 if self.tools or self._result_format() == "text" else int(self.parameters.get("n", 1))

    def _result_format(self) -> Any:
        if self.dialect == "compatible" or self.thinking or self.tools:
            return "message"
        return self.parameters.get("result_format", self.model.result_format)


def stops(value: Any) -> tuple[Stop, ...]:
    """`stop` as the engine takes it: each string, token id or list of token ids ends the text."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(
        stop if isinstance(stop, str) else _tokens(stop if isinstance(stop, list) else [stop])
        for stop in value
        if stop not in ("", [])
    )


def _tokens(ids: list[Any]) -> tuple[int, ...]:
    """Token ids; `108386.0` is an integer in JSON Schema."""
    return tuple(map(int, ids))


def _message(raw: Json) -> Message:
    content = raw.get("content")
    parts = content if isinstance(content, list) else []
    return Message(
        role=raw["role"],
        content=content if isinstance(content, str) else "".join(_part_text(part) for part in parts),
        reasoning=raw.get("reasoning_content") or "",
        tool_calls=tuple(_tool_call(call) for call in raw.get("tool_calls") or ()),
        tool_call_id=raw.get("tool_call_id"),
        name=raw.get("name"),
        partial=raw.get("partial") is True,
        media=sum(1 for part in parts if isinstance(part, Mapping) and "text" not in part),
    )


def _part_text(part: Any) -> str:
    text = part.get("text") if isinstance(part, Mapping) else part
    return text if isinstance(text, str) else ""


def _tool_call(raw: Json) -> ToolCall:
    function = raw.get("function") or {}
    arguments = function.get("arguments", "")
    return ToolCall(
        id=raw.get("id") or "",
        name=function.get("name") or "",
        arguments=arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode(),
    )


def _tool(raw: Json) -> Tool:
    function = raw["function"]
    parameters = function.get("parameters")
    return Tool(
        name=function["name"],
        description=function.get("description") or "",
        parameters=parameters if isinstance(parameters, Mapping) else {},
    )


def _tool_choice(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value["function"]["name"])
    return value or "auto"


def _response_format(value: Json | None) -> ResponseFormat:
    if not value or value.get("type", "text") == "text":
        return ResponseFormat()
    return ResponseFormat(type=value["type"], schema=(value.get("json_schema") or {}).get("schema"))
