"""The one place where bytes leave.

Frames are drawn from the answer as they are sent, one body message (one HTTP chunk) each, so a reader that
stalls stalls the writer. Every tenth frame gives way to other clients: without it, one stream that is ready
keeps everyone else waiting. uvicorn does not raise when the client has gone, it drops what is sent; so from
the tenth frame on, a task listens for the disconnect. However the sending ends, the frames' generator is
closed.
"""

import asyncio
import zlib
from collections.abc import Iterable

from starlette.types import Receive, Send

from mockserver.wire.answer import Answer
from mockserver.wire.progress import Progress

FRAMES_PER_TURN = 10
GZIP_WINDOW = 31
"""zlib's spelling of a gzip container with the largest window."""
GZIP_LEVEL = 1


async def send_answer(answer: Answer, receive: Receive, send: Send, progress: Progress | None = None) -> bool:
    """Send all of an answer. False if the client left before its end. `progress` counts what is sent."""
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if isinstance(answer.body, bytes):
            body = _whole(answer.body, gzip=answer.gzip)
            if progress is not None:
                progress.sent(len(body), bool(body))
                progress.end("finished")
            await send({"type": "http.response.body", "body": body})
            return True
        frames = _compressed(answer.body) if answer.gzip else answer.body
        return await _send_frames(frames, receive, send, progress)
    except OSError:
        return False  # other servers than uvicorn's httptools raise when the client has gone
    finally:
        discard(answer)


def discard(answer: Answer) -> None:
    """Free what an answer holds that will not be sent (any more)."""
    close = getattr(answer.body, "close", None)
    if close is not None:
        close()


async def _send_frames(frames: Iterable[bytes], receive: Receive, send: Send, progress: Progress | None) -> bool:
    departure: asyncio.Task[None] | None = None
    try:
        for number, frame in enumerate(frames, 1):
            if departure is not None and departure.done():
                return False
            await send({"type": "http.response.body", "body": frame, "more_body": True})
            if progress is not None:
                progress.sent(len(frame))
            if number % FRAMES_PER_TURN == 0:
                departure = departure or asyncio.create_task(wait_for_disconnect(receive))
                await asyncio.sleep(0)
        if progress is not None:
            progress.end("finished")
        await send({"type": "http.response.body", "body": b""})
        return True
    finally:
        if departure is not None:
            departure.cancel()


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has gone, or when the answer is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _whole(body: bytes, *, gzip: bool) -> bytes:
    return zlib.compress(body, GZIP_LEVEL, GZIP_WINDOW) if gzip else body


def _compressed(frames: Iterable[bytes]) -> Iterable[bytes]:
    """Frames as parts of one gzip stream, each flushed, so that a reader gets it at once."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    for frame in frames:
        yield compressor.compress(frame) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.flush()
