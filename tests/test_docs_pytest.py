"""The tests on the page about pytest pass, with the plugin."""

import sys
from pathlib import Path

from manual import ROOT, Page
from test_docs import environment, run

__all__ = ["environment"]


def test_the_tests_of_the_page_pass(environment: dict[str, str], tmp_path: Path) -> None:
    page = Page(ROOT / "docs" / "pytest.md")
    (tmp_path / "test_page.py").write_text(page.python, encoding="utf-8")
    plugins = ["-p", "mockserver.pytest_plugin", "-p", "no:cacheprovider"]
    printed = run([sys.executable, "-m", "pytest", "-q", *plugins, "test_page.py"], environment, tmp_path)
    assert f"{page.python.count('def test_')} passed" in printed
