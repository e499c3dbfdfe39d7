"""An offline DashScope.

create_app     the emulator as a Starlette application
MockServer     the same under a real HTTP server in a thread of this process
Mock           one session of either: stubs, journal, verdict
mock_of        the session of an application in process
Settings       what can be set, each field with its default and its environment variable
FixedClock, VirtualClock   clocks that do not go by themselves; a virtual one makes slow streams fast
"""

from typing import TYPE_CHECKING, Any

from mockserver._version import __version__

if TYPE_CHECKING:
    from mockserver.api.app import create_app
    from mockserver.clock import FixedClock, VirtualClock
    from mockserver.mock import Mock, mock_of
    from mockserver.server import MockServer
    from mockserver.settings import Settings

__all__ = [
    "FixedClock",
    "Mock",
    "MockServer",
    "Settings",
    "VirtualClock",
    "__version__",
    "create_app",
    "mock_of",
]

_HOMES = {
    "FixedClock": "mockserver.clock",
    "Mock": "mockserver.mock",
    "MockServer": "mockserver.server",
    "Settings": "mockserver.settings",
    "VirtualClock": "mockserver.clock",
    "create_app": "mockserver.api.app",
    "mock_of": "mockserver.mock",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for: the command line starts faster."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only here

    return getattr(import_module(_HOMES[name]), name)
