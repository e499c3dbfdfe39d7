"""The native dialect: `POST /api/v1/services/aigc/text-generation/generation`.

`read` takes a body apart, `write` and `write_stream` put a completion together, `write_error` a refusal.
All are pure functions; key order, the string `"null"` and the repeated usage are as recorded (2025-03 to
2026-04).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from mockserver import errors, schemas
from mockserver.dialects.body import without_nulls
from mockserver.dialects.draft import Draft, Json
from mockserver.dialects.message_types import Fragment, history_mismatches, message_mismatches
from mockserver.dialects.meta import Meta, Refusal
from mockserver.dialects.native_answer import write
from mockserver.dialects.native_stream import write_stream
from mockserver.dialects.types import read_native, refuse_native, whole_numbers
from mockserver.errors import ApiError
from mockserver.models import Model, models
from mockserver.profiles import Profile
from mockserver.rules import judge_gateway
from mockserver.wire.sse import native_error_frame

JSON = b"application/json"
SSE = b"text/event-stream;charset=UTF-8"

__all__ = ["JSON", "SSE", "read", "read_model", "write", "write_error", "write_stream"]

# Reading


def read(body: Json, *, stream: bool, profile: Profile) -> Draft:
    """Takes a request apart, in the order in which the service refuses one.

    The gateway's rules come before types; they are asked again where types had to be put right (`"true"`).

    Raises:
        ApiError: for the model, the envelope, the gateway's rules, and the types of parameters.
    """
    model = read_model(body, profile)
    given = _object(body, "input")
    if given is None:
        raise ApiError("BadRequest.EmptyInput")
    judged = schemas.accepts("native/generation-request", body)
    parameters = whole_numbers(without_nulls(_object(body, "parameters") or {}))
    prompt, messages = given.get("prompt"), given.get("messages")
    draft = Draft(
        dialect="native",
        profile=profile,
        model=model,
        stream=stream,
        parameters=parameters,
        messages=(),
        given_prompt=prompt is not None,
        given_messages=messages is not None,
        judged=judged,
    )
    judge_gateway(draft)
    if not judged:
        draft = replace(draft, parameters=read_native(parameters))
        refuse_native(_input_mismatches(given))
        judge_gateway(draft)
    turns = messages if messages is not None else _conversation(given)
    return replace(draft, messages=tuple(turns))


def read_model(body: Json, profile: Profile) -> Model:
    """The model a native text request names.

    Raises:
        ApiError: if it is missing, not text, unknown, or belongs to another endpoint.
    """
    name = body.get("model")
    if name is None or name == "":
        raise ApiError("BadRequest.EmptyModel")
    if not isinstance(name, str):
        refuse_native([("string", "model")])
    model = models(profile.name).get(name)
    if model is None:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    if model.endpoint != "text-generation":
        raise ApiError("InvalidParameter/url-error")
    return model


def _object(body: Json, name: str) -> Json | None:
    value = body.get(name)
    if value is None or isinstance(value, Mapping):
        return value
    if name == "input":
        raise ApiError("BadRequest.IllegalInput")
    refuse_native([("dictionary", name)])
    return None


def _input_mismatches(given: Json) -> Iterator[Fragment]:
    prompt, messages, history = given.get("prompt"), given.get("messages"), given.get("history")
    if prompt is not None and not isinstance(prompt, str):
        yield "string", "input.prompt"
    if messages is not None:
        yield from message_mismatches("input.messages", messages)
    if history is not None:
        yield from history_mismatches("input.history", history)


def _conversation(given: Json) -> Iterator[Json]:
    """The deprecated `history` and the `prompt`, as the messages they stand for."""
    if given.get("prompt") is None:
        return
    for turn in given.get("history") or ():
        yield {"role": "user", "content": turn.get("user") or ""}
        yield {"role": "assistant", "content": turn.get("bot") or ""}
    yield {"role": "user", "content": given["prompt"]}


# Errors


def write_error_event(error: ApiError, meta: Meta, number: int, *, status: int | None = None) -> bytes:
    """The event number `number` of a stream that this error ends."""
    form = errors.native_form(error.entry, meta.profile)
    return native_error_frame(number, status or form.status, _body(error, form, meta))


def write_error(error: ApiError, meta: Meta, *, stream: bool) -> Refusal:
    """A refusal: JSON, or one SSE event where a stream was asked for and the error is of that kind."""
    form = errors.native_form(error.entry, meta.profile)
    body = _body(error, form, meta)
    if not stream or form.stream == "plain":
        return Refusal(form.status, JSON, body)
    frame = native_error_frame(1, form.status, body)
    return Refusal(200 if form.stream == "event-200" else form.status, SSE, frame)


def _body(error: ApiError, form: errors.NativeForm, meta: Meta) -> bytes:
    said: dict[str, Any] = {"code": form.code, "message": errors.text(form, error.params, meta.profile)}
    if form.type is not None:
        said = {"code": said["code"], "type": form.type, "message": said["message"]}
    first = form.order == "id-first"
    return orjson.dumps({"request_id": meta.request_id, **said} if first else {**said, "request_id": meta.request_id})
