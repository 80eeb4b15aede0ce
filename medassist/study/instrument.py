"""Instruments: what raters are asked, as versioned bilingual data, and whether an answer to it is complete.

An item has no default: what nobody chose is missing, and “cannot judge” is a choice of its own. A page may open only
after another is locked, so that seeing an explanation cannot change whether an answer was accepted; a page asked at the
end comes once all assignments are done.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from medassist.errors import InvalidStudy, Language
from medassist.study.faults import Bilingual, Code, Strict, Text, fault, invalid

DATA = Path(__file__).parent / "instruments"
CANNOT_JUDGE = "cannot_judge"
CANNOT_JUDGE_LABEL = Bilingual(en="Cannot judge", zh="无法判断")
CANNOT_JUDGE_KEY = "0"

Kind = Literal["choice", "likert", "rank", "text", "multi"]
Key = Annotated[str, StringConstraints(pattern=r"^[1-9a-z]$")]
When = dict[Code, tuple[Code, ...]]  # item → codes; holds when any item has one of its codes


class Option(Strict):
    code: Code
    label: Bilingual
    key: Key | None = None


class Page(Strict):
    id: Code
    title: Bilingual
    after: Code | None = None  # opens when that page is locked
    asked: Literal["each", "end"]  # with every assignment, or once all are done
    shows: Literal["explanation"] | None = None  # what raters see beside the answer from this page on


class Item(Strict):
    id: Code
    page: Code
    kind: Kind
    label: Bilingual
    help: Bilingual | None = None
    options: tuple[Option, ...] = ()
    options_from: Literal["arms"] | None = None  # filled in by `with_arms`
    required: bool
    cannot_judge: bool
    asked_when: When = {}
    required_when: When = {}
    max: int | None = Field(None, ge=1, le=100)  # of a rank
    max_length: int | None = Field(None, ge=1, le=100_000)  # of a text

    @property
    def codes(self) -> tuple[str, ...]:
        own = tuple(option.code for option in self.options)
        return (*own, CANNOT_JUDGE) if self.cannot_judge else own

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Item":
        fewest = {"choice": 2, "likert": 3, "multi": 1}.get(self.kind, 0)
        if self.options_from:
            if self.kind != "choice":
                raise fault("only a choice can take its options from the arms", "只有单选题可以取用各臂作为选项")
        elif len(self.options) < fewest:
            raise fault(f"needs {fewest} options or more", f"至少需要 {fewest} 个选项")
        if not fewest and self.options:
            raise fault(f"a {self.kind} has no options", f"{self.kind} 类型不能有选项")
        if (self.kind == "rank") != (self.max is not None) or (self.kind == "text") != (self.max_length is not None):
            raise fault("a rank needs max, a text needs max_length, and nothing else has them", "rank 需要 max，text 需要 max_length，其他类型不得使用")  # fmt: skip
        if self.kind == "likert" and [o.code for o in self.options] != [str(n + 1) for n in range(len(self.options))]:
            raise fault("the codes of a likert item are “1”, “2”, … in order", "likert 的代码须依次为“1”、“2”……")
        if self.kind == "text" and self.cannot_judge:
            raise fault("a text cannot be “cannot judge”", "文本题不能选“无法判断”")
        if CANNOT_JUDGE in (option.code for option in self.options):
            raise fault(f"{CANNOT_JUDGE} is kept for cannot_judge: true", f"{CANNOT_JUDGE} 为保留代码")
        _require_once("option code", "选项代码", (option.code for option in self.options))
        _require_once("key", "按键", (option.key for option in self.options if option.key))
        return self


class Instrument(Strict):
    id: Code
    version: Text
    title: Bilingual
    source: Text  # the work it follows
    pages: tuple[Page, ...] = Field(min_length=1)
    items: tuple[Item, ...] = Field(min_length=1)

    @property
    def sha256(self) -> str:
        """Of what is asked, however the file is laid out."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def of_page(self, page: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.page == page)

    def with_arms(self, arms: Mapping[str, Bilingual]) -> "Instrument":
        """With the study's arms as the options of what asks for them. The codes reach a browser: not the secret names."""
        options = tuple(
            Option(code=code, label=label, key=str(n) if n <= 9 else None)
            for n, (code, label) in enumerate(arms.items(), 1)
        )
        items = tuple(
            item.model_copy(update={"options": options, "options_from": None}) if item.options_from else item
            for item in self.items
        )
        return self.model_copy(update={"items": items})

    @model_validator(mode="after")
    def _hangs_together(self) -> "Instrument":
        _require_once("item id", "条目编号", (item.id for item in self.items))
        _require_once("page id", "页面编号", (page.id for page in self.pages))
        before: list[str] = []
        for page in self.pages:
            if page.after and page.after not in before:
                raise fault(f"page {page.id} comes after {page.after}, which is no earlier page", f"页面 {page.id} 的 after 指向 {page.after}，但它不是更早的页面")  # fmt: skip
            before.append(page.id)
        seen: dict[str, Item] = {}
        for item in self.items:
            if item.page not in before:
                raise fault(f"item {item.id} is on an unknown page, {item.page}", f"条目 {item.id} 的页面 {item.page} 不存在")  # fmt: skip
            for when in (item.asked_when, item.required_when):
                _require_known(item.id, when, seen)
            seen[item.id] = item
        if empty := [page.id for page in self.pages if not self.of_page(page.id)]:
            raise fault(f"page {empty[0]} asks nothing", f"页面 {empty[0]} 没有条目")
        return self


