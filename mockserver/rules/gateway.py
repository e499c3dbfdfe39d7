"""The gateway's rules: what must be a stream, and what thinking needs. They come before types."""

from mockserver.dialects.draft import Draft
from mockserver.rules.rule import FOUND, Params, Rule


def _stream_only(draft: Draft) -> Params | None:
    return FOUND if draft.model.stream_only and not draft.stream else None


def _thinking_needs_stream(draft: Draft) -> Params | None:
    needs = draft.model.thinking_needs_stream and draft.thinking and not draft.stream
    return FOUND if needs else None


def _not_thinking(draft: Draft) -> Params | None:
    asked = draft.parameters.get("enable_thinking") is True and draft.model.thinking == "no"
    return {"model": draft.model.name} if asked else None


def _always_thinking(draft: Draft) -> Params | None:
    off = draft.parameters.get("enable_thinking") is False and draft.model.thinking == "only"
    return FOUND if off else None


def _thinking_as_text(draft: Draft) -> Params | None:
    """Only where thinking was asked for; models that think by themselves overlook the format."""
    asked = draft.parameters.get("enable_thinking") is True and draft.thinking
    return FOUND if asked and draft.parameters.get("result_format") == "text" else None


def _full_stream(draft: Draft) -> bool:
    return draft.stream and draft.parameters.get("incremental_output") is False


def _thinking_in_full(draft: Draft) -> Params | None:
    return FOUND if draft.thinking and draft.model.thinking != "only" and _full_stream(draft) else None


def _never_in_full(draft: Draft) -> Params | None:
    return FOUND if draft.model.thinking == "only" and _full_stream(draft) else None


RULES = (
    Rule("InvalidParameter/stream-only", _stream_only),
    Rule("InvalidParameter.NotSupportEnableThinking", _not_thinking),
    Rule("InvalidParameter/thinking-only", _always_thinking),
    Rule("InvalidParameter/thinking-needs-stream", _thinking_needs_stream),
    Rule("InvalidParameter/incremental-required", _never_in_full, "native"),
    Rule("InvalidParameter/thinking-incremental", _thinking_in_full, "native"),
    Rule("InvalidParameter/thinking-result-format", _thinking_as_text, "native"),
)
