"""LoRA adapters: found by name under `adapters/`, by folder, or by hub id with a pinned commit; checked before use."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassist.engines.embedded import MANIFEST, sha256
from medassist.errors import UnknownAdapter

ADAPTERS = Path(__file__).resolve().parents[2] / "adapters"
EMBEDDED = "embedded-points"
"""The adapter that ships for the embedded model."""
_PINNED = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})")
CARD = "README.md"
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def available(folder: Path = ADAPTERS) -> list[str]:
    """Names of the adapters that ship with the project or were put beside them."""
    return sorted(path.parent.name for path in folder.glob(f"*/{_CONFIG}"))


def manifest_of(path: Path) -> dict[str, Any]:
    """What the manifest of an adapter's folder says; empty where there is none that can be read."""
    try:
        told = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def chosen(wanted: str, *, embedded: bool) -> str | None:
    """The adapter of the settings, None for none; "auto" is the one that ships for the embedded model."""
    if wanted == "auto":
        return EMBEDDED if embedded and EMBEDDED in available() else None
    return None if wanted in ("none", "") else wanted


@dataclass(frozen=True)
class Described:
    """An adapter as it is listed: what it was made for, what its card says, and why it is refused, if it is."""

    name: str
    base: str
    made: str
    card: str  # Markdown
    refused: UnknownAdapter | None = None


def described(base: str, folder: Path = ADAPTERS) -> list[Described]:
    """Every adapter of the folder, checked against the model `base`."""
    return [_described(name, base, folder) for name in available(folder)]


def _described(name: str, base: str, folder: Path) -> Described:
    path, refused = folder / name, None
    try:
        check(name, path, base)
    except UnknownAdapter as error:
        refused = error
    told = manifest_of(path)
    return Described(name, str(told.get("base", "")), str(told.get("made", "")), card(path), refused)


def card(path: Path) -> str:
    """The card of an adapter's folder without the header that a hub reads; "" where there is none."""
    try:
        text = (path / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL).strip()


def find_adapter(name: str, folder: Path = ADAPTERS, base: str | None = None) -> Path:
    """The checked folder of an adapter, made for the model `base` where one is named. Raises `UnknownAdapter`."""
    pinned = _PINNED.fullmatch(name)
    if pinned and not Path(name).is_dir():
        path = _download(name, pinned["repo"], pinned["commit"])
    else:
        path = folder / name if (folder / name / _CONFIG).is_file() else Path(name)
        if not (path / _CONFIG).is_file():
            known = ", ".join(available(folder)) or "none"
            raise UnknownAdapter(
                name=name,
                reason=f"there is no such folder with an {_CONFIG}. Installed: {known}. From a hub, write owner/name@commit.",
                reason_zh=f"没有包含 {_CONFIG} 的此目录。已安装：{known}。来自 hub 时请写成 owner/name@commit。",
            )
    check(name, path, base)
    return path


def check(name: str, path: Path, base: str | None = None) -> None:
    """Safetensors only, every file of the manifest as it was written, and made for `base`. Raises `UnknownAdapter`.

    A foreign adapter has no manifest and tells no base: one that does not fit fails when it is put into the model.
    """
    if not (path / _WEIGHTS).is_file():
        raise UnknownAdapter(
            name=name,
            reason=f"it has no {_WEIGHTS}; no other format is loaded.",
            reason_zh=f"缺少 {_WEIGHTS}；不加载其他格式。",
        )
    if not (path / MANIFEST).is_file():
        return
    made_for = None
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        files, made_for = manifest["files"].items(), manifest.get("base")
        changed = [file for file, digest in files if not (path / file).is_file() or sha256(path / file) != digest]
    except (ValueError, KeyError, TypeError, AttributeError):
        changed = [MANIFEST]
    if changed:
        raise UnknownAdapter(
            name=name,
            reason=f"{', '.join(changed)} does not match the manifest.",
            reason_zh=f"{'、'.join(changed)} 与清单不符。",
        )
    if base is not None and made_for not in (None, base):
        raise UnknownAdapter(
            name=name,
            reason=f"it was made for {made_for}, and the model here is {base}.",
            reason_zh=f"它是为 {made_for} 训练的，而当前模型为 {base}。",
        )


def _download(name: str, repo: str, commit: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo, revision=commit, allow_patterns=["*.safetensors", "*.json", "*.md"]))
    except Exception as error:  # the hub's client raises many kinds; all of them mean: not to be had
        raise UnknownAdapter(
            name=name,
            reason=f"the hub did not give it ({type(error).__name__}).",
            reason_zh=f"无法从 hub 获取（{type(error).__name__}）。",
        ) from None
