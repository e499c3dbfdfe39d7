"""Load for a gateway in front of the emulator: paced streams side by side, each of which must be complete.

    dashscope-mock serve --port 8787
    python gateway_load.py http://127.0.0.1:8787/compatible-mode/v1 --streams 200 --requests 1000

Give it the address of the gateway to put the gateway under load. It prints how many streams came whole and how long
the first token took, and ends with 1 if a stream was cut short or refused.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from statistics import quantiles

import httpx

PACE = "ttft=50ms itl=5ms tokens_per_chunk=8"
TIMEOUT_SECONDS = 30


async def one(client: httpx.AsyncClient, number: int) -> float | None:
    """One stream. Returns seconds to its first event, None if it did not end with [DONE]."""
    body = {"model": "qwen-plus", "stream": True, "messages": [{"role": "user", "content": f"question {number}"}]}
    begin, first, last = time.perf_counter(), None, ""
    try:
        async with client.stream("POST", "/chat/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                first = first or time.perf_counter() - begin
                last = line or last
    except httpx.HTTPError:
        return None
    return first if last == "data: [DONE]" else None


async def load(url: str, key: str, *, streams: int, requests: int) -> list[float | None]:
    """So many requests, of which at most `streams` run at once."""
    headers = {"Authorization": f"Bearer {key}", "X-Mock": PACE}
    limits = httpx.Limits(max_connections=streams)
    timeout = httpx.Timeout(TIMEOUT_SECONDS, pool=None)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=timeout) as client:
        return await asyncio.gather(*(one(client, number) for number in range(requests)))


def main(given: Sequence[str] | None = None) -> int:
    """Run, print, and say whether all streams came whole."""
    parser = argparse.ArgumentParser(description="Load a gateway with paced streams.")
    parser.add_argument("url", help="base URL, with /compatible-mode/v1")
    parser.add_argument("--key", default="sk-load")
    parser.add_argument("--streams", type=int, default=50, help="streams at once")
    parser.add_argument("--requests", type=int, default=200, help="streams in all")
    wanted = parser.parse_args(given)
    begin = time.perf_counter()
    found = asyncio.run(load(wanted.url, wanted.key, streams=wanted.streams, requests=wanted.requests))
    whole = sorted(first for first in found if first is not None)
    print(f"{len(whole)} of {len(found)} streams whole in {time.perf_counter() - begin:.1f} s")
    if len(whole) > 1:
        cuts = quantiles(whole, n=100)
        print(f"first event: median {cuts[49] * 1000:.0f} ms, 99th percentile {cuts[98] * 1000:.0f} ms")
    return 0 if len(whole) == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
