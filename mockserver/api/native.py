"""The native paths besides files: text generation, tokenizer, embeddings, model list, and all others."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from mockserver.api.embedding import vectors
from mockserver.api.reply import json_answer
from mockserver.engine import tokenizer
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.models import embedding_models, models
from mockserver.wire.answer import Answer

SHORT_TEXT = 10_000
"""Characters that are tokenized in under a millisecond, so on the event loop."""
NOT_EMULATED = (
    "services/aigc/multimodal-generation/",
    "services/aigc/text2image/",
    "services/aigc/image2image/",
    "services/aigc/image-generation/",
    "services/aigc/video-generation/",
    "services/rerank/",
    "services/audio/",
    "tasks",
    "uploads",
    "apps/",
)
"""Paths of the service that this emulator does not have (yet)."""

logger = logging.getLogger("mockserver")


async def tokenize(exchange: Exchange, services: Services) -> Answer:
    """The token ids of a text (recorded 2024)."""
    body = exchange.json()
    name, given = _envelope(body)
    model = models(exchange.profile.name).get(name)
    if model is None and name not in embedding_models():
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    output, count = await _tokens(_text(given), model.tokenizer if model else "qwen")
    answer = {"output": output, "usage": {"input_tokens": count}, "request_id": exchange.request_id}
    return json_answer(exchange, services, answer)


async def embed(exchange: Exchange, services: Services) -> Answer:
    """The vectors of up to 25 texts (recorded 2024)."""
    body = exchange.json()
    name, given = _envelope(body)
    model = embedding_models().get(name)
    if model is None:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    parameters = body.get("parameters") or {}
    dimension = parameters.get("dimension") if isinstance(parameters, Mapping) else None
    found, tokens = await vectors(model, given.get("texts"), dimension)
    embeddings = [{"embedding": vector, "text_index": index} for index, vector in enumerate(found)]
    output = {"embeddings": embeddings}
    answer = {"output": output, "usage": {"total_tokens": tokens}, "request_id": exchange.request_id}
    return json_answer(exchange, services, answer)


async def list_models(exchange: Exchange, services: Services) -> Answer:
    """A page of the model list, or the one model of `?model=`, as the dashscope SDK reads it."""
    query = exchange.query
    names = [*models(exchange.profile.name), *embedding_models()]
    if "model" in query:
        names = [name for name in names if name == query["model"]]
    number, size = page(query)
    shown = [{"model": name} for name in names[(number - 1) * size : number * size]]
    output = {"total": len(names), "page_no": number, "page_size": size, "models": shown}
    return json_answer(exchange, services, {"output": output, "request_id": exchange.request_id})


async def unknown(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - a handler
    """Any other path: what the service says to a wrong one.

    Raises:
        ApiError: always.
    """
    path = exchange.params["path"]
    if path.startswith(NOT_EMULATED):
        logger.warning("%s %a is not emulated yet: it is answered like a wrong path.", exchange.method, exchange.path)
    if path.startswith("services/aigc/"):
        raise ApiError("InvalidParameter/url-error")
    if path.startswith("services/"):
        raise ApiError("InvalidParameter/task-null")
    raise ApiError("NotFound")


def page(query: Mapping[str, str]) -> tuple[int, int]:
    """The number and the size of the page that is asked for; what cannot be read counts as not given."""
    return _count(query.get("page_no", ""), 1), min(100, _count(query.get("page_size", ""), 10))


def _count(text: str, default: int) -> int:
    readable = text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004 - no page has such a number
    return int(text) or default if readable else default


def _envelope(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    name, given = body.get("model"), body.get("input")
    if not name:
        raise ApiError("BadRequest.EmptyModel")
    if not isinstance(name, str):
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    if not given:
        raise ApiError("BadRequest.EmptyInput")
    if not isinstance(given, Mapping):
        raise ApiError("BadRequest.IllegalInput")
    return name, given


def _text(given: Mapping[str, Any]) -> str:
    prompt, messages = given.get("prompt"), given.get("messages")
    contents = [prompt] if prompt is not None else messages
    if not isinstance(contents, list) or not contents:
        raise ApiError("InvalidParameter/prompt-or-messages")
    found = [content.get("content") if isinstance(content, Mapping) else content for content in contents]
    texts = [text for text in found if isinstance(text, str)]
    if len(texts) < len(found):
        raise ApiError("InvalidParameter/content-string")
    return "".join(texts)


async def _tokens(text: str, vocabulary: tokenizer.Vocabulary) -> tuple[dict[str, Any], int]:
    if len(text) <= SHORT_TEXT and tokenizer.is_loaded(vocabulary):
        return _tokens_now(text, vocabulary)
    return await asyncio.to_thread(_tokens_now, text, vocabulary)


def _tokens_now(text: str, vocabulary: tokenizer.Vocabulary) -> tuple[dict[str, Any], int]:
    encoding = tokenizer.load(vocabulary)
    ids = encoding.encode(text)
    return {"token_ids": ids, "tokens": [encoding.decode([token]) for token in ids]}, len(ids)
