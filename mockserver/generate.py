"""From a body to an answer, for both dialects: read, judge, complete, write.

This is where the pure parts meet: a dialect reads the bytes, the rules judge them, documents are looked up, the writer
says something, the limits cut it, and the dialect writes it down. What takes long (the first load of a vocabulary, a
long prompt, a document) happens in a thread, so that no other client waits for it.
"""

import asyncio

from mockserver.dialects import compatible, native
from mockserver.dialects.body import parse
from mockserver.dialects.draft import Draft
from mockserver.engine import prompt, tokenizer
from mockserver.engine.respond import respond
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.generation import Completion, GenerationRequest
from mockserver.rules import judge
from mockserver.wire import headers
from mockserver.wire.answer import Answer

LONG = 20_000
"""Characters of a prompt above which it is counted in a thread: about 2 ms of work."""


async def answer(_dialect: str, body: bytes, exchange: Exchange, services: Services) -> Answer:
    """The answer to a request for text.

    Raises:
        ApiError: whatever the service refuses.
    """
    draft = _read(body, exchange)
    judge(draft)
    request = draft.request()
    if request.model.documents:
        from mockserver.files.consult import consult  # noqa: PLC0415 - only document chat pays for it

        request = await asyncio.to_thread(consult, request, exchange, services)
    completion = await _complete(request)
    return _write(completion, request, exchange, services)


def _read(body: bytes, exchange: Exchange) -> Draft:
    parsed = parse(body)
    if exchange.dialect == "native":
        return native.read(parsed, stream=exchange.stream, profile=exchange.profile)
    exchange.stream = compatible.wants_stream(parsed)
    return compatible.read(parsed, profile=exchange.profile)


async def _complete(request: GenerationRequest) -> Completion:
    length = sum(len(message.content) for message in request.messages) + sum(map(len, request.documents))
    if length > LONG or not tokenizer.is_loaded(request.model.tokenizer):
        return await asyncio.to_thread(complete, request)
    return complete(request)


def complete(request: GenerationRequest) -> Completion:
    """What the model says, unless the prompt is too long for it.

    Raises:
        ApiError: `InvalidParameter/input-length`.
    """
    vocabulary = tokenizer.load(request.model.tokenizer)
    tokens = prompt.input_tokens(request, vocabulary)
    limit = request.model.input_limit(thinking=request.thinking)
    empty = request.from_prompt and not request.messages[-1].content
    if limit is not None and (tokens > limit or empty):
        raise ApiError("InvalidParameter/input-length", max=limit)
    return respond(request, vocabulary, tokens)


def _write(completion: Completion, request: GenerationRequest, exchange: Exchange, services: Services) -> Answer:
    head, meta = exchange.head(services.clock), exchange.meta()
    is_native = exchange.dialect == "native"
    dialect = native if is_native else compatible
    if request.stream:
        listed = headers.native_stream(head) if is_native else headers.compatible_stream(head)
        frames = dialect.write_stream(completion, request, meta)
        return Answer(200, listed, frames, gzip=exchange.gzip and exchange.profile.gzip_streams)
    listed = headers.native_json(head) if is_native else headers.compatible_json(head)
    return Answer(200, listed, dialect.write(completion, request, meta), gzip=exchange.gzip)
