"""`dashscope-mock completion`: the scripts know every command, option and name, and bash completes with them."""

import shutil
import subprocess

import pytest

from mockserver.cli import COMMANDS, main
from mockserver.cli.completion import INSTALL, commands

BASH = shutil.which("bash") or ""
needs_bash = pytest.mark.skipif(not BASH, reason="bash is not installed")


@pytest.fixture
def script(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", request.param]) == 0
    return capsys.readouterr().out


def in_shell(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("script", [shell], indirect=True)


def completed(script: str, line: str) -> list[str]:
    """What bash offers at the end of a line."""
    asked = f"""{script}
COMP_WORDS=({line.replace("''", '""')})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_dashscope_mock
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(  # noqa: S603 - our own script
        [BASH, "-c", asked], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("script", [*INSTALL], indirect=True)
def test_a_script_knows_every_command_and_option(script: str) -> None:
    for command in commands():
        assert command.name in script
        for flag in command.flags:
            assert flag in script or f"-l {flag[2:]} " in script or f"-s {flag[1:]} " in script
        assert all(word in script for word in command.words)


def test_the_commands_are_those_of_the_command_line() -> None:
    assert [command.name for command in commands()] == list(COMMANDS)


@needs_bash
@in_shell("bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dashscope-mock e", ["errors", "explain"]),
        ("dashscope-mock --v", ["--version"]),
        ("dashscope-mock serve --log", ["--log-level"]),
        ("dashscope-mock serve --log-level w", ["warning"]),
        ("dashscope-mock serve --port 8", []),
        ("dashscope-mock completion ''", ["bash", "zsh", "fish", "-h", "--help"]),
        ("dashscope-mock errors Throttling.B", ["Throttling.BurstRate"]),
        ("dashscope-mock errors Arrearage --lang ''", ["en", "zh"]),
        ("dashscope-mock explain retry.s", ["retry.storm"]),
    ],
)
def test_bash_offers(line: str, offered: list[str], script: str) -> None:
    assert sorted(completed(script, line)) == sorted(offered)


@needs_bash
@in_shell("bash")
def test_bash_offers_files_where_a_path_is_wanted(script: str) -> None:
    assert completed(script, "dashscope-mock schemas --out /us") == ["/usr"]


@pytest.mark.parametrize(("script", "shell"), [("zsh", "zsh"), ("fish", "fish")], indirect=["script"])
def test_other_shells_can_read_their_script(script: str, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", "-c", script], check=True, timeout=30)  # noqa: S603 - our own script


@pytest.mark.parametrize("script", ["zsh", "fish"], indirect=True)
def test_every_quote_is_closed(script: str) -> None:
    for line in script.splitlines():
        bare = line.replace("'\\''", "").replace("\\'", "")
        assert bare.count("'") % 2 == 0, line


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "tcsh"])
    assert ended.value.code == 2
    assert "bash" in capsys.readouterr().err
