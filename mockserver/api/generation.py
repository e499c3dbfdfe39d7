"""Text generation, for both dialects: read, judge, complete, write.

This is where the pure parts meet: a dialect reads the bytes, the rules judge them, documents are looked up, the writer
says something, the limits cut it, and the dialect writes it down. What may take long (the first load of a vocabulary, a
long prompt, a document, a client's JSON Schema) happens in a thread, so that no other client waits for it.
"""

import asyncio

from mockserver.api.body import read_body
from mockserver.api.reply import json_answer
from mockserver.dialects import compatible, native
from mockserver.dialects.body import parse
from mockserver.dialects.draft import Draft
from mockserver.engine import prompt, tokenizer
from mockserver.engine.respond import respond
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.files.consult import consult
from mockserver.generation import Completion, GenerationRequest
from mockserver.rules import judge
from mockserver.wire import headers
from mockserver.wire.answer import Answer

LONG = 20_000
"""Characters of a prompt above which it is counted in a thread: about 2 ms of work."""


async def generate(exchange: Exchange, services: Services) -> Answer:
    """The handler of both dialects' path for text."""
    return await answer(await read_body(exchange, services.settings), exchange, services)


async def answer(body: bytes, exchange: Exchange, services: Services) -> Answer:
    """The answer to a request for text.

    Raises:
        ApiError: whatever the service refuses.
    """
    draft = _read(body, exchange)
    judge(draft)
    request = draft.request()
    if request.model.documents:
        request = await asyncio.to_thread(_consult, request, exchange, services)
    completion = await _complete(request)
    return _write(completion, request, exchange, services)


def _read(body: bytes, exchange: Exchange) -> Draft:
    parsed = parse(body)
    if exchange.dialect == "native":
        return native.read(parsed, stream=exchange.stream, profile=exchange.profile)
    exchange.stream = compatible.wants_stream(parsed)
    return compatible.read(parsed, profile=exchange.profile)


def _consult(request: GenerationRequest, exchange: Exchange, services: Services) -> GenerationRequest:
    return consult(
        request,
        services.library,
        session=exchange.owner.namespace,
        now=exchange.arrived_ms / 1000,
        count=tokenizer.load(request.model.tokenizer).count,
        limits=services.limits,
    )


async def _complete(request: GenerationRequest) -> Completion:
    length = sum(len(message.content) for message in request.messages) + sum(map(len, request.documents))
    foreign = bool(request.tools) or request.response_format.schema is not None
    if length > LONG or foreign or not tokenizer.is_loaded(request.model.tokenizer):
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
    dialect = native if exchange.dialect == "native" else compatible
    if request.stream:
        head = exchange.head(services.clock)
        listed = headers.native_stream(head) if dialect is native else headers.compatible_stream(head)
        frames = dialect.write_stream(completion, request, exchange.meta())
        return Answer(200, listed, frames, gzip=exchange.gzip and exchange.profile.gzip_streams)
    return json_answer(exchange, services, dialect.write(completion, request, exchange.meta()))
