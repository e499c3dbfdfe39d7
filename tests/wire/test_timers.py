import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from raw_socket import chance

from mockserver.wire.timers import ClientLeftError, Slept, Wheel, wheel


def on_a_wheel(test: Callable[[Wheel], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await test(wheel())

    return asyncio.run(main())


async def ride(timers: Wheel, stream: Any, departure: "asyncio.Task[None] | None" = None) -> Any:
    never = asyncio.create_task(asyncio.Event().wait())
    try:
        return await timers.run(stream, departure or never)  # type: ignore[arg-type]
    finally:
        never.cancel()


def test_a_loop_has_one_wheel_and_another_loop_another() -> None:
    async def same(timers: Wheel) -> Wheel:
        assert wheel() is timers
        return timers

    assert on_a_wheel(same) is not on_a_wheel(same)


def test_nothing_is_called_before_its_time_and_all_of_it_in_order() -> None:
    async def test(timers: Wheel) -> None:
        called: list[tuple[float, float]] = []
        rng = chance()
        times = [timers.now() + rng.uniform(0, 0.05) for _ in range(300)]
        times += [timers.now() + each / 1000 for each in range(60, -5, -1)]
        for when in times:
            timers.at(when, lambda when=when: called.append((when, timers.now())))  # type: ignore[misc]
        await asyncio.sleep(0.1)
        assert sorted(when for when, _ in called) == sorted(times)
        assert all(now >= when for when, now in called)
        slots = [int(when * 1000) for when, _ in called]
        assert all(later >= earlier - 1 for earlier, later in pairwise(slots))

    on_a_wheel(test)


def test_a_stream_returns_what_it_returns_and_raises_what_it_raises() -> None:
    async def good() -> int:
        return 7

    async def bad(timers: Wheel) -> None:
        await timers.until(timers.now() + 0.002)
        raise KeyError("x")

    async def test(timers: Wheel) -> None:
        assert await ride(timers, good()) == 7
        with pytest.raises(KeyError):
            await ride(timers, bad(timers))

    on_a_wheel(test)


def test_many_streams_keep_absolute_times() -> None:
    async def stream(timers: Wheel, began: float, seen: list[int]) -> None:
        for number in range(10):
            await timers.until(began + number * 0.005)
            assert timers.now() >= began + number * 0.005
            seen.append(number)
            await asyncio.sleep(0)

    async def test(timers: Wheel) -> None:
        seen: list[list[int]] = [[] for _ in range(200)]
        began = timers.now()
        await asyncio.gather(*(ride(timers, stream(timers, began, each)) for each in seen))
        assert seen == [list(range(10))] * 200

    on_a_wheel(test)


def test_a_stream_that_waits_for_something_else_holds_up_nobody() -> None:
    async def slow(event: asyncio.Event) -> str:
        await event.wait()
        return "at last"

    async def test(timers: Wheel) -> None:
        event = asyncio.Event()
        waiting = asyncio.create_task(ride(timers, slow(event)))
        await ride(timers, timers_twice(timers))
        assert not waiting.done()
        event.set()
        assert await waiting == "at last"

    async def timers_twice(timers: Wheel) -> None:
        for _ in range(2):
            await timers.until(timers.now() + 0.002)

    on_a_wheel(test)


@pytest.mark.parametrize("waits_for", ["time", "future"])
def test_a_stream_hears_at_once_that_the_client_has_gone(waits_for: str) -> None:
    async def stream(timers: Wheel) -> str:
        try:
            if waits_for == "time":
                await timers.until(timers.now() + 3600)
            await asyncio.Event().wait()
        except ClientLeftError:
            return "gone"
        return "here"

    async def test(timers: Wheel) -> None:
        began = time.monotonic()
        departure = asyncio.create_task(asyncio.sleep(0.01))
        assert await ride(timers, stream(timers), departure) == "gone"
        assert time.monotonic() - began < 1

    on_a_wheel(test)


def test_a_cancelled_stream_is_closed_where_it_is() -> None:
    async def test(timers: Wheel) -> None:
        closed = asyncio.Event()

        async def stream() -> None:
            try:
                await timers.until(timers.now() + 3600)
            finally:
                closed.set()

        riding = asyncio.create_task(ride(timers, stream()))
        await asyncio.sleep(0.005)
        riding.cancel()
        await asyncio.gather(riding, return_exceptions=True)
        assert closed.is_set()

    on_a_wheel(test)


def test_slept_time_passes_only_asleep() -> None:
    class Clock:
        slept: list[float] = []  # noqa: RUF012 - one test, one clock

        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)

    async def main() -> None:
        timeline = Slept(Clock())
        for when in (0.5, 0.5, 0.25, 3600.0):
            await timeline.until(when)
        assert timeline.now() == 3600.0
        assert Clock.slept == [0.5, 3599.5]

    asyncio.run(main())
