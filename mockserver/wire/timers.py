"""Waiting, for a thousand streams at once.

A stream is a coroutine that sends and waits in turn. As a task it would cost a future, a timer and a trip
through the loop's queue for every event; instead all streams of a loop share one wheel with slots of a
millisecond. What waits stands in a slot, and the wheel's only timer resumes it itself, by `coroutine.send`.
Where a stream waits for something else (a reader that is slow), it is resumed when that is done, and the wheel
never waits for anybody.

So a stream runs outside of any task. It may await futures and `until`, which is all that ASGI servers and
this package do; `asyncio.timeout` and its like need a task and do not work in it.

`Slept` has the same two methods over a `sleep` of somebody else: with a virtual one, no time passes.
"""

import asyncio
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from heapq import heappop, heappush
from math import ceil
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

TICK = 0.001
"""Seconds. Nothing leaves before its time, and on an idle machine at most about this much after it."""

T = TypeVar("T")


class ClientLeftError(Exception):
    """Raised inside of a stream where it waits: the client has gone."""


class SleepClock(Protocol):
    """What knows how to sleep, really or not."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


class Timeline(Protocol):
    """Where a stream waits."""

    def now(self) -> float:
        """Seconds, from anywhere."""
        ...

    def until(self, when: float) -> Awaitable[None]:
        """Return at that time, or at once if it has passed."""
        ...

    async def run(self, stream: Coroutine[Any, Any, T], departure: "asyncio.Task[None]") -> T:
        """Run a stream to its end. It gets a `ClientLeftError` where it waits once `departure` is done."""
        ...


class Slept:
    """A timeline of its own for each stream. Time passes only while it sleeps."""

    def __init__(self, clock: SleepClock) -> None:
        self._clock = clock
        self._now = 0.0

    def now(self) -> float:
        """Seconds slept so far."""
        return self._now

    async def until(self, when: float) -> None:
        """Sleep what is missing."""
        pause, self._now = when - self._now, max(when, self._now)
        if pause > 0:
            await self._clock.sleep(pause)

    async def run(self, stream: Coroutine[Any, Any, T], departure: "asyncio.Task[None]") -> T:
        """Run a stream in this task. It sees for itself that the client has gone."""
        del departure
        return await stream


class Wheel:
    """The timers of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, list[Callable[[], None]]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = 0

    @staticmethod
    def now() -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    @staticmethod
    @types.coroutine
    def until(when: float) -> Generator[float, None, None]:
        """Wait for a time, in a stream that a wheel runs."""
        yield when

    async def run(self, stream: Coroutine[Any, Any, T], departure: "asyncio.Task[None]") -> T:
        """Run a stream to its end."""
        running = _Running(stream, self, self._loop)
        departure.add_done_callback(running.leave)
        try:
            running.step()
            return await running.result
        finally:
            departure.remove_done_callback(running.leave)
            running.close()

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call back at `when`, or in the next turn if that has passed."""
        slot = ceil(when / TICK)
        if slot in self._slots:
            self._slots[slot].append(callback)
            return
        self._slots[slot] = [callback]
        heappush(self._order, slot)
        if self._order[0] == slot:
            self._wake_for(slot)

    def _wake_for(self, slot: int) -> None:
        if self._timer is not None:
            if self._wakes <= slot:
                return
            self._timer.cancel()
        self._wakes = slot
        ticks = ceil(slot - time.monotonic() / TICK)  # uvloop would round down, and wake too early
        self._timer = self._loop.call_later(max(0, ticks) * TICK, self._turn)

    def _turn(self) -> None:
        self._timer = None
        present = int(time.monotonic() / TICK)
        while self._order and self._order[0] <= present:
            for callback in self._slots.pop(heappop(self._order)):
                callback()
        if self._order:
            self._wake_for(self._order[0])


_wheels: WeakKeyDictionary[asyncio.AbstractEventLoop, Wheel] = WeakKeyDictionary()


def wheel() -> Wheel:
    """The wheel of the running loop."""
    loop = asyncio.get_running_loop()
    found = _wheels.get(loop)
    if found is None:
        found = _wheels[loop] = Wheel(loop)
    return found


class _Running(Generic[T]):
    """A stream on a wheel. `turn` counts its steps, so that what it no longer waits for cannot resume it."""

    __slots__ = ("_loop", "_stream", "_turn", "_wheel", "result")

    def __init__(self, stream: Coroutine[Any, Any, T], on: Wheel, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._wheel = on
        self._loop = loop
        self._turn = 0
        self.result: asyncio.Future[T] = loop.create_future()

    def step(self) -> None:
        """Go on to the next wait."""
        self._advance(partial(self._stream.send, None))

    def leave(self, _departure: object) -> None:
        """Tell the stream that the client has gone."""
        if not self.result.done():
            self._advance(partial(self._stream.throw, ClientLeftError()))

    def close(self) -> None:
        """Stop the stream where it is, if it has not ended."""
        self._turn += 1
        self._stream.close()

    def _advance(self, resume: Callable[[], Any]) -> None:
        self._turn += 1
        try:
            awaited = resume()
        except StopIteration as end:
            self._settle(end.value, None)
        except BaseException as error:  # noqa: BLE001 - `run` raises it where somebody waits for it
            self._settle(None, error)
        else:
            self._wait_for(awaited)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(value)
        else:
            self.result.set_exception(error)

    def _wait_for(self, awaited: Any) -> None:
        resume = partial(self._resume, self._turn)
        if isinstance(awaited, float):
            self._wheel.at(awaited, resume)
        elif awaited is None:
            self._loop.call_soon(resume)
        else:
            awaited._asyncio_future_blocking = False  # noqa: SLF001 - as a task answers a future that it awaits
            awaited.add_done_callback(resume)

    def _resume(self, turn: int, _future: object = None) -> None:
        if turn == self._turn and not self.result.done():
            self.step()
