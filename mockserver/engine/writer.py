"""What the model says by default: text, reasoning or tool calls, made of prepared sentences.

A reply is a pure function of the model's name, the messages, the documents, the seed and the index of the
choice: their hash seeds the only source of randomness. How the answer travels (dialect, stream, limits) has
no part in it, so the same conversation reads the same everywhere; the limits cut later.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from random import Random

from mockserver.engine import json_replies, prose, tools
from mockserver.engine.phrases import Voice, book, clean, language_of, render, topic_of
from mockserver.engine.quotes import quotes
from mockserver.generation import GenerationRequest, Message, Reply

_SEED = 1234
_RESULT = 400  # characters of a tool's result that are repeated


def replies(request: GenerationRequest) -> tuple[Reply, ...]:
    """One reply for each of the `n` choices, before any limit."""
    return tuple(_reply(request, key) for key in _keys(request))


def _reply(request: GenerationRequest, key: str) -> Reply:
    question = clean(tools.question_of(request))
    reasoning = prose.reasoning(_voice(request, question, _rng(key, "reasoning"))) if request.thinking else ""
    calls = tools.calls(request, key, _rng(key, "calls"))
    if calls:
        return Reply(reasoning=reasoning, tool_calls=calls)
    return Reply(text=_text(request, question, _voice(request, question, _rng(key, "text"))), reasoning=reasoning)


def _keys(request: GenerationRequest) -> Iterator[str]:
    """A stable hash of everything that decides the reply, for each choice."""
    digest = blake2b(digest_size=20)
    for part in _parts(request):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    for index in range(request.n):
        choice = digest.copy()
        choice.update(index.to_bytes(8, "big"))
        yield choice.hexdigest()


def _parts(request: GenerationRequest) -> Iterator[str]:
    default = _SEED if request.model.seed is None else request.model.seed
    yield request.model.name
    yield str(default if request.seed is None else request.seed)
    for message in request.messages:
        yield message.role
        yield message.content
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    yield from request.documents


def _rng(key: str, purpose: str) -> Random:
    """Its own source for every part, so that reasoning does not change the answer after it."""
    seed = blake2b(f"{key}/{purpose}".encode(), digest_size=16).digest()
    return Random(int.from_bytes(seed, "big"))  # noqa: S311 - repeatable, not secret


def _voice(request: GenerationRequest, question: str, rng: Random) -> Voice:
    return Voice(language_of(question), rng, {"topic": topic_of(question), "model": request.model.name})


def _text(request: GenerationRequest, question: str, voice: Voice) -> str:
    if request.response_format.type != "text":
        return json_replies.write(request, question, voice.rng, voice.bodies())
    last = request.messages[-1] if request.messages else Message(role="user", content="")
    if last.role == "assistant":
        return prose.continued(last.content if last.partial else "", voice)
    results = tools.results_of(request)
    if results:
        return _after_tool(request, results[-1], voice)
    passages = quotes(request.documents, question)
    return _quoted(passages, voice) if passages else prose.answer(question, voice)


def _after_tool(request: GenerationRequest, result: Message, voice: Voice) -> str:
    tool = _tool_name(request, result) or book(voice.language)["tool"]
    said = json_replies.spoken(clean(result.content), voice.language)[:_RESULT].rstrip(" .。，,")
    if not said:
        return voice.pick("after_empty_tool", tool=tool)
    return voice.join([voice.pick("after_tool", tool=tool, result=said), *prose.closing(voice)])


def _tool_name(request: GenerationRequest, result: Message) -> str:
    calls = (call for message in reversed(request.messages) for call in message.tool_calls)
    return result.name or next((call.name for call in calls if call.id == result.tool_call_id), "")


def _quoted(passages: Sequence[str], voice: Voice) -> str:
    words = book(voice.language)
    quoted = words["quote_joint"].join(render(words["quote"], {"quote": clean(text)}) for text in passages)
    return voice.join([voice.pick("quote_intro"), quoted, *prose.closing(voice)])
