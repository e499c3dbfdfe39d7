"""The pages of the manual as data: their blocks, links and headings, and the commands of a shell session."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "http://127.0.0.1:8787"
"""Where the pages say the server is."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- not run: (.+) -->\n+\Z")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `line` is the number of its first line of text; `why_not` is the reason not to run it."""

    language: str
    text: str
    line: int
    why_not: str


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command and, in a `console` block, what it prints; `…` stands for anything."""

    text: str
    output: str | None
    line: int


@dataclass(frozen=True)
class Page:
    """One Markdown file. `name` is its path from the root."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def translation(self) -> Path:
        return self.path.with_suffix(".zh-CN.md")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._block(found) for found in _FENCE.finditer(self.text))

    @cached_property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        """Targets inside of the repository."""
        return [target for target in _LINK.findall(self.prose) if "://" not in target]

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading of this page ends with, as GitHub makes it."""
        lowered = (heading.lower().replace("`", "") for heading in _HEADING.findall(self.prose))
        return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in lowered}

    @cached_property
    def python(self) -> str:
        """All Python blocks as one program, each on the lines that it has on the page."""
        lines: list[str] = []
        for block in self.blocks:
            if block.language == "python" and not block.why_not:
                lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
        return "\n".join(lines)

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The commands of all shell blocks in order."""
        runnable = [block for block in self.blocks if not block.why_not]
        return tuple(command for block in runnable for command in _commands(block))

    def _block(self, found: re.Match[str]) -> Block:
        before = self.text[: found.start()]
        mark = _MARK.search(before)
        return Block(found[1], found[2], before.count("\n") + 2, mark[1] if mark else "")


@cache
def pages() -> tuple[Page, ...]:
    """README and every page in docs, in both languages."""
    return tuple(Page(path) for path in sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")]))


def _commands(block: Block) -> Iterator[Command]:
    if block.language == "sh":
        yield Command(block.text, None, block.line)
    elif block.language == "console":
        pattern = re.compile(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", re.MULTILINE)
        for found in pattern.finditer(block.text):
            yield Command(found[1], found[2], block.line + block.text.count("\n", 0, found.start()))


def steps(script: str) -> list[list[str]]:
    """The commands that `.ci/run` goes through, without their `--quiet`."""
    found = re.findall(r"^step (?:\"[^\"]*\"|'[^']*') (.+?) \|\|", script, re.MULTILINE)
    return [[word for word in shlex.split(command) if word != "--quiet"] for command in found]
