r"""How long a request is: the prompt the model reads, counted in tokens.

Qwen models read ChatML. A turn is `<|im_start|>{role}\n{content}<|im_end|>\n` and the prompt ends with the
opening of the answer, `<|im_start|>assistant\n`; the marks are single tokens that no text can spell. With
that, recorded `input_tokens` come out exactly (2024-11 to 2026: 16, 20, 34 and 186). Models whose
`system_prompt` is set put it in front when the client sends no system message. Of the two defaults that
templates of Qwen1.5 and Qwen2 were published with, "You are a helpful assistant." with its full stop gives
the documented 31 tokens of the recipe question to qwen1.5-72b-chat; without the stop it would be 30.

Tools, calls and results are laid out as in the chat template published with Qwen2.5. A recorded conversation
with tools of 283 tokens counts 282 here; the template of later hosted models is not public.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from mockserver.engine.tokenizer import Tokenizer
from mockserver.generation import GenerationRequest, Message, Tool

Piece = str | None
"""Text, or None for a mark that is one token."""

_TOOLS_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
_TOOLS_HEAD = (
    "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
_TOOLS_TAIL: tuple[Piece, ...] = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within ",
    None,
    None,
    " XML tags:\n",
    None,
    '\n{"name": <function-name>, "arguments": <args-json-object>}\n',
    None,
)
_JSON_OBJECT_TOKENS = 2
"""What `response_format` json_object adds (recorded: 25 against 23)."""


def input_tokens(request: GenerationRequest, tokenizer: Tokenizer) -> int:
    """The tokens the service bills for the prompt of `request`, its documents included."""
    extra = _JSON_OBJECT_TOKENS if request.response_format.type == "json_object" else 0
    return extra + sum(
        sum(1 for _ in run) if mark else tokenizer.count("".join(piece or "" for piece in run))
        for mark, run in groupby(_prompt(request), key=lambda piece: piece is None)
    )


def call_frame(name: str, arguments: str) -> str:
    """A tool call as the model writes it, between its two tags."""
    return f'\n{{"name": "{name}", "arguments": {arguments}}}\n'


def _prompt(request: GenerationRequest) -> Iterator[Piece]:
    messages = request.messages
    first = messages[0] if messages and messages[0].role == "system" else None
    yield from _system(request, first)
    for document in request.documents:
        yield from _turn("system", document)
    for group in _turns(messages[1:] if first else messages):
        yield from _messages(group)
    if not (messages and messages[-1].partial):
        yield from (None, "assistant\n")


def _system(request: GenerationRequest, message: Message | None) -> Iterator[Piece]:
    content = message.content if message else request.model.system_prompt
    if request.tools:
        head = (content if content is not None else _TOOLS_SYSTEM) + _TOOLS_HEAD
        yield from _turn("system", head + "".join(map(_signature, request.tools)), *_TOOLS_TAIL)
    elif content is not None:
        yield from _turn("system", content)


def _turns(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages by turn: results of tools that follow each other share one."""
    for is_tool, run in groupby(messages, key=lambda message: message.role == "tool"):
        turn = list(run)
        yield from [turn] if is_tool else ([message] for message in turn)


def _messages(group: list[Message]) -> Iterator[Piece]:
    message = group[0]
    if message.role == "tool":
        yield from (None, "user", *map(_result, group), None, "\n")
    elif message.tool_calls:
        yield from _calls(message)
    elif message.partial:
        yield from (None, f"assistant\n{message.content}")
    else:
        yield from _turn(message.role, message.content)


def _turn(role: str, *content: Piece) -> Iterator[Piece]:
    yield from (None, f"{role}\n", *content, None, "\n")


def _calls(message: Message) -> Iterator[Piece]:
    yield from (None, message.role)
    if message.content:
        yield f"\n{message.content}"
    for call in message.tool_calls:
        yield from ("\n", None, call_frame(call.name, call.arguments), None)
    yield from (None, "\n")


def _result(message: Message) -> str:
    return f"\n<tool_response>\n{message.content}\n</tool_response>"


def _signature(tool: Tool) -> str:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return "\n" + json.dumps({"type": "function", "function": function}, ensure_ascii=False)
