"""The two eras of the wire. What differs between them is data here, and never an `if` on a year elsewhere.

`2026` follows recorded traffic and is the default. `2024` follows the documentation of that year.

How a stream is sliced differs by the model too: tables of chunks have the beginning of a model's name as
key, the longest that fits counts, and "" stands for every other model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mockserver.engine.chunks import Chunking, Slicing

DOCUMENTATION = "https://help.aliyun.com/zh/model-studio/error-code"


@dataclass(frozen=True, slots=True)
class Profile:
    """One era. Every field is a fact about bytes; `docs/profiles.md` lists them with their sources."""

    name: str
    gzip_streams: bool
    """Streams are compressed too when the client accepts gzip (recorded until 2024-11)."""
    error_links: bool
    """Messages of the gateway end with a link to the documentation (since about 2025-12)."""
    error_prefix: bool
    """Messages of the engine begin with `<400> InternalError.Algo.…: `."""
    seed_maximum: int
    temperature_maximum_allowed: bool
    """Whether 2.0 itself is accepted by the native dialect."""
    top_p_maximum_allowed: bool
    """Whether 1.0 itself is accepted."""
    tool_choice_required: bool
    """Whether `tool_choice: "required"` is known (the documents refuse it; served since 2025)."""
    usage_details: bool
    """The compatible usage carries `prompt_tokens_details` and its kin."""
    compatible_data_prefix: bytes
    """How a `data` line of the compatible dialect begins."""
    compatible_running: bytes
    """The compatible `finish_reason` of a chunk that is not the last, as JSON."""
    compatible_fingerprint: bytes
    """The compatible `system_fingerprint`, as JSON."""
    compatible_choice_keys: Mapping[str, tuple[str, ...]]
    """The keys of a streamed choice in order, by its place: `opening`, `second`, `running`, `last`."""
    compatible_message_keys: tuple[str, ...]
    """The keys of a message that is not streamed, in order."""
    compatible_role_first: bool
    """A compatible stream opens with an empty chunk that carries the role."""
    compatible_dashed_ids: bool
    """Compatible completion ids are UUIDs with dashes (2024: 32 hexadecimal digits)."""
    compatible_error_ids: bool
    """Compatible errors carry `request_id` and `id`."""
    stream_errors_framed: bool
    """A compatible stream refused by the engine answers one SSE frame instead of JSON."""
    native_usage: Mapping[str, tuple[str, ...]]
    """The keys of the native `usage` in order, by format, with `-stream` where the answer is one."""
    native_tool_index: bool
    """A native stream has `index` in its choices when there are tools (recorded since 2025-10)."""
    native_chunks: Mapping[str, Slicing]
    """How native streams are sliced, by the beginning of the model's name."""
    compatible_chunks: Mapping[str, Slicing]
    """How compatible streams are sliced, by the beginning of the model's name."""

    def link(self, anchor: str | None) -> str:
        """What is appended to a message whose documentation has `anchor`."""
        return f" For details, see: {DOCUMENTATION}#{anchor}" if anchor and self.error_links else ""


def slicing(table: Mapping[str, Slicing], model: str, every: int | None = None) -> Slicing:
    """How a model's answers are sliced: by the longest beginning of its name in `table`, or `every` so many tokens."""
    if every is not None:
        return dict.fromkeys(("reasoning", "text", "call"), Chunking((), every))
    return table[max((beginning for beginning in table if model.startswith(beginning)), key=len)]


def _slicing(*first: int, step: int, call: Chunking) -> Slicing:
    text = Chunking(first, step)
    return {"reasoning": text, "text": text, "call": call}


_NATIVE_CALL = Chunking((4,), 8)
"""Recorded 2026-04: four tokens of arguments, then the rest."""
_COMPATIBLE_CALL = Chunking((6,), 8)
"""Recorded 2026-02: six tokens of arguments, then the rest."""
_DETAILED = (
    "total_tokens",
    "output_tokens",
    "input_tokens",
    "output_tokens_details",
    "plugins",
    "prompt_tokens_details",
)
_CHOICE = ("delta", "finish_reason", "index", "logprobs")
_STREAMED = ("total_tokens", "input_tokens", "output_tokens")

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="2026",
                gzip_streams=False,
                error_links=True,
                error_prefix=True,
                seed_maximum=2**63 - 1,
                temperature_maximum_allowed=True,
                top_p_maximum_allowed=True,
                tool_choice_required=True,
                usage_details=True,
                compatible_data_prefix=b"data: ",
                compatible_running=b"null",
                compatible_fingerprint=b"null",
                compatible_choice_keys={
                    "opening": ("delta", "index", "logprobs", "finish_reason"),
                    "second": ("finish_reason", "logprobs", "delta", "index"),
                    "running": _CHOICE,
                    "last": ("finish_reason", "delta", "index", "logprobs"),
                },
                compatible_message_keys=("content", "reasoning_content", "role", "tool_calls"),
                compatible_role_first=True,
                compatible_dashed_ids=True,
                compatible_error_ids=True,
                stream_errors_framed=True,
                native_usage={
                    "text": (
                        "prompt_tokens_details",
                        "total_tokens",
                        "output_tokens",
                        "input_tokens",
                        "plugins",
                    ),
                    "message": _DETAILED,
                    "text-stream": (*_STREAMED, "plugins"),
                    "message-stream": _DETAILED,
                },
                native_tool_index=True,
                native_chunks={
                    "": _slicing(1, 2, 3, 4, 8, step=4, call=_NATIVE_CALL),
                    "qwen-max": _slicing(2, 3, 4, 6, step=4, call=_NATIVE_CALL),
                    "qwen3.5": _slicing(step=10, call=_NATIVE_CALL),
                    "qwen3.6": _slicing(step=10, call=_NATIVE_CALL),
                },
                compatible_chunks={"": _slicing(1, 3, step=4, call=_COMPATIBLE_CALL)},
            ),
            Profile(
                name="2024",
                gzip_streams=True,
                error_links=False,
                error_prefix=False,
                seed_maximum=2**64 - 1,
                temperature_maximum_allowed=False,
                top_p_maximum_allowed=False,
                tool_choice_required=False,
                usage_details=False,
                compatible_data_prefix=b"data:",
                compatible_running=b'"null"',
                compatible_fingerprint=b'""',
                compatible_choice_keys={
                    "opening": _CHOICE,
                    "second": _CHOICE,
                    "running": _CHOICE,
                    "last": _CHOICE,
                },
                compatible_message_keys=("role", "content", "reasoning_content", "tool_calls"),
                compatible_role_first=False,
                compatible_dashed_ids=False,
                compatible_error_ids=False,
                stream_errors_framed=False,
                native_usage={
                    "text": ("total_tokens", "output_tokens", "input_tokens"),
                    "message": ("total_tokens", "output_tokens", "input_tokens"),
                    "text-stream": _STREAMED,
                    "message-stream": _STREAMED,
                },
                native_tool_index=False,
                native_chunks={"": _slicing(1, 2, 3, 8, step=8, call=_NATIVE_CALL)},
                compatible_chunks={"": _slicing(1, 2, 3, step=8, call=_COMPATIBLE_CALL)},
            ),
        )
    }
)
DEFAULT_PROFILE = "2026"
