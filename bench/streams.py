"""Paced streams: how late the events of many streams at once leave the server.

The server runs in a process of its own, the readers in this one. Lateness is taken where it arises, in the server's own
journal: the offset of each event since its stream began, against the offset that the pacing asked for. So a busy client
core does not count; a late timer or a full event loop does. The journal keeps whole milliseconds.
"""

import asyncio
import json
import os
import re
import statistics
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

STREAMS, EVENTS, ITL_MS, TTFT_MS = 1_000, 100, 20, 500
SESSIONS = 10
SPREAD_SECONDS = 0.3
"""The streams open over this time, as clients do; from then on all of them run together."""

CHAT = "/compatible-mode/v1/chat/completions"
CHUNK = re.compile(rb'"content":"w(\d+) "')
BODY = json.dumps({"model": "qwen-plus", "stream": True, "messages": [{"role": "user", "content": "count"}]}).encode()


async def main() -> None:
    """Measure, and print a line for each figure."""
    async with server() as (pid, port):
        for session in range(SESSIONS):
            script(port, session)
        before = cpu_seconds(pid)
        read = await asyncio.gather(*[stream(number, port) for number in range(STREAMS)])
        used = cpu_seconds(pid) - before
        late = [figure for session in range(SESSIONS) for figure in latenesses(port, session)]
    seconds = (TTFT_MS + EVENTS * ITL_MS) / 1000 + SPREAD_SECONDS
    cuts = statistics.quantiles(late, n=100)
    whole = sum(words == list(range(EVENTS)) for words in read)
    print(f"{STREAMS} streams of {EVENTS} events, {ITL_MS} ms apart: {whole} read whole and in order")
    print(f"lateness of {len(late)} events: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, worst {max(late):.0f} ms")
    print(f"server CPU: {used:.2f} s in {seconds:.1f} s, {used / seconds:.0%} of a core")


@asynccontextmanager
async def server() -> AsyncIterator[tuple[int, int]]:
    """A server in a process of its own: its process id and its port."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log-level", "error"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    if process.stdout is None:
        raise RuntimeError("the server has no output")
    try:
        async for line in process.stdout:
            if found := re.search(rb"http://127\.0\.0\.1:(\d+)/", line):
                yield process.pid, int(found[1])
                return
    finally:
        process.terminate()
        await process.wait()


def script(port: int, session: int) -> None:
    """What every request of a session gets: one word in a chunk, at a pace."""
    outcome = {
        "reply": {"chunks": [f"w{number} " for number in range(EVENTS)]},
        "pacing": {"ttft": f"{TTFT_MS}ms", "itl": f"{ITL_MS}ms"},
    }
    control(port, "POST", f"/__mock__/stubs?key=sk-bench-{session}", {"outcomes": [outcome]})


async def stream(number: int, port: int) -> list[int]:
    """Read one stream to its end. Returns the numbers of its words in the order in which they came."""
    await asyncio.sleep(SPREAD_SECONDS * number / STREAMS)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer sk-bench-{number % SESSIONS}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + BODY)
    data = await reader.read()
    writer.close()
    return [int(word) for word in CHUNK.findall(data)]


def latenesses(port: int, session: int) -> Iterator[float]:
    """How many milliseconds after its time each event of a session's streams left."""
    page = control(port, "GET", f"/__mock__/journal?key=sk-bench-{session}&limit=1000")
    for record in page["records"]:
        for place, offset in enumerate(record["answer"]["events_ms"][:EVENTS]):
            yield offset - (TTFT_MS + place * ITL_MS)


def control(port: int, method: str, path: str, document: Any = None) -> Any:
    """Ask the control API. Raises RuntimeError for anything but success."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, json.dumps(document) if document is not None else None)
    response = connection.getresponse()
    said = response.read()
    connection.close()
    if response.status >= 300:  # noqa: PLR2004 - HTTP
        raise RuntimeError(f"{method} {path}: {response.status} {said.decode()}")
    return json.loads(said)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
