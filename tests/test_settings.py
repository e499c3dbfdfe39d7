from pathlib import Path

import pytest

from mockserver.settings import Settings, SettingsError


def test_the_defaults_listen_on_loopback_only() -> None:
    assert Settings().host == "127.0.0.1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"port": 70000}, "port is 70000; it must be a number from 0 to 65535."),
        ({"profile": "2025"}, "profile is '2025'; it must be one of 2026, 2024."),
        ({"log_level": "loud"}, "log_level is 'loud'"),
        ({"api_keys": ("secret",)}, "api_keys is .*; it must be keys that begin with sk-"),
        ({"max_body_bytes": 0}, "max_body_bytes is 0; it must be a number above 0."),
        ({"max_streams": -1}, "max_streams is -1"),
        ({"body_timeout": 0.0}, "body_timeout is 0.0"),
        ({"parse_delay": -0.1}, "parse_delay is -0.1"),
        ({"parse_delay": float("nan")}, "parse_delay is nan"),
        ({"body_timeout": float("inf")}, "body_timeout is inf"),
        ({"host": ""}, "host is ''"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_is_possible(given: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings(**given)  # type: ignore[arg-type]


def test_a_refused_key_is_not_printed() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings(api_keys=("my-secret",))
    assert "my-secret" not in str(refused.value)


def test_the_environment_overrides_defaults_and_is_overridden_by_arguments() -> None:
    environment = {
        "DASHSCOPE_MOCK_PORT": "1234",
        "DASHSCOPE_MOCK_PROFILE": "2024",
        "DASHSCOPE_MOCK_API_KEYS": "sk-a, sk-b",
        "DASHSCOPE_MOCK_DATA_DIR": "files",
        "DASHSCOPE_MOCK_PARSE_DELAY": "",
        "PORT": "1",
    }
    settings = Settings.from_environment(environment, profile="2026", host=None)
    assert (settings.port, settings.profile, settings.host) == (1234, "2026", "127.0.0.1")
    assert settings.api_keys == ("sk-a", "sk-b")
    assert settings.data_dir == Path("files")
    assert settings.parse_delay == 0


def test_a_variable_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match="DASHSCOPE_MOCK_PORT='http' cannot be read: port to listen on"):
        Settings.from_environment({"DASHSCOPE_MOCK_PORT": "http"})


def test_a_changed_copy_is_checked_again() -> None:
    assert Settings().replace(port=1).port == 1
    with pytest.raises(SettingsError):
        Settings().replace(port=-1)
