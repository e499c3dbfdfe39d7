"""Answers with a pace or with faults: when each segment leaves, and how it all ends.

Times are absolute: an event that pacing wants at 300 ms leaves then, however long the ones before it took. A
pause is kept from the moment in which the segment before it really left, because only then do two segments
arrive as two. The head leaves with the first segment, as the service's does (its `req-cost-time` is the time
to the first byte).

An answer with neither goes through `send_answer`, and nothing here is paid for.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from mockserver.wire.answer import Answer
from mockserver.wire.connection import EXTENSION, take_over
from mockserver.wire.delivery import Delivery, Finish, Segment, with_last
from mockserver.wire.fault import Fault
from mockserver.wire.fault_kind import ErrorFrame, Setting
from mockserver.wire.outlet import AsgiOutlet, Outlet, RawOutlet
from mockserver.wire.pacing import Pacing
from mockserver.wire.progress import Ending, How, Progress
from mockserver.wire.send import FRAMES_PER_TURN, discard, send_answer, wait_for_disconnect
from mockserver.wire.timers import ClientLeftError, SleepClock, Slept, Timeline, wheel

_HOW: Mapping[Finish, How] = {"clean": "finished", "fin": "closed", "rst": "reset", "stall": "stalled"}


async def deliver(  # noqa: PLR0913 - the one place where all of these meet
    answer: Answer,
    *,
    pacing: Pacing | None = None,
    faults: Sequence[Fault] = (),
    scope: Scope,
    receive: Receive,
    send: Send,
    rng: random.Random,
    sleep_clock: SleepClock | None = None,
    frame: ErrorFrame | None = None,
    progress: Progress | None = None,
) -> Ending:
    """Send all of an answer, or what its faults leave of it, and say what became of it.

    `sleep_clock` None waits in real time, on the wheel of the running loop. `frame` writes the error frames of
    the answer's dialect. `progress` counts, and tells the end before the last bytes leave; without one an
    answer without pacing and faults is not counted.

    Raises:
        FaultError: a fault that cannot be; nothing has been sent.
        OSError: in process only, where a connection cannot be reset, closed or silent.
    """
    if pacing is None and not faults:
        complete = await send_answer(answer, receive, send, progress)
        how: How = "finished" if complete else "client-left"
        return Ending(how) if progress is None else progress.end(how)
    from mockserver.wire.faults import bend  # noqa: PLC0415 - who needs no fault need not load them

    timeline: Timeline = wheel() if sleep_clock is None else Slept(sleep_clock)
    counted = progress or Progress(timeline.now)
    counted.use(timeline.now)
    departure = asyncio.create_task(wait_for_disconnect(receive))
    try:
        delivery = bend(answer, faults, pacing, Setting(rng, frame))
        counted.idle = delivery.idle
        outlet = _outlet(delivery, scope, send)
        return await timeline.run(_Stream(delivery, outlet, timeline, counted, departure).run(), departure)
    finally:
        departure.cancel()
        discard(answer)
        counted.end("cut")


def _outlet(delivery: Delivery, scope: Scope, send: Send) -> Outlet:
    connection = take_over(scope) if delivery.needs_transport else None
    if connection is not None:
        return RawOutlet(delivery, connection)
    is_ours = EXTENSION in (scope.get("extensions") or {})
    is_bent = delivery.needs_transport or delivery.finish == "stall"
    return AsgiOutlet(delivery, send, is_nearest=is_bent and not is_ours)


class _Stream:
    """One answer while it is sent."""

    def __init__(
        self,
        delivery: Delivery,
        outlet: Outlet,
        timeline: Timeline,
        progress: Progress,
        departure: "asyncio.Task[None]",
    ) -> None:
        self._delivery = delivery
        self._outlet = outlet
        self._timeline = timeline
        self._progress = progress
        self._departure = departure
        self._began = timeline.now()

    async def run(self) -> Ending:
        """From the first byte to the end."""
        try:
            await self._wait(self._began + self._delivery.head_pause)
            await self._send_segments()
        except (ClientLeftError, OSError):  # servers other than uvicorn raise the latter
            return self._progress.end("client-left")
        ending = self._end()
        with suppress(ClientLeftError):
            await self._outlet.finish(self._timeline, self._departure)
        return ending

    def _end(self) -> Ending:
        return self._progress.end(_HOW[self._delivery.finish])

    async def _send_segments(self) -> None:
        left = self._timeline.now()
        number = 0
        for number, (segment, is_last) in enumerate(with_last(self._delivery.segments), start=1):
            await self._wait(self._time_of(segment, left), number)
            if number == 1:
                await self._send_head()
            self._progress.sent(len(segment.data), segment.events)
            if is_last:
                self._end()
            if segment.data:
                await self._outlet.body(number, segment.data)
            left = self._timeline.now()
        if not number:
            await self._send_head()

    def _time_of(self, segment: Segment, left: float) -> float:
        """When a segment is due, the one before it having left at `left`."""
        scheduled = self._began if segment.due is None else self._began + segment.due
        return max(scheduled, left + segment.pause)

    async def _send_head(self) -> None:
        due = self._timeline.now()
        for part in range(self._outlet.parts):
            await self._outlet.head(part)
            if self._delivery.head_every and part < self._outlet.parts - 1:
                due += self._delivery.head_every
                await self._wait(due)

    async def _wait(self, when: float, number: int = 0) -> None:
        """Wait for a time; where there is nothing to wait for, let others have their turn now and then."""
        if when > self._timeline.now():
            await self._timeline.until(when)
        elif number % FRAMES_PER_TURN == 0:
            await asyncio.sleep(0)
        if self._departure.done():
            raise ClientLeftError
