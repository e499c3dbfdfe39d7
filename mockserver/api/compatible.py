"""The compatible paths besides chat and files: embeddings, the model list, and everything else."""

from mockserver.api.embedding import vectors
from mockserver.api.reply import json_answer
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.models import Model, embedding_models, models
from mockserver.wire.answer import Answer


async def embed(exchange: Exchange, services: Services) -> Answer:
    """The vectors of texts, always as lists of numbers: the service documents no other encoding."""
    body = exchange.json()
    name = body.get("model")
    if not name:
        raise ApiError("InvalidParameter/model-missing")
    model = embedding_models().get(name) if isinstance(name, str) else None
    if model is None:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    found, tokens = await vectors(model, body.get("input"), body.get("dimensions"))
    answer = {
        "data": [{"embedding": vector, "index": index, "object": "embedding"} for index, vector in enumerate(found)],
        "model": model.name,
        "object": "list",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "id": exchange.request_id,
    }
    return json_answer(exchange, services, answer)


async def list_models(exchange: Exchange, services: Services) -> Answer:
    """The models of this dialect. Embedding models can be called but are not listed, as at the service."""
    rows = [_row(model) for model in models(exchange.profile.name).values() if model.compatible]
    return json_answer(exchange, services, {"object": "list", "data": rows})


async def get_model(exchange: Exchange, services: Services) -> Answer:
    """One row of the list."""
    name = exchange.params["name"]
    model = models(exchange.profile.name).get(name)
    if model is None or not model.compatible:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    return json_answer(exchange, services, _row(model))


async def unknown(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - a handler
    """Any other path: 404 without a body.

    Raises:
        ApiError: always.
    """
    raise ApiError("NotFound")


def _row(model: Model) -> dict[str, str | int]:
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": "system"}
