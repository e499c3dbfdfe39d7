"""The pages about stubs, faults and the journal show the tables that the code has.

The three forms of each example of a fault ask for the same fault.
"""

import json
from typing import Any

import fault_table
import pytest
from manual import Page

from mockserver.stubs.book import StubBook
from mockserver.stubs.builder import on
from mockserver.stubs.document import from_document, from_file
from mockserver.stubs.text import from_yaml
from mockserver.stubs.words import WORDS, stub_of
from mockserver.violations import explanations
from mockserver.wire import pacing
from mockserver.wire.fault import fault
from mockserver.wire.faults import FAULTS

each_language = pytest.mark.parametrize("lang", ["en", "zh"])
each_kind = pytest.mark.parametrize("kind", FAULTS)


@each_language
@pytest.mark.parametrize("number", [1, 2])
def test_the_page_has_the_table_of_faults(lang: str, number: int) -> None:
    page = fault_table.PAGES[lang].read_text(encoding="utf-8")
    shown = fault_table.between(page, number)
    assert shown == fault_table.tables(lang)[number - 1], "run python tests/fault_table.py"


@each_kind
def test_every_way_to_say_an_example_means_the_same_fault(kind: str) -> None:
    wanted = (fault(kind, fault_table.EXAMPLES.get(kind, {})),)
    assert stub_of(fault_table.words(kind)).outcomes[0].faults == wanted
    assert stub_of(fault_table.words(kind), "directive").outcomes[0].faults == wanted
    asked = from_document({"faults": [json.loads(fault_table.document(kind))]})
    assert asked.outcomes[0].faults == wanted
    names: dict[str, Any] = {"mock": on(StubBook())}
    said = eval(f"mock{fault_table.python(kind)}", names)  # noqa: S307 - the table's own text
    assert said.stub.outcomes[0].faults == wanted


@each_kind
def test_a_kind_with_parameters_has_an_example_that_uses_one(kind: str) -> None:
    optional = {"no-finish"}
    assert bool(fault_table.EXAMPLES.get(kind)) == bool(FAULTS[kind].params) or kind in optional


@each_language
def test_the_page_names_every_pacing(lang: str) -> None:
    page = fault_table.PAGES[lang].read_text(encoding="utf-8")
    for name in pacing.profiles():
        assert f"| `{name}` |" in page, name


@pytest.mark.parametrize("name", ["stubs.md", "stubs.zh-CN.md"])
def test_the_page_about_stubs_names_every_word(name: str) -> None:
    page = (fault_table.ROOT / "docs" / name).read_text(encoding="utf-8")
    for word in WORDS:
        assert f"`{word}" in page, word


@pytest.mark.parametrize("name", ["stubs.md", "stubs.zh-CN.md"])
def test_the_stub_files_on_the_page_can_be_loaded(name: str) -> None:
    files = [block for block in Page(fault_table.ROOT / "docs" / name).blocks if block.language == "yaml"]
    assert files
    for block in files:
        assert from_file(from_yaml(block.text))


@pytest.mark.parametrize(("name", "lang"), [("journal.md", "en"), ("journal.zh-CN.md", "zh")])
def test_the_page_about_the_journal_has_every_code(name: str, lang: str) -> None:
    page = (fault_table.ROOT / "docs" / name).read_text(encoding="utf-8")
    for code, row in explanations().items():
        assert f"| `{code}` | {row[lang]['what']} |" in page, code
