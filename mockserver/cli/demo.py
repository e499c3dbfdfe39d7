"""`dashscope-mock demo`: the documented calls, played against a server on a free port, as a person would see them.

Each scene is one call and one sentence. Requests and answers are printed as they are on the wire, so the demo is also a
first look at both dialects. It needs nothing but the standard library.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from mockserver.cli.style import BOLD, CYAN, DIM, GREEN, RED, Style, style_of
from mockserver.server import MockServer

NATIVE = "/api/v1/services/aigc/text-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
FILES = "/compatible-mode/v1/files"
QUESTION = "请问 1+1 是多少？"
RECIPE = "用萝卜、土豆、茄子做饭，给我个菜谱"
BOUNDARY = "demo-boundary"
DOCUMENT = "百炼 X1 手机：6.7 英寸屏幕。电池容量 5000mAh，支持 120W 快充。参考售价 4599 元。"


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the demo. `upload` is sent as a form instead of `body`."""

    title: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    key: str = "sk-demo"
    upload: bool = False


def scenes() -> Iterator[Call]:
    """The calls that need nothing from an earlier one."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": RECIPE}]
    message_format = {"result_format": "message"}
    stream = {"X-DashScope-SSE": "enable"}
    chat = {"model": "qwen-plus", "messages": [{"role": "user", "content": "What can you do?"}]}
    yield Call("Native, a prompt: one JSON answer", NATIVE, {"model": "qwen-max", "input": {"prompt": QUESTION}})
    yield Call(
        "Native, messages: the answer is a message",
        NATIVE,
        {"model": "qwen-plus", "input": {"messages": messages}, "parameters": message_format},
    )
    yield Call(
        "Native stream, full: every event repeats all text so far (the default)",
        NATIVE,
        {"model": "qwen-max", "input": {"prompt": QUESTION}},
        stream,
    )
    yield Call(
        "Native stream, incremental: every event has only what is new",
        NATIVE,
        {"model": "qwen-max", "input": {"prompt": QUESTION}, "parameters": {"incremental_output": True}},
        stream,
    )
    yield Call("Compatible, as the openai SDK calls it", CHAT, chat)
    yield Call(
        "Compatible stream, with usage at the end",
        CHAT,
        {**chat, "stream": True, "stream_options": {"include_usage": True}},
    )
    yield Call("A reply cut by max_tokens: finish_reason is length", CHAT, {**chat, "max_tokens": 5})
    yield Call("A key the service refuses: any key that does not begin with sk-", CHAT, chat, key="wrong")
    yield Call("Upload a document for qwen-long", FILES, upload=True)


def about_document(file_id: str) -> Call:
    """The question about the uploaded document."""
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "system", "content": f"fileid://{file_id}"},
        {"role": "user", "content": "电池容量是多少？"},
    ]
    return Call("Ask qwen-long about it", CHAT, {"model": "qwen-long", "messages": messages})


def run() -> int:
    """Plays the demo. Returns the exit code: 0, or 1 if a call went otherwise than its title says."""
    show = _Printer(style_of(sys.stdout))
    with MockServer() as server:
        show.opening(server)
        answers = [_play(number, call, server, show) for number, call in enumerate(scenes(), 1)]
        uploaded = json.loads(answers[-1].text)
        answers.append(_play(len(answers) + 1, about_document(uploaded["id"]), server, show))
        show.closing()
    return 0 if [answer.status for answer in answers] == [200] * 7 + [401, 200, 200] else 1


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    text: str


def _play(number: int, call: Call, server: MockServer, show: "_Printer") -> _Answer:
    data, content_type = _form() if call.upload else (_compact(call.body), "application/json")
    show.request(number, call)
    connection = HTTPConnection(server.host, server.port, timeout=30)
    headers = {"Authorization": f"Bearer {call.key}", "Content-Type": content_type, **(call.headers or {})}
    try:
        connection.request("POST", call.path, data, headers)
        return show.answer(connection.getresponse())
    finally:
        connection.close()


def _compact(body: Mapping[str, Any] | None) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _form() -> tuple[bytes, str]:
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x1.txt"\r\n\r\n{DOCUMENT}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfile-extract\r\n--{BOUNDARY}--\r\n'
    )
    return parts.encode(), f"multipart/form-data; boundary={BOUNDARY}"


class _Printer:
    """What the person sees: in colour on a terminal, plain elsewhere."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def opening(self, server: MockServer) -> None:
        """Where the server listens."""
        self._line(f"dashscope-mock: an offline DashScope on {server.url}, made for this demo.", BOLD)

    def request(self, number: int, call: Call) -> None:
        """The title and the request."""
        self._line(f"\n{number}. {call.title}", BOLD, CYAN)
        self._line(f"POST {call.path}")
        for name, value in {"Authorization": f"Bearer {call.key}", **(call.headers or {})}.items():
            self._line(f"{name}: {value}", DIM)
        self._line(f"file=x1.txt ({DOCUMENT}) purpose=file-extract" if call.upload else _compact(call.body).decode())

    def answer(self, response: HTTPResponse) -> _Answer:
        """The answer, line by line as it arrives."""
        kind = response.getheader("content-type", "")
        self._line(f"-> {response.status} {kind}", GREEN if response.status < 400 else RED)  # noqa: PLR2004 - HTTP
        lines = [line.decode().rstrip("\n") for line in response]
        for line in lines:
            self._line(line)
        return _Answer(response.status, "\n".join(lines))

    def closing(self) -> None:
        """What to do next."""
        self._line("\nThis was all offline. Start a server of your own with: dashscope-mock serve", BOLD)

    def _line(self, text: str, *styles: str) -> None:
        print(self._style(text, *styles), flush=True)
