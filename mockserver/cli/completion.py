"""`dashscope-mock completion`: what a shell needs to complete commands, options and names.

Made from the parsers of the commands, so that it knows all they know. A command that takes names has `words`.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver import cli

INSTALL: Mapping[str, str] = {
    "bash": "source <(dashscope-mock completion bash)",
    "zsh": "source <(dashscope-mock completion zsh)",
    "fish": "dashscope-mock completion fish | source",
}
_PLAIN = re.compile(r"[\w./-]+")
"""Words that need no quotes. The few names of errors that do are not offered."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `values` are the words it takes; `files`: it takes a path; `takes`: it takes something."""

    flags: tuple[str, ...]
    help: str
    takes: bool
    files: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its options, and the words it takes besides."""

    name: str
    summary: str
    options: tuple[Option, ...]
    words: tuple[str, ...]

    @property
    def flags(self) -> list[str]:
        """All flags."""
        return [flag for option in self.options for flag in option.flags]


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("shell", choices=[*INSTALL], help="the shell to complete in")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        ["put this into the file your shell starts with:", *(f"  {line}" for line in INSTALL.values())]
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the script. Returns the exit code."""
    print(_WRITERS[arguments.shell]([*commands()]))
    return 0


def commands() -> Iterator[Command]:
    """All commands, as their parsers tell."""
    for name, summary in cli.COMMANDS.items():
        module = cli.load(name)
        actions = cli.parser_of(name, module)._actions  # noqa: SLF001 - argparse has no other way to ask
        options = tuple(_option(action) for action in actions if action.option_strings)
        choices = [str(word) for action in actions if not action.option_strings for word in action.choices or ()]
        words = filter(_PLAIN.fullmatch, module.words()) if hasattr(module, "words") else ()
        yield Command(name, summary, options, (*choices, *words))


def _option(action: argparse.Action) -> Option:
    return Option(
        flags=tuple(action.option_strings),
        help=(action.help or "").replace("%%", "%").replace("\n", " "),
        takes=action.nargs != 0,
        files=action.type is Path,
        values=tuple(map(str, action.choices or ())),
    )


def _bash(found: list[Command]) -> str:
    cases = [f"        {case}) {_bash_words(option)} ;;" for command in found for case, option in _valued(command)]
    cases += [f'        {each.name}:*) words="{" ".join((*each.flags, *each.words))}" ;;' for each in found]
    return "\n".join(
        [
            "_dashscope_mock() {",
            '    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=""',
            '    if [ "$COMP_CWORD" -eq 1 ]; then',
            f'        words="--help --version {" ".join(command.name for command in found)}"',
            '    else case "${COMP_WORDS[1]}:$previous" in',
            *cases,
            "    esac fi",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -F _dashscope_mock dashscope-mock",
        ]
    )


def _bash_words(option: Option) -> str:
    if option.files:
        return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return'
    return f'words="{" ".join(option.values)}"'


def _valued(command: Command) -> Iterator[tuple[str, Option]]:
    """The options that take something, with the pattern of a shell's `case` for them."""
    for option in command.options:
        if option.takes:
            yield "|".join(f"{command.name}:{flag}" for flag in option.flags), option


def _zsh(found: list[Command]) -> str:
    cases = [f"    ({case}) {_zsh_words(option)} ;;" for command in found for case, option in _valued(command)]
    for command in found:
        rows = " ".join(_quoted(f"{flag}:{option.help}") for option in command.options for flag in option.flags)
        names = f"; compadd -- {' '.join(map(_quoted, command.words))}" if command.words else ""
        cases.append(f"    ({command.name}:*) rows=({rows}); _describe option rows{names} ;;")
    names = " ".join(_quoted(f"{command.name}:{command.summary}") for command in found)
    return "\n".join(
        [
            "#compdef dashscope-mock",
            "_dashscope_mock() {",
            "  local -a rows",
            f"  if (( CURRENT == 2 )); then rows=({names}); _describe command rows; return; fi",
            '  case "$words[2]:$words[CURRENT-1]" in',
            *cases,
            "  esac",
            "}",
            'if [ "$funcstack[1]" = _dashscope_mock ]; then _dashscope_mock "$@"',
            "else compdef _dashscope_mock dashscope-mock; fi",
        ]
    )


def _zsh_words(option: Option) -> str:
    return "_files" if option.files else f"compadd -- {' '.join(map(_quoted, option.values))}" if option.values else ""


def _quoted(text: str) -> str:
    """For bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(found: list[Command]) -> str:
    start = "complete -c dashscope-mock"
    lines = [f"{start} -f"]
    lines += [f"{start} -n __fish_use_subcommand -a {each.name} -d {_fish_quoted(each.summary)}" for each in found]
    for command in found:
        seen = f"{start} -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{seen} {_fish_option(option)}" for option in command.options]
        if command.words:
            lines.append(f"{seen} -a {_fish_quoted(' '.join(command.words))}")
    return "\n".join(lines)


def _fish_option(option: Option) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    takes = "-r -F" if option.files else "-x" if option.takes else ""
    values = f"-a {_fish_quoted(' '.join(option.values))}" if option.values else ""
    return " ".join(filter(None, [flags, takes, values, f"-d {_fish_quoted(option.help)}"]))


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_WRITERS: Mapping[str, Callable[[list[Command]], Any]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
