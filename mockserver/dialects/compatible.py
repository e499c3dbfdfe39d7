"""The compatible dialect: `POST /compatible-mode/v1/chat/completions`.

`read` takes a body apart, `write` and `write_stream` put a completion together, `write_error` a refusal.
All are pure functions. Errors come from different layers of the service, and each layer has its own keys
and ids (`_BODIES`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mockserver import errors, schemas
from mockserver.dialects.body import without_nulls
from mockserver.dialects.compatible_answer import completion_id, write
from mockserver.dialects.compatible_stream import write_stream
from mockserver.dialects.draft import Draft, Json
from mockserver.dialects.message_types import message_mismatches
from mockserver.dialects.meta import Meta, Refusal
from mockserver.dialects.types import read_compatible, refuse_compatible, whole_numbers
from mockserver.errors import ApiError
from mockserver.models import Model, models
from mockserver.profiles import Profile
from mockserver.rules import judge_gateway, judge_schema
from mockserver.wire.sse import compatible_done, compatible_frame

__all__ = ["JSON", "SSE", "read", "read_model", "wants_stream", "write", "write_error", "write_stream"]

JSON = b"application/json"
SSE = b"text/event-stream;charset=UTF-8"

ENVELOPE = frozenset({"model", "messages", "prompt"})
"""Fields of a body that are not parameters."""


# Reading


def read(body: Json, *, profile: Profile) -> Draft:
    """Takes a request apart, in the order in which the service refuses one.

    Raises:
        ApiError: for the model, the schema layer, and the gateway's rules.
    """
    model = read_model(body, profile)
    judged = schemas.accepts("compatible/chat-request", body)
    given = {name: value for name, value in body.items() if name not in ENVELOPE}
    parameters = whole_numbers(without_nulls(given))
    messages = body.get("messages")
    if not judged:
        parameters = read_compatible(parameters)
        if messages is not None:
            refuse_compatible(message_mismatches("messages", messages))
    draft = Draft(
        dialect="compatible",
        profile=profile,
        model=model,
        stream=parameters.get("stream") is True,
        parameters=parameters,
        messages=tuple(messages or ()),
        given_messages=messages is not None,
        judged=judged,
    )
    judge_schema(draft)
    judge_gateway(draft)
    return draft


def read_model(body: Json, profile: Profile) -> Model:
    """The model a compatible request names; names are case-sensitive.

    Raises:
        ApiError: if it is missing, unknown, or only served by the native dialect.
    """
    name = body.get("model")
    if name is None or name == "":
        raise ApiError("InvalidParameter/model-missing")
    if not isinstance(name, str):
        refuse_compatible([("string", "model")])
    model = models(profile.name).get(name)
    if model is None:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    if not model.compatible:
        raise ApiError("InvalidParameter/model-not-compatible", model=name)
    return model


def wants_stream(body: Json) -> bool:
    """Whether errors are to be framed as a stream: known before anything else of the body is."""
    return body.get("stream") is True


# Errors


def write_error(error: ApiError, meta: Meta, *, stream: bool) -> Refusal:
    """A refusal in the shape of the layer that refuses; the engine frames it where a stream was asked for."""
    form = errors.compatible_form(error.entry, meta.profile)
    framed = stream and form.shape == "engine" and meta.profile.stream_errors_framed
    said = _said(error, form, meta, prefixed=not framed)
    if framed:
        return Refusal(form.status, SSE, compatible_frame(orjson.dumps(_framed(said, meta))))
    return Refusal(form.status, b"" if form.shape == "empty" else JSON, _BODIES[form.shape](said, meta))


def write_error_event(error: ApiError, meta: Meta) -> bytes:
    """The frames that end a stream with this error: the error, then the end marker."""
    form = errors.compatible_form(error.entry, meta.profile)
    said = _said(error, form, meta, prefixed=False)
    prefix = meta.profile.compatible_data_prefix
    data = orjson.dumps({"error": _ordered(said, "code", "param", "message", "type")})
    return compatible_frame(data, prefix=prefix) + compatible_done(prefix=prefix)


Said = Mapping[str, Any]


def _said(error: ApiError, form: errors.CompatibleForm, meta: Meta, *, prefixed: bool) -> Said:
    return {
        "message": errors.text(form, error.params, meta.profile, prefixed=prefixed),
        "type": form.type,
        "param": form.param,
        "code": form.code,
    }


def _framed(said: Said, meta: Meta) -> dict[str, Any]:
    return {"error": _ordered(said, "code", "param", "message", "type"), "id": completion_id(meta)}


def _ordered(said: Said, *keys: str) -> dict[str, Any]:
    return {key: said[key] for key in keys}


def _body(*keys: str, request_id: str | None = None, with_id: bool = False) -> Callable[[Said, Meta], bytes]:
    """A writer of error bodies. `request_id` is a prefix to the id; None leaves the ids out."""

    def write_body(said: Said, meta: Meta) -> bytes:
        body: dict[str, Any] = {"error": _ordered(said, *keys)}
        if meta.profile.compatible_error_ids:
            if with_id:
                body["id"] = completion_id(meta)
            if request_id is not None:
                body["request_id"] = request_id + meta.request_id
        return orjson.dumps(body)

    return write_body


_CLASSIC = ("message", "type", "param", "code")
_BODIES: Mapping[str, Callable[[Said, Meta], bytes]] = {
    "gateway": _body(*_CLASSIC, request_id=""),
    "quota": _body("code", "message", "param", "type", request_id=""),
    "body": _body("message", "type"),
    "schema": _body(*_CLASSIC, request_id="chatcmpl-"),
    "engine": _body(*_CLASSIC, request_id="", with_id=True),
    "files": _body(*_CLASSIC),
    "batch": _body(*_CLASSIC),
    "empty": lambda _said, _meta: b"",
}
