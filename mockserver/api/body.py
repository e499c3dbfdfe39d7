"""Reading a request's body: bounded in size and in time, whole or as a form.

The content type of a JSON body is not looked at, as at the service.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.exchange import Exchange
from mockserver.settings import MEBIBYTE, Settings

if TYPE_CHECKING:
    from mockserver.api.multipart import Form

FORM_OVERHEAD = MEBIBYTE
"""What a form may hold besides its file: boundaries, headers, fields."""


class ClientGoneError(Exception):
    """The client left before its request was complete. There is nobody to answer."""


async def read_body(exchange: Exchange, settings: Settings) -> bytes:
    """The whole body.

    Raises:
        ApiError: `BadRequest.TooLarge` above `max_body_bytes`, `RequestTimeOut` after `body_timeout`.
        ClientGoneError: nobody is there any more.
    """
    async with _deadline(exchange, settings):
        chunks = [chunk async for chunk in _chunks(exchange, settings.max_body_bytes)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_form(exchange: Exchange, settings: Settings) -> "Form":
    """A multipart body. openai for JavaScript 4 sends a line end after the last boundary: it is no error.

    Raises:
        ApiError: `InvalidParameter/body-invalid` for anything but a complete form, and as `read_body`.
        ClientGoneError: nobody is there any more.
    """
    from mockserver.api.multipart import parse_form  # noqa: PLC0415 - only uploads pay for the parser

    async with _deadline(exchange, settings):
        chunks = _chunks(exchange, settings.max_upload_bytes + FORM_OVERHEAD)
        return await parse_form(exchange.header("content-type"), chunks)


@asynccontextmanager
async def _deadline(exchange: Exchange, settings: Settings) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(settings.body_timeout):
            yield
    except TimeoutError:
        exchange.hang_up = True
        raise ApiError("RequestTimeOut") from None


async def _chunks(exchange: Exchange, limit: int) -> AsyncGenerator[bytes, None]:
    _refuse_announced(exchange.header("content-length"), limit)
    size = 0
    more = True
    while more:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise ApiError("BadRequest.TooLarge")
        more = message.get("more_body", False)
        yield chunk


def _refuse_announced(length: str, limit: int) -> None:
    """Refuse by the announced length what need not be read."""
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise ApiError("BadRequest.TooLarge")
