"""The server and what it knows: health, schemas, OpenAPI, the catalogue of errors, the models."""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from mockserver._version import __version__
from mockserver.api.control.frame import ProblemError
from mockserver.errors import CatalogueError, Entry, catalogue
from mockserver.exchange import Exchange, Services
from mockserver.models import embedding_models, models


async def health(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """Whether the server is up, and which one it is."""
    return {"status": "ok", "version": __version__, "profile": services.profile.name}


async def list_schemas(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The names of all schemas."""
    from mockserver import schemas  # noqa: PLC0415 - only those who ask pay for it

    return {"schemas": schemas.names()}


async def get_schema(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """One schema. Its name may end with `.json`, so that relative references can be followed."""
    from mockserver import schemas  # noqa: PLC0415

    try:
        return schemas.document(exchange.params["name"].removesuffix(".json"))
    except schemas.UnknownSchema as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, str(error)) from None


async def get_openapi(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The OpenAPI 3.1 document of everything that is emulated."""
    from mockserver import openapi  # noqa: PLC0415

    return openapi.document()


async def get_control_openapi(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The OpenAPI 3.1 document of the control API."""
    from mockserver import openapi_control  # noqa: PLC0415

    return openapi_control.document()


async def list_errors(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """All errors, each in a few words."""
    return {"errors": [_brief(entry) for entry in catalogue().values()]}


async def get_error(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """One error by its name, an alias or a code: all the catalogue says of it."""
    try:
        return asdict(catalogue()[exchange.params["name"]])
    except CatalogueError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, str(error)) from None


def _brief(entry: Entry) -> Mapping[str, Any]:
    return {
        "name": entry.name,
        "retryable": entry.retryable,
        "native": {"status": entry.native.status, "code": entry.native.code},
        "compatible": {"status": entry.compatible.status, "code": entry.compatible.code},
    }


async def list_models(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """The models as the server's profile has them."""
    return {
        "models": [asdict(model) for model in models(services.profile.name).values()],
        "embeddings": [asdict(model) for model in embedding_models().values()],
    }
