"""Every example runs as it stands."""

import re
from pathlib import Path

import pytest
import yaml
from plugged import ROOT, run_pytest, run_python

from mockserver import MockServer, Settings
from mockserver.api.app import COMPATIBLE, NATIVE
from mockserver.stubs.loader import load_folder

EXAMPLES = ROOT / "examples"
PYTEST_EXAMPLES = sorted(EXAMPLES.glob("test_*.py"))


@pytest.mark.parametrize("path", PYTEST_EXAMPLES, ids=lambda path: path.stem)
def test_an_example_of_pytest_passes_even_when_it_is_strict(path: Path) -> None:
    done = run_pytest("--dashscope-mock-strict", "-q", path.name, cwd=EXAMPLES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_load_test_finds_every_stream_whole() -> None:
    with MockServer() as server:
        done = run_python("gateway_load.py", server.compatible_url, "--streams", "10", "--requests", "30", cwd=EXAMPLES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("30 of 30 streams whole")


def test_the_load_test_says_when_streams_are_cut_short() -> None:
    with MockServer(Settings(max_streams=1)) as server:
        done = run_python("gateway_load.py", server.compatible_url, "--requests", "10", cwd=EXAMPLES)
    assert done.returncode == 1


def test_the_ci_job_starts_what_there_is_and_leads_the_clients_to_it() -> None:
    job = yaml.safe_load((EXAMPLES / "ci.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    steps = {step.get("name", ""): step for step in job["steps"]}
    (port,) = re.findall(r"serve --port (\d+)", steps["start the emulator"]["run"])
    origin = f"http://127.0.0.1:{port}"
    urls = steps["the application against the emulator"]["env"]
    assert urls["DASHSCOPE_HTTP_BASE_URL"] == origin + NATIVE
    assert urls["OPENAI_BASE_URL"] == origin + COMPATIBLE


def test_the_stub_files_can_be_read() -> None:
    assert load_folder(ROOT / "fixtures" / "stubs")
