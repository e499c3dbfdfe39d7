"""The domain of text generation, free of dialect and transport.

A dialect reads bytes into a `GenerationRequest`; the engine turns it, with a `Reply` (what the model says),
into a `Completion` (what the limits leave of it, token by token); a dialect writes that as bytes. Every value
here is immutable, so one completion can be written by both dialects and in all four stream modes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mockserver.models import Model

Dialect = Literal["native", "compatible"]
Stop = str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function by the model. `arguments` is JSON text, as the wire has it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `content` is the text of all text parts; `media` counts the parts that are not text."""

    role: str
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    partial: bool = False
    media: int = 0


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call. `parameters` is a JSON Schema, `{}` when the client gave none."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """What the text must be: free text, any JSON object, or JSON that satisfies `schema`."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A valid request, the same for both dialects.

    `seed` None means the client gave none. `max_tokens` limits the text, `max_completion_tokens` the text and
    the reasoning; `thinking_budget` the reasoning. `tool_choice` is "auto", "none", "required" or the name of a tool.
    `top_logprobs` None means that no logprobs were asked for. `input_tokens` may be preset by documents: the
    texts of `documents` are part of the prompt (qwen-long) and are counted with it. `tokens_per_chunk` replaces the
    service's own schedule of a stream.
    """

    dialect: Dialect
    model: Model
    messages: tuple[Message, ...]
    stream: bool = False
    incremental: bool = True
    result_format: Literal["text", "message"] = "message"
    include_usage: bool = False
    seed: int | None = None
    n: int = 1
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    thinking: bool = False
    thinking_budget: int | None = None
    stop: tuple[Stop, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = False
    response_format: ResponseFormat = field(default_factory=ResponseFormat)
    top_logprobs: int | None = None
    search: bool = False
    documents: tuple[str, ...] = ()
    from_prompt: bool = False
    tokens_per_chunk: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says before any limit: by the default writer, or by a test.

    `finish_reason` None lets the engine decide (`tool_calls` with calls, else `stop`).
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A text and where its tokens end.

    `ends[i]` is the number of characters that are complete after token `i + 1`. A token that ends inside a
    character does not complete it: the character is held back to the token that does, so that a cut at any
    token is a cut between characters. `len(ends)` is the number of tokens.
    """

    text: str = ""
    ends: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    """Where a test wants its chunks to end, in characters; empty: the service's own schedule decides."""


@dataclass(frozen=True, slots=True)
class CallSegment:
    """A tool call whose arguments know where their tokens end."""

    id: str
    name: str
    arguments: Segment
    overhead: int = 0
    """Tokens of the call's frame (name, tags) that are billed before the first token of the arguments."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer, cut by the limits. The order on the wire is reasoning, text, calls."""

    index: int
    reasoning: Segment
    text: Segment
    calls: tuple[CallSegment, ...]
    finish_reason: str
    thinking_overhead: tuple[int, int] = (0, 0)
    """Tokens billed when the reasoning starts and when the answer starts (`<think>` and `</think>`)."""
    logprobs: tuple[Mapping[str, Any], ...] | None = None
    """One object for each token of the text, if they were asked for."""

    @property
    def text_offset(self) -> int:
        """Tokens billed before the first token of the text."""
        return sum(self.thinking_overhead) + len(self.reasoning.ends)

    @property
    def output_tokens(self) -> int:
        """All billed tokens of this choice."""
        calls = sum(call.overhead + len(call.arguments.ends) for call in self.calls)
        return self.text_offset + len(self.text.ends) + calls


@dataclass(frozen=True, slots=True)
class Completion:
    """All answers to one request, with the numbers that are billed."""

    choices: tuple[Choice, ...]
    input_tokens: int
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Fields that replace those of the computed usage, in the words of the dialect: a test wants them so."""

    @property
    def output_tokens(self) -> int:
        """All billed output tokens: the choices added up."""
        return sum(choice.output_tokens for choice in self.choices)

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of the reasoning alone, without the tags around it."""
        return sum(len(choice.reasoning.ends) for choice in self.choices)
