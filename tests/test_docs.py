"""The manual tells the truth: its programs run, its commands print what it says, its links lead somewhere."""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from manual import ADDRESS, ROOT, Command, Page, pages, steps

from mockserver import MockServer, Settings
from mockserver.cli import serve
from mockserver.errors import catalogue
from mockserver.settings import ENVIRONMENT_PREFIX

SECONDS = 120
DATA = {"", "http", "json", "mermaid", "text"}
"""Languages of blocks that show something and do nothing."""
FOR_DEVELOPERS = {"docs/architecture.md"}
ENGLISH = [page for page in pages() if not page.name.endswith(".zh-CN.md")]
FOR_USERS = [page for page in ENGLISH if page.name not in FOR_DEVELOPERS]
END = "\x1e"
PREAMBLE = """\
set -euo pipefail
curl() { command curl --silent --show-error --noproxy '*' "$@"; }
dashscope-mock() { "$PYTHON" -m mockserver "$@"; }
"""

each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
each_english_page = pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.name)
each_user_page = pytest.mark.parametrize("page", FOR_USERS, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


@pytest.fixture
def environment() -> dict[str, str]:
    """A reader's: without the developer's keys, addresses and proxies, with the source tree installed."""
    foreign = ("DASHSCOPE_", "OPENAI_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, "PYTHONUTF8": "1"}


@each_english_page
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Page, server: MockServer, environment: dict[str, str], tmp_path: Path
) -> None:
    if not page.python:
        return
    program = tmp_path / f"{page.path.stem}_page.py"  # `pytest.py` would stand in front of pytest
    program.write_text(page.python.replace(ADDRESS, server.url), encoding="utf-8")
    run([sys.executable, str(program)], environment, tmp_path)


@each_english_page
def test_the_commands_of_a_page_print_what_it_says(
    page: Page, server: MockServer, environment: dict[str, str], tmp_path: Path
) -> None:
    if not page.commands:
        return
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: the commands of {page.name} cannot be tried")
    script = PREAMBLE + "".join(f"{command.text}\nprintf '{END}'\n" for command in page.commands)
    printed = run(["bash", "-c", script.replace(ADDRESS, server.url)], environment, tmp_path)
    outputs = printed.replace("\r\n", "\n").split(END)
    for command, output in zip(page.commands, outputs, strict=False):
        compare(page, command, output)


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """What the command prints. A failure shows what it printed and said."""
    done = subprocess.run(  # noqa: S603 - the project's own pages
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def compare(page: Page, command: Command, output: str) -> None:
    if command.output is not None:
        expected = re.escape(command.output.strip()).replace("…", r"[\s\S]*?")
        where = f"{page.name}:{command.line} says that {command.text.strip()} prints"
        assert re.fullmatch(expected, output.strip()), f"{where}\n{command.output}\nbut it prints\n{output}"


@each_page
def test_a_block_that_is_a_program_runs_or_says_why_not(page: Page) -> None:
    for block in page.blocks:
        known = block.language in {*DATA, "python", "sh", "console"} or block.why_not
        assert known, f"{page.name}:{block.line} is {block.language} without <!-- not run: reason -->"
        if block.language == "console":
            assert block.text.startswith("$ "), f"{page.name}:{block.line} has no command"


@each_user_page
def test_a_page_for_users_has_a_chinese_copy_with_the_same_blocks(page: Page) -> None:
    assert page.translation.exists(), f"{page.name} has no {page.translation.name}"
    ours = [(block.language, block.text) for block in page.blocks]
    assert [(block.language, block.text) for block in Page(page.translation).blocks] == ours


@each_page
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links:
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), f"{page.name} links to {link}, which is not there"
        assert not anchor or anchor in Page(path).anchors, f"{page.name}: {target} has no heading #{anchor}"


@each_page
def test_a_page_names_errors_as_the_catalogue_does(page: Page) -> None:
    for name in re.findall(r"`([A-Z][A-Za-z.]+/[a-z][a-z0-9-]+)`", page.prose):
        assert name in catalogue(), f"{page.name} names {name}"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_begins_with_the_commands_that_ci_runs(name: str) -> None:
    first = next(block for block in Page(ROOT / name).blocks if block.language == "sh")
    install, check = first.text.splitlines()
    assert install == "pip install . && dashscope-mock demo"
    ran = steps((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    for command in check.split(" && "):
        assert shlex.split(command) in ran


@pytest.mark.parametrize("name", ["docs/serve.md", "docs/serve.zh-CN.md"])
def test_the_table_of_settings_is_that_of_the_command_line(name: str) -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `(\w+)` \| (\S+) \| \S", Page(ROOT / name).text, re.MULTILINE)
    defaults = [str(item.default) if item.default is not None else "–" for item in fields(Settings)]
    variables = [ENVIRONMENT_PREFIX + item.name.upper() for item in fields(Settings)]
    assert rows == list(zip(options(), variables, (f"`{text}`".replace("`–`", "–") for text in defaults), strict=True))


def options() -> list[str]:
    """Every option of `serve`, in the order of its help."""
    parser = argparse.ArgumentParser()
    serve.configure(parser)
    return [action.option_strings[0] for action in parser._actions if action.dest != "help"]


def test_the_banner_is_the_one_that_serve_prints() -> None:
    texts = [block.text for block in Page(ROOT / "docs" / "serve.md").blocks if block.language == "text"]
    assert without_version(texts[0]) == without_version(serve.banner(ADDRESS, Settings()))


def without_version(banner: str) -> str:
    return re.sub(r"(?<=^dashscope-mock )\S+", "", banner.strip())