def _require_once(en: str, zh: str, names: Iterable[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise fault(f"the {en} {twice[0]} stands twice", f"{zh} {twice[0]} 重复")


def _require_known(item: str, when: When, seen: Mapping[str, Item]) -> None:
    for other, codes in when.items():
        if other not in seen:
            raise fault(f"item {item} hangs on {other}, which is no earlier item", f"条目 {item} 的条件指向 {other}，但它不是更早的条目")  # fmt: skip
        if unknown := [code for code in codes if code not in seen[other].codes]:
            raise fault(f"item {item} hangs on {other} = {unknown[0]}, which it cannot be", f"条目 {item} 的条件 {other} = {unknown[0]} 不可能成立")  # fmt: skip


# --- Reading.


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """A key given twice is an error, not the last one's silent win."""


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if twice := [key for n, key in enumerate(keys) if key in keys[:n]]:
        raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r} stands twice", node.start_mark)
    return dict(zip(keys, (loader.construct_object(value, deep=True) for _, value in node.value), strict=True))


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_instrument(text: str, source: str) -> Instrument:
    """An instrument from YAML. Raises `InvalidStudy` that names `source` and the field."""
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
        return Instrument.model_validate(data)
    except ValidationError as error:
        raise invalid(error, source, data) from None
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = (f" (line {mark.line + 1})", f"（第 {mark.line + 1} 行）") if mark else ("", "")
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidStudy(
            where=source,
            reason=f"no valid YAML{place[0]}: {problem}.",
            reason_zh=f"不是有效的 YAML{place[1]}：{problem}。",
        ) from None


def shipped() -> tuple[str, ...]:
    """The ids of the instruments that come with the package."""
    return tuple(sorted(path.stem for path in DATA.glob("*.yaml")))


@cache
def load_instrument(name: str) -> Instrument:
    """One that comes with the package."""
    if name not in shipped():
        known = ", ".join(shipped())
        raise InvalidStudy(where=f"instrument {name}", reason=f"there is none. Shipped: {known}.", reason_zh=f"不存在。自带：{known}。")  # fmt: skip
    return read_instrument((DATA / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")


# --- Checking what a rater entered.


@dataclass(frozen=True)
class Problem:
    item: str
    code: Literal["missing", "invalid", "too_long", "not_asked", "unknown"]
    text: str


_PROBLEMS = {
    "missing": ("“{label}” has not been answered.", "“{label}”尚未作答。"),
    "invalid": ("“{label}” has an answer that is none of its options.", "“{label}”的答案不在选项之内。"),
    "too_long": ("“{label}” holds more than {max} characters.", "“{label}”超过 {max} 个字符。"),
    "not_asked": ("“{label}” is not asked here; clear it.", "此处不需回答“{label}”，请清除。"),
    "unknown": ("“{label}” is no item of this instrument.", "本量表没有“{label}”这一条目。"),
}


def check(
    instrument: Instrument, values: Mapping[str, object], language: Language, page: str | None = None
) -> list[Problem]:
    """What keeps `values` (item → code, codes, rank or text) from being submitted, on one page or on all.

    A page by itself is checked with what was entered on the others, for the conditions.
    """
    items = instrument.of_page(page) if page else instrument.items
    found = [_problem(item, values, language) for item in items]
    known = {item.id for item in instrument.items}
    unknown = [_say(name[:60], "unknown", name[:60], language) for name in values if name not in known]
    return [problem for problem in found if problem] + unknown


def holds(when: When, values: Mapping[str, object]) -> bool:
    """Whether any item of `when` has one of its codes."""
    return any(_chosen(values.get(item)) & set(codes) for item, codes in when.items())


def asked(item: Item, values: Mapping[str, object]) -> bool:
    return not item.asked_when or holds(item.asked_when, values)


def _chosen(value: object) -> set[object]:
    if isinstance(value, str):
        return {value}
    return {code for code in value if isinstance(code, str)} if isinstance(value, (list, tuple)) else set()


def _problem(item: Item, values: Mapping[str, object], language: Language) -> Problem | None:
    value = values.get(item.id)
    label = item.label.of(language)
    missing = value is None or value in ("", [], ()) or (isinstance(value, str) and not value.strip())
    if not asked(item, values):
        return None if missing else _say(item.id, "not_asked", label, language)
    if missing:
        needed = item.required or holds(item.required_when, values)
        return _say(item.id, "missing", label, language) if needed else None
    if item.options_from:
        raise InvalidStudy(where=item.id, reason="the study's arms have not been filled in.", reason_zh="尚未填入研究各臂。")  # fmt: skip
    if isinstance(value, str) and item.max_length and len(value) > item.max_length:
        return _say(item.id, "too_long", label, language, item.max_length)
    return None if _fits(item, value) else _say(item.id, "invalid", label, language)


def _fits(item: Item, value: object) -> bool:
    if value == CANNOT_JUDGE:
        return item.cannot_judge
    if item.kind == "multi":
        return isinstance(value, Sequence) and not isinstance(value, str) and _distinct(value, item.codes)
    if item.kind == "rank":
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= (item.max or 0)
    return isinstance(value, str) and (item.kind == "text" or value in item.codes)


def _distinct(value: Sequence[object], codes: tuple[str, ...]) -> bool:
    return all(code in codes and code != CANNOT_JUDGE for code in value) and len(set(map(str, value))) == len(value)


def _say(item: str, code: Any, label: str, language: Language, most: int = 0) -> Problem:
    return Problem(item, code, _PROBLEMS[code][language == "zh"].replace("{max}", str(most)).replace("{label}", label))
