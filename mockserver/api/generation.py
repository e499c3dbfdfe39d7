"""Text generation, for both dialects: read, judge, complete, write.

This is where the pure parts meet: a dialect reads the bytes, the rules judge them, documents are looked up, the writer
says something, the limits cut it, and the dialect writes it down. What may take long (the first load of a vocabulary, a
long prompt, a document, a client's JSON Schema) happens in a thread, so that no other client waits for it.
"""

import asyncio
from dataclasses import replace

from mockserver.api.reply import json_answer, stream_answer
from mockserver.dialects import compatible, native
from mockserver.dialects.draft import Draft
from mockserver.engine import prompt, tokenizer
from mockserver.engine.respond import respond
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.files.consult import consult
from mockserver.generation import Completion, GenerationRequest
from mockserver.rules import judge
from mockserver.stubs.scripted import Script, script
from mockserver.wire.answer import Answer

LONG = 20_000
"""Characters of a prompt above which it is counted in a thread: about 2 ms of work."""


async def generate(exchange: Exchange, services: Services) -> Answer:
    """The answer to a request for text, in either dialect.

    Raises:
        ApiError: whatever the service refuses.
    """
    draft = _read(exchange)
    judge(draft)
    request = draft.request()
    if request.model.documents:
        request = await asyncio.to_thread(_consult, request, exchange, services)
    pacing = exchange.plan.outcome.pacing if exchange.plan is not None else None
    if pacing is not None:
        request = replace(request, tokens_per_chunk=pacing.tokens_per_chunk)
    planned = script(exchange.reply) if exchange.reply is not None else None
    if planned is not None:
        request = planned.prepare(request)
    completion = await _complete(request, planned)
    exchange.owner.meter.spend(
        request.model.name, completion.input_tokens + completion.output_tokens, exchange.arrived_ms
    )
    return _write(completion, request, exchange, services)


def _read(exchange: Exchange) -> Draft:
    if exchange.dialect == "native":
        return native.read(exchange.json(), stream=exchange.stream, profile=exchange.profile)
    return compatible.read(exchange.json(), profile=exchange.profile)


def _consult(request: GenerationRequest, exchange: Exchange, services: Services) -> GenerationRequest:
    return consult(
        request,
        services.library,
        session=exchange.owner.namespace,
        now=exchange.arrived_ms / 1000,
        count=tokenizer.load(request.model.tokenizer).count,
        limits=services.limits,
    )


async def _complete(request: GenerationRequest, planned: Script | None) -> Completion:
    length = sum(len(message.content) for message in request.messages) + sum(map(len, request.documents))
    foreign = bool(request.tools) or request.response_format.schema is not None
    if length > LONG or foreign or not tokenizer.is_loaded(request.model.tokenizer):
        return await asyncio.to_thread(complete, request, planned)
    return complete(request, planned)


def complete(request: GenerationRequest, planned: Script | None = None) -> Completion:
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
    if planned is None:
        return respond(request, vocabulary, tokens)
    return planned.finish(respond(request, vocabulary, tokens, replies=[planned.reply] * request.n))


def _write(completion: Completion, request: GenerationRequest, exchange: Exchange, services: Services) -> Answer:
    dialect = native if exchange.dialect == "native" else compatible
    if request.stream:
        return stream_answer(exchange, services, dialect.write_stream(completion, request, exchange.meta()))
    return json_answer(exchange, services, dialect.write(completion, request, exchange.meta()))
