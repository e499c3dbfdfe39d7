"""`dashscope-mock serve`: the emulator as a process."""

import argparse
import logging
import os
import sys
from dataclasses import Field, fields
from functools import partial
from typing import Any

from mockserver._version import __version__
from mockserver.settings import ENVIRONMENT_PREFIX, LOG_LEVELS, Settings, SettingsError

logger = logging.getLogger("mockserver")
_REPEATABLE = {"api_keys": "api_key", "rate_limits": "rate_limit", "chaos": "chaos"}
"""Settings that are lists: their option stands for one of them."""


def configure(parser: argparse.ArgumentParser) -> None:
    """One option per setting. What is not given comes from the environment, then from the defaults."""
    parser.epilog = f"Each option has an environment variable too: --port is {ENVIRONMENT_PREFIX}PORT."
    for item in fields(Settings):
        parser.add_argument(
            f"--{_REPEATABLE.get(item.name, item.name).replace('_', '-')}",
            dest=item.name,
            help=_help(item.metadata["help"], item.default),
            **_reading(item),
        )


def _reading(item: "Field[Any]") -> dict[str, Any]:
    """How argparse takes the value. Of a boolean there is a `--no-` form too."""
    if isinstance(item.default, bool):
        return {"action": argparse.BooleanOptionalAction}
    if item.name in _REPEATABLE:
        return {"action": "append", "metavar": _REPEATABLE[item.name].rpartition("_")[2].upper()}
    if item.name == "log_level":
        return {"type": item.metadata["read"], "choices": LOG_LEVELS}
    return {"type": item.metadata["read"], "metavar": item.name.rpartition("_")[2].upper()}


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal. Returns the exit code: 0 after a signal, 2 if it cannot start."""
    given = vars(arguments)
    repeated = {name: tuple(given[name]) for name in _REPEATABLE if given[name]}
    try:
        settings = Settings.from_environment(os.environ, **given | repeated)
    except SettingsError as error:
        return _fail(str(error))
    _log_to_stderr(settings.log_level)
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from mockserver import server  # noqa: PLC0415 - the web framework, not needed for --help
    from mockserver.api.app import create_app  # noqa: PLC0415
    from mockserver.files.disk import DataDirError  # noqa: PLC0415
    from mockserver.ratelimits import RateLimitError  # noqa: PLC0415
    from mockserver.stubs.stub import StubError  # noqa: PLC0415

    try:
        with server.listen(settings.host, settings.port) as listener:
            app = create_app(settings)
            with server.ended_by_signals():
                shown = partial(print, banner(server.origin(listener), settings), flush=True)
                if not _is_loopback(listener.getsockname()[0]):
                    logger.warning(
                        "%s can be reached from other machines: whoever reaches it may use it.", settings.host
                    )
                server.Server(app, when_ready=shown).run(sockets=[listener])
    except (server.ServerError, DataDirError, RateLimitError, StubError, OSError) as error:
        return _fail(str(error))
    return 0


def banner(origin: str, settings: Settings) -> str:
    """What a person needs to point a client at the server."""
    native, compatible = f"{origin}/api/v1", f"{origin}/compatible-mode/v1"
    key = "sk-test" if not settings.api_keys else "<one of your --api-key>"
    return f"""\
dashscope-mock {__version__}  (offline DashScope / 离线 DashScope)   profile {settings.profile}

  native       {native}
  compatible   {compatible}

dashscope SDK
  export DASHSCOPE_HTTP_BASE_URL={native}
  export DASHSCOPE_API_KEY={key}
  # or in Python:  dashscope.base_http_api_url = "{native}"

openai SDK
  export OPENAI_BASE_URL={compatible}
  export OPENAI_API_KEY={key}

Ctrl+C stops.
"""


def _help(text: str, default: object) -> str:
    return text if default is None or default == "" else f"{text} (default: {default})".replace("%", "%%")


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("mockserver").setLevel(level.upper())


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host == "::1"


def _fail(reason: str) -> int:
    print(f"dashscope-mock: {reason}", file=sys.stderr)
    return 2
