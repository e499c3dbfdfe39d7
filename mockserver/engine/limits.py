"""What the limits of a request leave of a reply.

The reply is taken as what the model would have gone on to say; generation ends at the first of
  - a stop sequence in the text: what comes before it stays, finish_reason `stop`;
  - the limit of tokens: exactly that many are billed, finish_reason `length`;
  - the reply's own end: `stop`, `tool_calls`, or what the reply says.

Which tokens count against which limit
  - `thinking_budget` (and the model's longest reasoning) cuts the reasoning; the answer follows all the same;
  - `max_tokens` (else the model's default) limits text and calls, not the reasoning;
  - `max_completion_tokens` limits reasoning, text and calls together. The tags around the reasoning are
    billed but count against no limit: recorded with a limit of 20: 21 tokens and `length` (one for the tag).

A stop sequence is looked for in the text only, never in the reasoning or in arguments, and only in what the
limit let be generated. Token ids mean the text they spell; ids that spell no whole characters are matched as
tokens. A token cut inside a character is billed, the character is left out: no text ends in U+FFFD.
"""

from collections.abc import Iterator, Sequence

from mockserver.engine import prompt
from mockserver.engine.tokenizer import Tokenizer
from mockserver.generation import (
    CallSegment,
    Choice,
    Completion,
    GenerationRequest,
    Reply,
    Segment,
    Stop,
    ToolCall,
)

_TAGS = (2, 3)
"""The tags of Qwen on the text endpoint with their line breaks (recorded: 10 + 38 tokens billed as 53)."""
_TAGS_DEEPSEEK = (1, 0)
_NO_CALLS: tuple[CallSegment, ...] = ()


def complete(
    request: GenerationRequest,
    replies: Sequence[Reply],
    tokenizer: Tokenizer,
    *,
    limit: int,
    input_tokens: int | None = None,
) -> Completion:
    """The answers of `replies` (one per choice) within the limits.

    `limit` is the number of text tokens allowed when the request has no `max_tokens`. `input_tokens` saves
    counting the prompt again.
    """
    if input_tokens is None:
        input_tokens = prompt.input_tokens(request, tokenizer)
    choices = (_Cutter(request, tokenizer, limit).choice(index, reply) for index, reply in enumerate(replies))
    return Completion(tuple(choices), input_tokens)


def cut(segment: Segment, tokens: int) -> Segment:
    """The first `tokens` tokens; a character that the last of them leaves incomplete is left out."""
    if tokens >= len(segment.ends):
        return segment
    ends = segment.ends[: max(tokens, 0)]
    return Segment(segment.text[: ends[-1]] if ends else "", ends)


class _Cutter:
    """One request's limits, applied to a reply part by part."""

    def __init__(self, request: GenerationRequest, tokenizer: Tokenizer, limit: int) -> None:
        self._request = request
        self._tokenizer = tokenizer
        self._limit = limit if request.max_tokens is None else request.max_tokens

    def choice(self, index: int, reply: Reply) -> Choice:
        """The reply as a choice: reasoning first, then text, then calls, until something ends it."""
        reasoning, ended = self._reasoning(reply.reasoning)
        left = self._left(len(reasoning.ends))
        text, calls = Segment(), _NO_CALLS
        if not ended:
            text, ended = self._text(reply.text, left)
        if not ended:
            calls, ended = self._calls(reply.tool_calls, left - len(text.ends))
        finish_reason = ended or reply.finish_reason or ("tool_calls" if calls else "stop")
        tags = self._tags(thought=bool(reasoning.ends), answered=bool(text.ends or calls))
        return Choice(index, reasoning, text, calls, finish_reason, tags)

    def _reasoning(self, reasoning: str) -> tuple[Segment, str]:
        whole = self._tokenizer.pieces(reasoning)
        within = cut(whole, _smallest(len(whole.ends), self._request.thinking_budget, self._request.model.max_cot))
        left = _smallest(len(within.ends), self._request.max_completion_tokens)
        return cut(within, left), "length" if left < len(within.ends) else ""

    def _left(self, reasoned: int) -> int:
        total = self._request.max_completion_tokens
        return self._limit if total is None else min(self._limit, total - reasoned)

    def _text(self, text: str, left: int) -> tuple[Segment, str]:
        whole = self._tokenizer.pieces(text)
        within = cut(whole, left)
        stop = _first_stop(within.text, self._request.stop, self._tokenizer)
        if stop is not None:
            return self._tokenizer.pieces(within.text[:stop]), "stop"
        return within, "length" if left < len(whole.ends) else ""

    def _calls(self, calls: Sequence[ToolCall], left: int) -> tuple[tuple[CallSegment, ...], str]:
        kept: list[CallSegment] = []
        for call in calls:
            whole = self._call(call)
            needed = whole.overhead + len(whole.arguments.ends)
            if needed > left:
                return (*kept, *_part_of_call(whole, left)), "length"
            kept.append(whole)
            left -= needed
        return tuple(kept), ""

    def _call(self, call: ToolCall) -> CallSegment:
        """The frame is billed, the tags around it are not (recorded 2026-04: 16, 22, 34 and 37 tokens)."""
        arguments = self._tokenizer.pieces(call.arguments)
        framed = self._tokenizer.count(prompt.call_frame(call.name, call.arguments))
        return CallSegment(call.id, call.name, arguments, max(0, framed - len(arguments.ends)))

    def _tags(self, *, thought: bool, answered: bool) -> tuple[int, int]:
        model = self._request.model
        if not (self._request.thinking and thought) or model.endpoint == "multimodal-generation":
            return (0, 0)
        start, answer = _TAGS_DEEPSEEK if model.name.startswith("deepseek") else _TAGS
        return (start, answer if answered else 0)


def _smallest(amount: int, *limits: int | None) -> int:
    return min([amount, *(limit for limit in limits if limit is not None)])


def _part_of_call(call: CallSegment, left: int) -> Iterator[CallSegment]:
    """A call that the limit cuts: inside its arguments, or before them, in the frame."""
    if left > 0:
        frame = min(call.overhead, left)
        yield CallSegment(call.id, call.name, cut(call.arguments, left - frame), frame)


def _first_stop(text: str, stops: Sequence[Stop], tokenizer: Tokenizer) -> int | None:
    """Where the earliest stop sequence begins, in characters."""
    spelled = [stop if isinstance(stop, str) else _spell(stop, tokenizer) for stop in stops]
    split = [ids for ids in spelled if isinstance(ids, tuple)]
    found = [text.find(words) for words in spelled if isinstance(words, str) and words]
    found += _find_tokens(text, split, tokenizer) if split else ()
    return min((at for at in found if at >= 0), default=None)


def _spell(ids: tuple[int, ...], tokenizer: Tokenizer) -> str | tuple[int, ...] | None:
    """The text of `ids`, the ids themselves where they split a character, None where one is unknown."""
    try:
        return b"".join(map(tokenizer.bytes_of, ids)).decode()
    except UnicodeDecodeError:
        return ids
    except KeyError:
        return None


def _find_tokens(text: str, stops: Sequence[tuple[int, ...]], tokenizer: Tokenizer) -> Iterator[int]:
    """Wherever one of the lists of ids begins."""
    tokens, ends = tuple(tokenizer.encode(text)), (0, *tokenizer.pieces(text).ends)
    for ids in stops:
        starts = range(len(tokens) - len(ids) + 1)
        yield from (ends[at] for at in starts if tokens[at : at + len(ids)] == ids)
