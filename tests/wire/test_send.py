import asyncio
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message

from mockserver.wire.answer import Answer
from mockserver.wire.send import FRAMES_PER_TURN, send_answer

HEADERS = [(b"content-type", b"text/plain")]


class Client:
    """The other end: keeps what it gets, and leaves after so many bodies."""

    def __init__(self, leaves_after: int | None = None, *, raises: bool = False) -> None:
        self.got: list[Message] = []
        self.gone = asyncio.Event()
        self._leaves_after = leaves_after
        self._raises = raises

    async def send(self, message: Message) -> None:
        if self.gone.is_set():
            if self._raises:
                raise ConnectionResetError
            return
        self.got.append(message)
        if len(self.bodies) == self._leaves_after:
            self.gone.set()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.got if message["type"] == "http.response.body"]


class Frames:
    """A generator that remembers how far it came and whether it was closed."""

    def __init__(self, count: int) -> None:
        self.made = 0
        self.closed = False
        self._count = count

    def generate(self) -> Iterator[bytes]:
        try:
            for number in range(self._count):
                self.made += 1
                yield b"%d\n\n" % number
        finally:
            self.closed = True


def send(answer: Answer, client_arguments: dict[str, Any] | None = None) -> tuple[Client, bool]:
    async def run() -> tuple[Client, bool]:
        client = Client(**client_arguments or {})
        return client, await send_answer(answer, client.receive, client.send)

    return asyncio.run(run())


def test_a_whole_body_is_one_message() -> None:
    client, complete = send(Answer(200, HEADERS, b"{}"))
    assert complete
    assert client.got == [
        {"type": "http.response.start", "status": 200, "headers": HEADERS},
        {"type": "http.response.body", "body": b"{}"},
    ]


@pytest.mark.parametrize("count", [0, 1, FRAMES_PER_TURN - 1, FRAMES_PER_TURN, FRAMES_PER_TURN + 1, 95])
def test_every_frame_is_a_message_of_its_own_and_an_empty_one_ends_them(count: int) -> None:
    frames = Frames(count)
    client, complete = send(Answer(200, HEADERS, frames.generate()))
    assert complete
    assert client.bodies == [*(b"%d\n\n" % number for number in range(count)), b""]
    assert [message.get("more_body", False) for message in client.got[1:]] == [True] * count + [False]


@pytest.mark.parametrize("raises", [False, True])
def test_a_client_that_leaves_ends_the_generator_soon(raises: bool) -> None:
    frames = Frames(10_000)
    _, complete = send(Answer(200, HEADERS, frames.generate()), {"leaves_after": 25, "raises": raises})
    assert not complete
    assert frames.closed
    assert frames.made <= 25 + 2 * FRAMES_PER_TURN


def test_other_tasks_get_their_turn_while_a_stream_is_sent() -> None:
    async def run() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        client = Client()
        await send_answer(Answer(200, HEADERS, Frames(1000).generate()), client.receive, client.send)
        task.cancel()
        return turns

    assert asyncio.run(run()) >= 1000 // FRAMES_PER_TURN


def test_a_cancelled_stream_closes_its_generator() -> None:
    frames = Frames(10)

    async def run() -> None:
        async def stalled(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        task = asyncio.create_task(send_answer(Answer(200, HEADERS, frames.generate()), Client().receive, stalled))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert frames.closed


def test_a_compressed_body_is_gzip() -> None:
    client, _ = send(Answer(200, HEADERS, b"x" * 1000, gzip=True))
    assert zlib.decompress(client.bodies[0], 31) == b"x" * 1000


def test_a_compressed_stream_can_be_read_frame_by_frame() -> None:
    client, _ = send(Answer(200, HEADERS, Frames(15).generate(), gzip=True))
    reader = zlib.decompressobj(31)
    assert [reader.decompress(body) for body in client.bodies[:15]] == [b"%d\n\n" % number for number in range(15)]
    reader.decompress(b"".join(client.bodies[15:]))
    assert reader.eof
