"""Each kind of fault, asked for by header, over the whole server: what the client sees, and that the server lives on.

`test_deliver.py` proves the exact bytes; here every kind goes all the way through endpoint, plan and journal.
"""

import json
import socket
from collections.abc import Iterator

import pytest
from planned import CHAT, GENERATION, listening
from raw_socket import Seen, read

from mockserver import MockServer
from mockserver.exchange import Services
from mockserver.wire.faults import FAULTS

SILENCE = 0.1
"""Seconds after which a client believes that nothing comes any more."""
PARAMS = {
    "drip": "size=2000 every=1ms",
    "segments": "size=500",
    "slow-headers": "size=200 every=1ms",
    "garbage": "size=20",
}
"""Parameters without which a fault would take its time."""
ENDINGS = {
    "http10": "closed",
    "bad-status-line": "closed",
    "slow-headers": "closed",
    "connection-close": "closed",
    "reset-before-headers": "reset",
    "close-before-headers": "closed",
    "reset-after-headers": "reset",
    "reset": "reset",
    "close": "closed",
    "short-body": "closed",
    "bad-chunk-size": "closed",
    "stall-before-headers": "silence",
    "stall": "silence",
}
"""How the connection ends; a kind that is not named lets the answer be complete."""
NO_HEAD = {"reset-before-headers", "close-before-headers", "stall-before-headers"}

Listener = tuple[MockServer, Services]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as running:
        yield running


def asked(listener: Listener, path: str, words: str, *, stream: bool) -> Seen:
    """All that a client sees after one request."""
    server, _ = listener
    messages = [{"role": "user", "content": "hi"}]
    given = {"messages": messages, "stream": stream} if path == CHAT else {"input": {"messages": messages}}
    body = json.dumps({"model": "qwen-plus", **given}).encode()
    lines = [f"POST {path} HTTP/1.1", "host: test", "authorization: Bearer sk-faults", f"content-length: {len(body)}"]
    lines += ["content-type: application/json", f"x-mock: {words}"] if words else ["content-type: application/json"]
    lines += ["x-dashscope-sse: enable"] if stream and path == GENERATION else []
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return read(client, SILENCE if words.partition("=")[2].startswith("stall") else 5)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", [CHAT, GENERATION], ids=["chat", "generation"])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_does_what_it_says_and_nothing_else_breaks(
    listener: Listener, kind: str, path: str, stream: bool
) -> None:
    seen = asked(listener, path, f"fault={kind} {PARAMS.get(kind, '')}".strip(), stream=stream)
    assert seen.ended == ENDINGS.get(kind, "complete")
    assert bool(seen.all) == (kind not in NO_HEAD)
    records = list(listener[1].sessions.open("sk-faults", 0).journal)
    assert records[-1].stub == f"fault={kind} {PARAMS.get(kind, '')}".strip()
    healthy = asked(listener, path, "", stream=stream)
    assert (healthy.ended, healthy.head[0]) == ("complete", b"HTTP/1.1 200 OK")


def test_every_kind_with_an_ending_of_its_own_exists() -> None:
    assert {*ENDINGS, *PARAMS, *NO_HEAD} <= set(FAULTS)
