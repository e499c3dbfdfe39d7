"""The native answer in one piece, and what a stream shares with it: usage and finish reason.

Two formats: `text` has the text beside its finish reason, `message` has choices. Key order is as recorded
(2024-11 to 2025-07): in one piece `finish_reason` comes before `message`, in a stream after it.
"""

from collections.abc import Callable
from typing import Any

import orjson

from mockserver.dialects.meta import Meta
from mockserver.generation import CallSegment, Choice, Completion, GenerationRequest
from mockserver.profiles import Profile


def write(completion: Completion, request: GenerationRequest, meta: Meta) -> bytes:
    """The whole answer as one JSON object."""
    usage = usage_writer(completion, request, meta.profile)(completion.output_tokens, completion.reasoning_tokens)
    text = request.result_format == "text"
    output = _text_output(completion) if text else _message_output(completion, request)
    return b'{"output":%b,"usage":%b,"request_id":"%b"}' % (output, usage, meta.request_id.encode())


def _text_output(completion: Completion) -> bytes:
    choice = completion.choices[0]
    return orjson.dumps({"finish_reason": choice.finish_reason, "text": choice.text.text})


def _message_output(completion: Completion, request: GenerationRequest) -> bytes:
    several = len(completion.choices) > 1
    return orjson.dumps({"choices": [_choice(choice, request, several=several) for choice in completion.choices]})


def _choice(choice: Choice, request: GenerationRequest, *, several: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    if choice.calls:
        message["tool_calls"] = [_call(index, call) for index, call in enumerate(choice.calls)]
    message["content"] = choice.text.text
    if request.thinking:
        message["reasoning_content"] = choice.reasoning.text
    whole: dict[str, Any] = {"finish_reason": finish_reason(choice, request), "message": message}
    if several:
        whole["index"] = choice.index
    if choice.logprobs is not None:
        whole["logprobs"] = {"content": choice.logprobs}
    return whole


def _call(index: int, call: CallSegment) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments.text}
    return {"function": function, "index": index, "id": call.id, "type": "function"}


def finish_reason(choice: Choice, request: GenerationRequest) -> str:
    """A tool that the client forced ends with `stop` (recorded 2024-11; the documents say `tool_calls`)."""
    forced = choice.finish_reason == "tool_calls" and request.tool_choice not in ("auto", "none", "required")
    return "stop" if forced else choice.finish_reason


def usage_writer(completion: Completion, request: GenerationRequest, profile: Profile) -> Callable[[int, int], bytes]:
    """A function that writes the usage for so many output and reasoning tokens."""
    layout = profile.native_usage[f"{request.result_format}-stream" if request.stream else request.result_format]
    values: dict[str, Any] = {
        "input_tokens": completion.input_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    if request.search:
        values["plugins"] = {"search": {"count": 1, "strategy": "turbo"}}

    def write_usage(output: int, reasoning: int) -> bytes:
        values.update(total_tokens=completion.input_tokens + output, output_tokens=output)
        if request.thinking:
            values["output_tokens_details"] = {"reasoning_tokens": reasoning}
        return orjson.dumps({**{key: values[key] for key in layout if key in values}, **completion.usage})

    return write_usage
