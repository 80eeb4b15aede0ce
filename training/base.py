"""The base model by its name: "embedded", a folder, or a hub id at a pinned commit."""

from pathlib import Path
from typing import Any

from medassist.config import load_settings
from medassist.engines import embedded
from medassist.errors import UnknownModel

EMBEDDED = "embedded"


def require_pinned(name: str, revision: str | None, what: str) -> None:
    """Raise `ValueError`, for a model of settings, where `name` is on a hub and `revision` does not pin it."""
    if name != EMBEDDED and not Path(name).is_dir() and revision is None:
        raise ValueError(f"a {what} from a hub needs its `revision`, the 40 hex digits of a commit")


def source(name: str) -> str:
    """What `from_pretrained` reads: the folder of the embedded model, else the name itself."""
    return str(embedded.ensure_converted(load_settings().cache_dir)) if name == EMBEDDED else name


def from_base(kind: Any, name: str, revision: str | None, **options: Any) -> Any:
    """`kind.from_pretrained`, without foreign code. Raises `UnknownModel`."""
    try:
        return kind.from_pretrained(source(name), revision=revision, trust_remote_code=False, **options)
    except (OSError, ValueError) as error:
        told = type(error).__name__
        raise UnknownModel(
            name=name,
            reason=f"it could not be loaded ({told}): no such folder, or no connection to the hub.",
            reason_zh=f"无法加载（{told}）：没有该目录，或无法连接 hub。",
        ) from None
