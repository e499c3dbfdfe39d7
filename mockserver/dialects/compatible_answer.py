"""The compatible answer in one piece, and what a stream shares with it: id and usage.

Key order is that of the service's first serializer (recorded 2024-07 to 2026-02).
"""

from typing import Any

import orjson

from mockserver.dialects.meta import Meta
from mockserver.generation import CallSegment, Choice, Completion, GenerationRequest
from mockserver.profiles import Profile


def write(completion: Completion, request: GenerationRequest, meta: Meta) -> bytes:
    """The whole answer as one JSON object."""
    return orjson.dumps(
        {
            "choices": [_choice(choice, request, meta.profile) for choice in completion.choices],
            "object": "chat.completion",
            "usage": usage_of(completion, request, meta.profile),
            "created": meta.created,
            "system_fingerprint": orjson.Fragment(meta.profile.compatible_fingerprint),
            "model": request.model.name,
            "id": completion_id(meta),
        }
    )


def completion_id(meta: Meta) -> str:
    """`chatcmpl-` and the request id; without dashes in the documents of 2024."""
    dashed = meta.profile.compatible_dashed_ids
    return "chatcmpl-" + (meta.request_id if dashed else meta.request_id.replace("-", ""))


def _choice(choice: Choice, request: GenerationRequest, profile: Profile) -> dict[str, Any]:
    message: dict[str, Any] = {"content": choice.text.text, "role": "assistant"}
    if request.thinking:
        message["reasoning_content"] = choice.reasoning.text
    if choice.calls:
        message["tool_calls"] = [_call(index, call) for index, call in enumerate(choice.calls)]
    return {
        "message": {key: message[key] for key in profile.compatible_message_keys if key in message},
        "finish_reason": choice.finish_reason,
        "index": choice.index,
        "logprobs": None if choice.logprobs is None else {"content": choice.logprobs},
    }


def _call(index: int, call: CallSegment) -> dict[str, Any]:
    function = {"arguments": call.arguments.text, "name": call.name}
    return {"function": function, "id": call.id, "index": index, "type": "function"}


def usage_of(completion: Completion, request: GenerationRequest, profile: Profile) -> dict[str, Any]:
    """What is billed. The tokens of the completion include those of the reasoning."""
    usage: dict[str, Any] = {
        "prompt_tokens": completion.input_tokens,
        "completion_tokens": completion.output_tokens,
        "total_tokens": completion.input_tokens + completion.output_tokens,
    }
    if profile.usage_details:
        if request.thinking:
            usage["completion_tokens_details"] = {"reasoning_tokens": completion.reasoning_tokens}
        usage["prompt_tokens_details"] = {"cached_tokens": 0}
    return {**usage, **completion.usage}
