"""The `prepare` section of a YAML: which data sets are read, how they are cleaned, and where the files go.

The other sections (`data`, which names the files that are trained on, `model`, `lora`, `train`) are `recipe.py`'s.

Paths count from the folder in which the command runs.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from medassist.errors import BadSetting, Language
from training.base import require_pinned
from training.errors import explain

REPORT = "report.json"
"""What `prepare` writes last, beside the files it lists."""

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(gt=0, le=100)]


class Section(BaseModel):
    """A part of a YAML: every key is known, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Section):
    """One data set: local JSONL files (`path`), or a set of a hub at a pinned commit (`hub`, `revision`).

    `columns` turns columns into fields of the record, `Question: question`; columns not named are left out. Without it
    each row is a record already. What a row does not say (`language`, `specialty`, …) is taken from here.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]
    licence: Annotated[str, Field(min_length=1)]
    path: tuple[Path, ...] = ()
    hub: str | None = None
    config: str | None = None
    split: str = "train"
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    local: Path | None = None
    """A folder or file with a copy of `hub`, for where the hub is out of reach."""
    columns: dict[str, str] = {}
    language: Language | None = None
    specialty: str = ""
    synthetic: bool = False
    scrub: bool = True
    """Mask identifiers; for generated cases it only costs time."""

    @field_validator("path", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if bool(self.path) == bool(self.hub):
            raise ValueError("needs either `path` or `hub`")
        if self.hub and self.revision is None:
            raise ValueError("`hub` needs its `revision`, the 40 hex digits of a commit")
        return self


class Duplicates(Section):
    """MinHash over word 5-grams (English) or character 5-grams (Chinese) of what is asked; both are Jaccard indices."""

    drop: Share | None = 0.8
    """From here on a record is a duplicate of an earlier one and is dropped; null keeps all."""
    same_case: Share = 0.7
    """From here on two records are one case told twice: kept, but never on two sides of the split."""
    permutations: Annotated[int, Field(ge=16, le=1024)] = 128

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.drop is not None and self.same_case > self.drop:
            raise ValueError("`same_case` must not be above `drop`")
        return self


class Decontaminate(Section):
    """Test files that nothing trained on may overlap with, and what counts as an overlap (see `decontaminate.py`)."""

    against: tuple[Path, ...] = ()
    words: Annotated[int, Field(ge=3, le=50)] = 8
    characters: Annotated[int, Field(ge=5, le=100)] = 13
    fuzzy: Percent = 85.0
    shortest: Annotated[int, Field(ge=10)] = 40
    """Strings of the test files up to this many characters are no test texts."""


class HoldOut(Section):
    """Records kept for testing in a file of their own, chosen by their source or by how their id begins."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}\.jsonl$")]
    sources: tuple[str, ...] = ()
    id_prefixes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if not (self.sources or self.id_prefixes):
            raise ValueError("needs `sources` or `id_prefixes`")
        if self.file in ("train.jsonl", "validation.jsonl", "test.jsonl"):
            raise ValueError("needs a `file` of its own")
        return self


class Split(Section):
    """Shares of the three sides, by case and within each specialty × language."""

    train: Share = 0.9
    validation: Share = 0.05
    test: Share = 0.05
    case_of: str | None = None
    """A regular expression whose first group is the part of an id that names the case: `^(.+)#\\d+$`."""
    hold_out: tuple[HoldOut, ...] = ()

    @field_validator("case_of")
    @classmethod
    def _is_an_expression(cls, value: str | None) -> str | None:
        try:
            groups = re.compile(value).groups if value is not None else 1
        except re.error:
            groups = 0
        if groups < 1:
            raise ValueError("must be a regular expression with a group")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("`train`, `validation` and `test` must add up to 1")
        return self


class Lengths(Section):
    """The longest record, in tokens of `tokenizer`: "embedded", a folder, or a hub id with its `revision`.

    Counted are case and answer; what a prompt adds (some hundred tokens) must fit beside them.
    """

    tokenizer: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    limit: Annotated[int, Field(ge=1)] = 4096

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        require_pinned(self.tokenizer, self.revision, "tokenizer")
        return self


class Prepare(Section):
    """The `prepare` section: what is read, how it is cleaned, and the folder that is written."""

    output: Path
    cache: Path | None = None
    """Where sources and their cleaned rows are kept; `.cache` in the output folder when not given."""
    seed: int = 20261125
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    duplicates: Duplicates = Duplicates()
    decontaminate: Decontaminate = Decontaminate()
    split: Split = Split()
    lengths: Lengths | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same `name`")
        files = [each.file for each in self.split.hold_out]
        if len(set(files)) < len(files):
            raise ValueError("two hold-outs have the same `file`")
        return self

    @property
    def cached(self) -> Path:
        return self.cache or self.output / ".cache"


class Config(Section):
    """The whole file. The sections of a recipe stay as they are written: `recipe.py` reads them."""

    prepare: Prepare
    data: dict[str, Any] = {}
    model: dict[str, Any] = {}
    lora: dict[str, Any] = {}
    train: dict[str, Any] = {}


def load_config(path: Path) -> Config:
    """Read a configuration. Raises `BadSetting`, naming the file and the key."""
    return parse_config(read_setting(path), str(path))


def parse_config(text: str, where: str) -> Config:
    """`load_config` for the text of a file called `where`."""
    return checked(Config, sections(text, where, "prepare"), where)


def read_setting(path: Path) -> str:
    """The text of a file of settings. Raises `BadSetting`."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise BadSetting(where=str(path), reason=f"{reason}.", reason_zh="无法读取。") from None
    except UnicodeDecodeError:
        raise BadSetting(where=str(path), reason="is not UTF-8.", reason_zh="不是 UTF-8 编码。") from None


def sections(text: str, where: str, wanted: str) -> dict[str, Any]:
    """The sections of a YAML; `wanted` is one that it must hold. Raises `BadSetting`."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at, at_zh = (f" (line {mark.line + 1})", f"（第 {mark.line + 1} 行）") if mark else ("", "")
        raise BadSetting(where=where, reason=f"is not YAML{at}.", reason_zh=f"不是有效的 YAML{at_zh}。") from None
    if not isinstance(value, dict):
        raise BadSetting(
            where=where,
            reason=f"holds no sections, not even a section `{wanted}`.",
            reason_zh=f"应含 `{wanted}` 部分。",
        )
    return value


S = TypeVar("S", bound=BaseModel)


def checked(model: type[S], value: Any, where: str) -> S:
    """`value` as settings. Raises `BadSetting` with the first thing wrong, named by `where` and its key."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = explain(error)[0]
        raise BadSetting(where=f"{where}: {first.field}", reason=first.reason, reason_zh=first.reason_zh) from None
