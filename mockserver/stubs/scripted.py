"""From what a test says to what the model says: a `ReplySpec` as the engine and the dialects take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import orjson

from mockserver.generation import Choice, Completion, GenerationRequest, Reply, ToolCall
from mockserver.stubs.stub import CallSpec, ReplySpec


@dataclass(frozen=True, slots=True)
class Script:
    """A reply, where its chunks end (in characters; empty: anywhere), and the usage it wants to be billed."""

    reply: Reply
    text_marks: tuple[int, ...] = ()
    reasoning_marks: tuple[int, ...] = ()
    usage: Mapping[str, Any] | None = None

    def prepare(self, request: GenerationRequest) -> GenerationRequest:
        """The request as it must be for this reply: a reply with reasoning is that of a thinking model."""
        return replace(request, thinking=True) if self.reply.reasoning else request

    def finish(self, completion: Completion) -> Completion:
        """The completion with the chunks and the usage that were asked for."""
        choices = tuple(self._marked(choice) for choice in completion.choices)
        return replace(completion, choices=choices, usage=self.usage or {})

    def _marked(self, choice: Choice) -> Choice:
        return replace(
            choice,
            text=replace(choice.text, marks=self.text_marks),
            reasoning=replace(choice.reasoning, marks=self.reasoning_marks),
        )


def script(spec: ReplySpec) -> Script:
    """The script of a reply that is neither raw nor a function nor a template (any more)."""
    text = spec.text if spec.text is not None else "".join(spec.chunks)
    thoughts = (spec.reasoning,) if isinstance(spec.reasoning, str) else spec.reasoning
    calls = tuple(_call(index, call) for index, call in enumerate(spec.tool_calls))
    return Script(
        reply=Reply(text, "".join(thoughts), calls, spec.finish_reason),
        text_marks=_marks(spec.chunks),
        reasoning_marks=() if isinstance(spec.reasoning, str) else _marks(thoughts),
        usage=spec.usage,
    )


def _marks(chunks: Sequence[str]) -> tuple[int, ...]:
    return tuple(accumulate(map(len, chunks)))


def _call(index: int, spec: CallSpec) -> ToolCall:
    arguments = spec.arguments if isinstance(spec.arguments, str) else _spaced(spec.arguments)
    made = blake2b(f"{index}:{spec.name}:{arguments}".encode(errors="replace"), digest_size=11).hexdigest()
    return ToolCall(id=spec.id or f"call_{made}", name=spec.name, arguments=arguments)


def _spaced(arguments: Mapping[str, Any]) -> str:
    """JSON as the model writes it, with a blank after `,` and `:`."""
    import json  # noqa: PLC0415 - only scripted calls need it

    return json.dumps(orjson.loads(orjson.dumps(arguments)), ensure_ascii=False)
