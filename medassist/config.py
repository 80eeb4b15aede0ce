"""Settings: the only reader of the environment (MEDASSIST_*)."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from medassist.errors import BadSetting


class Settings(BaseSettings):
    """What an operator can set, read once at start. `load_settings` turns a wrong value into a `BadSetting`."""

    model_config = SettingsConfigDict(env_prefix="MEDASSIST_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 7860
    engine: Literal["local", "knowledge", "scripted"] = "local"
    model: str = "auto"  # "auto": embedded on a CPU, the R1 distill on a GPU; else a folder or a hub id
    model_revision: str | None = None
    adapter: str = "auto"  # a folder name under adapters/, a hub id, "none", or "auto": what ships for the model
    quantization: Literal["none", "nf4", "int8"] | None = None  # None: chosen for the device
    attention: Literal["auto", "flash_attention_2", "sdpa", "eager"] = "auto"
    data_dir: Path = Path("data")
    cache_dir: Path = Path.home() / ".cache" / "medassist"
    database_url: str | None = None
    auth: Literal["local", "password"] = (
        "local"  # "local": who sits at this computer is a study lead without signing in
    )
    explain: Literal["demand", "auto"] = "demand"  # whether answers are explained unasked
    knowledge: bool = True  # ground and check answers in the knowledge graph
    think_tokens: Annotated[int, Field(ge=0, le=65536)] | None = None  # None: the model's own default
    answer_tokens: Annotated[int, Field(ge=16, le=16384)] | None = None
    max_sessions: Annotated[int, Field(ge=1, le=256)] = 8  # answers written at once; more wait in the queue
    threads: Annotated[int, Field(ge=1, le=512)] | None = None

    @property
    def database(self) -> str:
        """The database URL: as set, else SQLite under the data directory."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'medassist.sqlite3').absolute()}"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` above it. Raises `BadSetting` naming the variable."""
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "MEDASSIST_" + "_".join(str(part) for part in first["loc"]).upper()
        reason, reason_zh = _why(first["type"], first.get("ctx", {}), first["msg"])
        raise BadSetting(where=name, reason=reason, reason_zh=reason_zh) from None


def _why(kind: str, context: dict[str, Any], message: str) -> tuple[str, str]:
    if kind == "literal_error":
        return f"must be one of {context['expected']}.", f"必须是 {context['expected']} 之一。"
    if kind in ("int_parsing", "int_type", "int_from_float"):
        return "must be a whole number.", "必须是整数。"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}.", f"必须不低于 {context['ge']}。"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}.", f"必须不高于 {context['le']}。"
    return f"{message}.", f"值无效（{message}）。"
