"""pytest in a process of its own, with the plugin: once, whether or not the package is installed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLUGIN = ("-p", "mockserver.pytest_plugin", "-p", "no:cacheprovider")
TIMEOUT_SECONDS = 120
_OURS = ("DASHSCOPE_", "OPENAI_", "PYTEST_")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change the outcome, and with the package on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS) and "proxy" not in name}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | dict(more or {})


def run_python(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Python with these arguments."""
    return subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def run_pytest(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """pytest with the plugin, in a folder that knows nothing of this project's settings."""
    config = ("-c", os.devnull, "--rootdir", str(cwd))
    return run_python("-m", "pytest", *config, *PLUGIN, *arguments, cwd=cwd, env=env)
