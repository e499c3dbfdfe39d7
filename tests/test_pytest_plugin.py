"""The plugin, in a pytest of its own."""

import textwrap
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from plugged import ROOT, run_pytest, run_python

from mockserver.gate import LONGEST_KEY
from mockserver.pytest_plugin import session_name

Run = Callable[..., "CompletedProcess[str]"]

ASK = """
import json, os, urllib.request
def ask(question="hello", **more):
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": question}], **more}
    headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "Content-Type": "application/json"}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(source: str, *arguments: str, env: Mapping[str, str] | None = None) -> "CompletedProcess[str]":
        (tmp_path / "test_it.py").write_text(ASK + textwrap.dedent(source), encoding="utf-8")
        return run_pytest(*arguments, cwd=tmp_path, env=env)

    return run


def test_the_plugin_imports_nothing_of_the_emulator() -> None:
    source = (
        "import sys, pytest; before = set(sys.modules); import mockserver.pytest_plugin; "
        "print(*sorted({name for name in set(sys.modules) - before if '_' != name[0]}))"
    )
    done = run_python("-c", source, cwd=ROOT)
    assert set(done.stdout.split()) - {"hashlib"} == {"mockserver", "mockserver._version", "mockserver.pytest_plugin"}


def test_a_run_that_does_not_use_the_fixture_loads_no_server(run: Run) -> None:
    done = run("""
        import sys
        def test_nothing():
            assert not {"starlette", "uvicorn", "mockserver.mock"} & set(sys.modules)
    """)
    assert "1 passed" in done.stdout


def test_each_test_has_a_session_of_its_own_on_one_server(run: Run) -> None:
    done = run("""
        import pytest
        seen = []
        @pytest.mark.parametrize("number", range(3))
        def test_it(dashscope_mock, number):
            dashscope_mock.on().reply(f"answer {number}")
            assert ask() == f"answer {number}"
            assert len(dashscope_mock.journal) == 1
            seen.append((dashscope_mock.api_key, dashscope_mock.native_url))
        def test_keys():
            keys, urls = zip(*seen)
            assert len(set(keys)) == 3 and len(set(urls)) == 1
    """)
    assert "4 passed" in done.stdout, done.stdout


def test_a_stub_that_is_left_over_fails_the_test_itself(run: Run) -> None:
    done = run("""
        def test_it(dashscope_mock):
            dashscope_mock.on(name="outage").fail("Throttling").once()
    """)
    assert "1 failed" in done.stdout
    assert "error" not in done.stdout.splitlines()[-1]
    assert 'stub-1 "outage" was not used up: 1 more request expected' in done.stdout


@pytest.mark.parametrize("strict", [("--dashscope-mock-strict",), ("-o", "dashscope_mock_violations=true"), ()])
def test_violations_fail_a_test_where_that_is_wanted(run: Run, strict: tuple[str, ...]) -> None:
    done = run(
        """
        def test_it(dashscope_mock):
            ask(parameters={"top_p": 0.5})
        """,
        *strict,
    )
    assert ("1 failed" if strict else "1 passed") in done.stdout
    assert ("parameter.misplaced at /parameters" in done.stdout) == bool(strict)


def test_a_test_that_fails_shows_what_went_over_the_wire(run: Run) -> None:
    done = run("""
        def test_it(dashscope_mock):
            dashscope_mock.on().reply("sunny")
            assert ask("weather?") == "rainy"
    """)
    assert "- dashscope-mock -" in done.stdout
    assert "#1 POST /compatible-mode/v1/chat/completions, stub stub-1" in done.stdout
    assert '"content":"sunny"' in done.stdout


def test_a_failure_of_the_test_is_not_replaced_by_what_it_left_over(run: Run) -> None:
    done = run("""
        import pytest
        def test_it(dashscope_mock):
            dashscope_mock.on().reply("never asked for").once()
            raise RuntimeError("the true reason")
        def test_skipped(dashscope_mock):
            dashscope_mock.on().reply("never asked for").once()
            pytest.skip("not today")
    """)
    assert "the true reason" in done.stdout
    assert "was not used up" not in done.stdout
    assert "1 failed, 1 skipped" in done.stdout


def test_variables_and_the_dashscope_module_are_as_before_after_the_test(run: Run) -> None:
    done = run(
        """
        import os, dashscope
        NAMES = ("DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL")
        def look():
            return [os.environ.get(name) for name in NAMES] + [dashscope.api_key, dashscope.base_http_api_url]
        before = look()
        def test_inside(dashscope_mock):
            key, native, compatible = dashscope_mock.api_key, dashscope_mock.native_url, dashscope_mock.compatible_url
            assert look() == [key, native, key, compatible, key, native]
        def test_outside():
            assert look() == before
            assert before[0] == "sk-own" and before[1] is None
        """,
        env={"DASHSCOPE_API_KEY": "sk-own"},
    )
    assert "2 passed" in done.stdout, done.stdout


def test_a_dashscope_that_the_test_imports_first_is_let_go_too(run: Run) -> None:
    done = run("""
        def test_inside(dashscope_mock):
            import dashscope
            assert dashscope.base_http_api_url == dashscope_mock.native_url
        def test_outside():
            import dashscope
            assert dashscope.base_http_api_url == "https://dashscope.aliyuncs.com/api/v1"
            assert dashscope.api_key is None
    """)
    assert "2 passed" in done.stdout, done.stdout


def test_it_works_where_warnings_are_errors(run: Run) -> None:
    done = run("def test_it(dashscope_mock):\n    assert ask()\n", "-W", "error")
    assert "1 passed" in done.stdout, done.stdout


def test_it_works_in_parallel(run: Run) -> None:
    pytest.importorskip("xdist")
    done = run(
        """
        import pytest
        @pytest.mark.parametrize("number", range(8))
        def test_it(dashscope_mock, number):
            dashscope_mock.on().reply(f"answer {number}").once()
            assert ask() == f"answer {number}"
        """,
        "-n",
        "2",
    )
    assert "8 passed" in done.stdout, done.stdout


def test_names_of_sessions_are_readable_unique_and_fit_into_a_key() -> None:
    assert session_name("tests/test_a.py::test_b").startswith("tests-test-a-py-test-b-")
    assert session_name("test_a[天气]") != session_name("test_a[晴]")
    assert len(session_name("x" * 1000)) < LONGEST_KEY
    assert session_name("test_a[天气]").isascii()


def test_the_plugin_is_registered_under_the_name_of_its_module() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"mockserver.pytest_plugin": "mockserver.pytest_plugin"}
