"""Settings: every variable an operator can set, and what a wrong value says."""

from pathlib import Path

import pytest

from medassist.config import load_settings
from medassist.errors import BadSetting


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("MEDASSIST_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("MEDASSIST_PORT", "8080", "port", 8080),
        ("MEDASSIST_ENGINE", "scripted", "engine", "scripted"),
        ("MEDASSIST_MODEL", "owner/name", "model", "owner/name"),
        ("MEDASSIST_MODEL_REVISION", "a" * 40, "model_revision", "a" * 40),
        ("MEDASSIST_ADAPTER", "mine", "adapter", "mine"),
        ("MEDASSIST_QUANTIZATION", "nf4", "quantization", "nf4"),
        ("MEDASSIST_ATTENTION", "eager", "attention", "eager"),
        ("MEDASSIST_DATA_DIR", "/srv/data", "data_dir", Path("/srv/data")),
        ("MEDASSIST_CACHE_DIR", "/srv/cache", "cache_dir", Path("/srv/cache")),
        ("MEDASSIST_DATABASE_URL", "postgresql+psycopg://h/d", "database", "postgresql+psycopg://h/d"),
        ("MEDASSIST_AUTH", "password", "auth", "password"),
        ("MEDASSIST_THINK_TOKENS", "0", "think_tokens", 0),
        ("MEDASSIST_ANSWER_TOKENS", "64", "answer_tokens", 64),
        ("MEDASSIST_MAX_SESSIONS", "3", "max_sessions", 3),
        ("MEDASSIST_THREADS", "2", "threads", 2),
    ],
)
def test_every_variable_is_read(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, field: str, expected: object
) -> None:
    assert getattr(load_settings(), field) != expected
    monkeypatch.setenv(variable, value)
    assert getattr(load_settings(), field) == expected


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.engine, settings.adapter) == ("127.0.0.1", 7860, "local", "auto")
    assert settings.database == f"sqlite:///{Path('data/medassist.sqlite3').absolute()}"


def test_the_database_lies_under_the_data_folder(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).database == f"sqlite:///{tmp_path}/medassist.sqlite3"


def test_an_override_wins_and_none_is_none_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDASSIST_ADAPTER", "from-environment")
    assert load_settings(adapter="given").adapter == "given"
    assert load_settings(adapter=None).adapter == "from-environment"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEDASSIST_PORT", "http"),
        ("MEDASSIST_PORT", "65536"),
        ("MEDASSIST_PORT", "-1"),
        ("MEDASSIST_ENGINE", "oracle"),
        ("MEDASSIST_QUANTIZATION", "int3"),
        ("MEDASSIST_ATTENTION", "full"),
        ("MEDASSIST_THINK_TOKENS", "-1"),
        ("MEDASSIST_ANSWER_TOKENS", "0"),
        ("MEDASSIST_MAX_SESSIONS", "0"),
        ("MEDASSIST_THREADS", "many"),
    ],
)
def test_a_wrong_value_names_the_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    for language, mark in (("en", ": "), ("zh", "：")):
        message = caught.value.text(language)
        assert message[-1] in ".。" and any("\u4e00" <= c <= "\u9fff" for c in message) == (language == "zh")
        assert message.startswith(f"{variable}{mark}") and "\n" not in message and len(message) > len(variable) + 5
