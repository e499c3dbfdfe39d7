"""What can be set: one frozen object, from Python, the command line or `DASHSCOPE_MOCK_*` variables.

Each field carries its help text and the reader of its text form, so that the command line and the environment
are the same table. The service publishes no limits for bodies of requests; the defaults here are our choice,
above what its largest documented prompt needs.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any, Self

from mockserver.profiles import DEFAULT_PROFILE, PROFILES

ENVIRONMENT_PREFIX = "DASHSCOPE_MOCK_"
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
MEBIBYTE = 1024 * 1024
_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class SettingsError(ValueError):
    """A setting that cannot be. The text names it, what was given and what is possible."""


def _keys(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(text)
    return _FLAGS[text.lower()]


def _set(default: Any, read: Callable[[str], Any], text: str) -> Any:
    return field(default=default, metadata={"read": read, "help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server. Raises `SettingsError` for a value that cannot be."""

    host: str = _set("127.0.0.1", str, "address to listen on")
    port: int = _set(8787, int, "port to listen on; 0 takes a free one")
    profile: str = _set(
        DEFAULT_PROFILE, str, "era of the wire: 2026 (recorded traffic) or 2024 (documents of that year)"
    )
    api_keys: tuple[str, ...] | None = _set(None, _keys, "accept only this key (repeatable); default: every sk-... key")
    log_level: str = _set("info", str, f"one of {', '.join(LOG_LEVELS)}")
    max_body_bytes: int = _set(16 * MEBIBYTE, int, "largest JSON body, in bytes")
    max_upload_bytes: int = _set(150 * MEBIBYTE, int, "largest uploaded file, in bytes (the service's own limit)")
    body_timeout: float = _set(30.0, float, "seconds a client may take to send a body")
    parse_delay: float = _set(0.0, float, "seconds that an uploaded document counts as being parsed")
    data_dir: Path | None = _set(  # noqa: RUF009 - a field like the others; `Path` is only passed on
        None, Path, "keep files here over a restart; default: in memory"
    )
    max_sessions: int = _set(10_000, int, "API keys remembered at once; the one idle the longest goes first")
    session_idle_seconds: float = _set(86_400.0, float, "seconds after which an unused session is forgotten")
    max_streams: int = _set(10_000, int, "streams running at once; more are throttled")
    seed: int | None = _set(None, int, "make ids and chance repeatable; default: ids are random")
    stubs: Path | None = _set(  # noqa: RUF009 - see data_dir
        None, Path, "folder of stub files, read again when they change; default: none"
    )
    strict: bool = _set(default=False, read=_flag, text="refuse requests that no stub matches")
    directives: bool = _set(default=True, read=_flag, text="obey [[mock ...]] in the last user message")
    rate_limits: tuple[str, ...] | None = _set(
        None, _texts, "limit of every key, such as rpm=60,tpm=100000 or qwen-max*:rps=2 (repeatable); default: none"
    )
    chaos: tuple[str, ...] | None = _set(
        None, _texts, "what happens by chance, such as 'fault=reset after=3 probability=0.1' (repeatable)"
    )
    control_token: str | None = _set(None, str, "token that opens the control API to other machines; default: closed")

    def __post_init__(self) -> None:
        _require(self.host != "", "host", self.host, "an address such as 127.0.0.1")
        _require(0 <= self.port <= 65535, "port", self.port, "a number from 0 to 65535")  # noqa: PLR2004 - TCP
        _require(self.profile in PROFILES, "profile", self.profile, f"one of {', '.join(PROFILES)}")
        _require(self.log_level in LOG_LEVELS, "log_level", self.log_level, f"one of {', '.join(LOG_LEVELS)}")
        for key in self.api_keys or ():
            shown = f"{key[:2]}***"
            _require(key.startswith("sk-") and len(key) > len("sk-"), "api_keys", shown, "keys that begin with sk-")
        for name in ("max_body_bytes", "max_upload_bytes", "max_sessions", "max_streams", "body_timeout"):
            _require(0 < getattr(self, name) < inf, name, getattr(self, name), "a number above 0")
        for name in ("parse_delay", "session_idle_seconds"):
            _require(0 <= getattr(self, name) < inf, name, getattr(self, name), "a number of seconds, 0 or more")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **given: Any) -> Self:
        """Defaults, under `DASHSCOPE_MOCK_<NAME>` variables, under what is given and not None."""
        values = {item.name: _read(item, environment) for item in fields(cls)}
        known = {name: value for name, value in values.items() if value is not MISSING}
        return cls(**known | {name: value for name, value in given.items() if value is not None})

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked again."""
        return replace(self, **changes)


def _read(item: "Field[Any]", environment: Mapping[str, str]) -> Any:
    variable = ENVIRONMENT_PREFIX + item.name.upper()
    text = environment.get(variable, "")
    if not text:
        return MISSING
    try:
        return item.metadata["read"](text)
    except ValueError:
        raise SettingsError(f"{variable}={text!r} cannot be read: {item.metadata['help']}.") from None


def _require(condition: bool, name: str, value: object, wanted: str) -> None:
    if not condition:
        raise SettingsError(f"{name} is {value!r}; it must be {wanted}.")
