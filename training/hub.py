"""Sets of a hub through `datasets`: at a pinned commit, or from a copy on disk."""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetsError
from huggingface_hub.utils import logging as hub_logging

from training.config import Source
from training.errors import NoDataset

_FORMATS = {".json": "json", ".jsonl": "json", ".parquet": "parquet", ".csv": "csv", ".arrow": "arrow"}


def load(source: Source) -> Any:
    """The rows of a set. Raises `NoDataset` where the hub, or the copy named as `local`, does not give it."""
    try:
        with _quiet():
            return _from_copy(source, source.local) if source.local else _from_hub(source)
    except (OSError, ValueError, DatasetsError) as error:
        kind = type(error).__name__
        raise NoDataset(
            where=f"prepare.sources.{source.name}",
            name=source.local or f"{source.hub}@{source.revision}",
            reason=f"no connection, or no such set, config or split ({kind}).",
            reason_zh=f"没有连接，或没有该数据集、配置或划分（{kind}）。",
        ) from None


def _from_hub(source: Source) -> Any:
    return datasets.load_dataset(source.hub, source.config, split=source.split, revision=source.revision)


def _from_copy(source: Source, copy: Path) -> Any:
    """A folder written by `save_to_disk`, a clone of the set's repository, or one table."""
    if copy.is_file():
        kind = _FORMATS.get(copy.suffix.lower())
        if kind is None:
            raise ValueError("unknown format")
        return datasets.load_dataset(kind, data_files={source.split: str(copy)}, split=source.split)
    if any((copy / name).exists() for name in ("state.json", "dataset_dict.json")):
        loaded = datasets.load_from_disk(str(copy))
        if isinstance(loaded, datasets.DatasetDict):
            if source.split not in loaded:
                raise ValueError("no such split")
            return loaded[source.split]
        return loaded
    if not copy.is_dir():
        raise FileNotFoundError(copy)
    return datasets.load_dataset(str(copy), source.config, split=source.split)


@contextmanager
def _quiet() -> Iterator[None]:
    """One clear error instead of a warning for each attempt; bars only on a terminal."""
    with ExitStack() as undo:
        undo.callback(hub_logging.set_verbosity, hub_logging.get_verbosity())
        hub_logging.set_verbosity(logging.ERROR)
        if not sys.stderr.isatty() and datasets.is_progress_bar_enabled():
            undo.callback(datasets.enable_progress_bars)
            datasets.disable_progress_bars()
        yield
