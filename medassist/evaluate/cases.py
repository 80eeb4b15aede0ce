"""How often the right diagnosis is in the list, and how high: one case after another through the whole consultation.

A name in the list matches the gold when it means the same disease of the knowledge graph (by name or synonym), when
its ICD-10-CM code lies in the same category (the three characters before the point), when it is the gold's name
letter for letter, or when it contains one of `accept` as whole words. The first name in the list that matches gives
the rank; `verdict` says by which of these rules. The category is the loosest of them: it takes an inferior for an
anterior infarction. Rates are fractions of all cases, and one that failed counts as wrong.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from medassist.case import PatientCase, case_from_dict
from medassist.errors import InputError, InvalidCase, Language, MedAssistError, UnreadableInput
from medassist.events import Event, Finished
from medassist.knowledge.graph import Graph
from medassist.prompt import NONE_FITS

Verdict = Literal["disease", "name", "contains", "icd10", "none", "unparsed", "failed"]
Ask = Callable[[PatientCase, Sequence[str]], Iterator[Event]]
"""Asks about a case, the diseases named (ids of the graph) being withheld."""

_OF_TRAINING = (
    "kind", "source", "synthetic", "differential_diagnosis", "exams", "diagnosis_evidence", "candidates", "withheld", "reasoning",
)  # fmt: skip
"""What a training record tells besides the case and its diagnosis."""
LONGEST_LINE = 1_000_000
"""Characters. A longer line is no case."""


@dataclass(frozen=True)
class GoldCase:
    """A case with what its answer should say: `diagnosis` and its other names."""

    id: str
    case: PatientCase
    diagnosis: str
    accept: tuple[str, ...] = ()
    specialty: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.diagnosis, *self.accept) if name)


@dataclass(frozen=True)
class Result:
    """One case answered: `rank` of the first right name, None where none is right."""

    id: str
    language: Language
    rank: int | None
    final_diagnosis: str
    names: tuple[str, ...]
    verdict: Verdict
    truncated: bool = False
    own_rank: int | None = None  # in the model's own order, where the list follows a recount
    own_none_fits: bool | None = None  # whether that order has “none fits” first; None: there is no such order
    none_fits: bool = False  # it said that none of the candidates fits
    withheld: tuple[str, ...] = ()  # what was kept from it
    seconds: float = 0.0
    error: str = ""  # the code of what went wrong


# --- Reading the cases.


def read_cases(path: Path) -> list[GoldCase]:
    """A case set: one case of the case format a line, with `id`, `diagnosis` and/or `accept`, perhaps `specialty`.

    Raises `UnreadableInput` or `InvalidCase` with file and line; nothing is asked of half a file.
    """
    cases: list[GoldCase] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        gold = _gold(line, where)
        if gold.id in seen:
            raise InvalidCase(
                where=f"{where}: id",
                reason=f"was used in line {seen[gold.id]}.",
                reason_zh=f"与第{seen[gold.id]}行重复。",
            )
        seen[gold.id] = number
        cases.append(gold)
    if not cases:
        raise InvalidCase(where=path.name, reason="holds no case.", reason_zh="文件中没有病例。")
    return cases


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise UnreadableInput(
                        reason=f"{path.name}:{number} is longer than {LONGEST_LINE} characters.",
                        reason_zh=f"{path.name} 第{number}行超过 {LONGEST_LINE} 个字符。",
                    )
                yield line
    except UnicodeDecodeError:
        raise UnreadableInput(reason=f"{path.name} is not UTF-8.", reason_zh=f"{path.name} 不是 UTF-8 编码。") from None
    except OSError as error:
        raise UnreadableInput(
            reason=f"{path.name}: {error.strerror}.", reason_zh=f"{path.name}：{error.strerror}。"
        ) from None


def _gold(line: str, where: str) -> GoldCase:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidCase(where=where, reason="is not JSON.", reason_zh="不是 JSON。") from None
    if not isinstance(record, dict):
        raise InvalidCase(where=where, reason="is not an object.", reason_zh="不是 JSON 对象。")
    name = record.pop("id", None)
    diagnosis, accept = record.pop("diagnosis", record.pop("final_diagnosis", "")), record.pop("accept", [])
    for key in _OF_TRAINING:
        record.pop(key, None)
    specialty = record.pop("specialty", "")
    if not isinstance(name, str | int) or not str(name).strip():
        raise InvalidCase(where=f"{where}: id", reason="is missing.", reason_zh="缺少 id。")
    if not isinstance(diagnosis, str) or not isinstance(accept, list) or not all(isinstance(a, str) for a in accept):
        raise InvalidCase(
            where=f"{where}: diagnosis, accept",
            reason="must be a text and a list of texts.",
            reason_zh="必须分别为文本和文本列表。",
        )
    gold = tuple(text.strip() for text in accept if text.strip())
    if not diagnosis.strip() and not gold:
        raise InvalidCase(where=f"{where}: diagnosis", reason="is missing.", reason_zh="缺少诊断。")
    try:
        case = case_from_dict(record)
    except (InputError, ValidationError) as error:
        told = error if isinstance(error, InvalidCase) else None
        inner, why = (told.details["where"], told.details) if told else ("case", {})
        raise InvalidCase(
            where=f"{where}: {inner}",
            reason=str(why.get("reason", error)),
            reason_zh=str(why.get("reason_zh", error)),
        ) from None
    return GoldCase(str(name), case, diagnosis.strip(), gold, str(specialty))


# --- Comparing names.


def verdict(name: str, gold: Sequence[str], graph: Graph) -> Verdict:
    """By which rule `name` means one of `gold`, or "none". The strictest rule first."""
    if _plain(name) in {_plain(each) for each in gold}:
        return "name"
    disease = graph.normalise(name)
    wanted = [known for each in gold if (known := graph.normalise(each))]
    if disease is not None and disease.id in {each.id for each in wanted}:
        return "disease"
    if any(_contains(name, each) for each in gold):
        return "contains"
    if disease is not None and disease.icd10[:3] in {each.icd10[:3] for each in wanted}:
        return "icd10"
    return "none"


def _plain(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold()))


def _contains(name: str, part: str) -> bool:
    """Whether `part` stands in `name` as whole words; in Chinese, as it is written and at least two characters long."""
    name, part = _plain(name), _plain(part)
    if re.search(r"[\u4e00-\u9fff]", part):
        return len(part) > 1 and part in name
    return bool(part) and f" {part} " in f" {name} "


# --- Asking.


def assess(gold: GoldCase, ask: Ask, graph: Graph, *, withhold: bool = False) -> Result:
    """Ask about one case and grade the answer, the right disease withheld or not. A failure is a result, no exception."""
    language = gold.case.written_in
    withheld = tuple(sorted({known.id for name in gold.names if (known := graph.normalise(name))})) if withhold else ()
    answer: Mapping[str, Any] = {}
    try:
        for event in ask(gold.case, withheld):
            if isinstance(event, Finished):
                answer = event.answer
    except MedAssistError as error:
        return Result(gold.id, language, None, "", (), "failed", error=error.code)
    names = tuple(str(each["name"]) for each in answer.get("differential", ()))
    final, truncated = str(answer.get("final_diagnosis") or ""), bool(answer.get("truncated"))
    seconds = round(float(answer.get("timing", {}).get("total_s", 0.0)), 2)
    rank, found = _graded(names, gold.names, graph)
    order = [str(name) for name in answer.get("own_order", ())]
    return Result(
        gold.id,
        language,
        rank,
        final,
        names,
        found,
        truncated=truncated,
        own_rank=_graded([name for name in order if name not in NONE_FITS.values()], gold.names, graph)[0],
        own_none_fits=order[0] in NONE_FITS.values() if order else None,
        none_fits=final in NONE_FITS.values(),
        withheld=withheld,
        seconds=seconds,
    )


def _graded(names: Sequence[str], gold: Sequence[str], graph: Graph) -> tuple[int | None, Verdict]:
    if not names:
        return None, "unparsed"
    for rank, name in enumerate(names, 1):
        if (found := verdict(name, gold, graph)) != "none":
            return rank, found
    return None, "none"


def run(
    cases: Sequence[GoldCase], ask: Ask, graph: Graph, *, kept: "Kept", at_once: int = 1, withhold: bool = False
) -> Iterator[tuple[int, Result]]:
    """Every case's place and result as they come: those kept from an earlier run first, then `at_once` at a time."""
    done = kept.read()
    waiting = []
    for place, gold in enumerate(cases):
        if gold.id in done:
            yield place, done[gold.id]
        else:
            waiting.append((place, gold))

    def answered(each: tuple[int, GoldCase]) -> tuple[int, Result]:
        result = assess(each[1], ask, graph, withhold=withhold)
        kept.add(result)
        return each[0], result

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        try:
            yield from pool.map(answered, waiting)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Kept:
    """Where the results of a run lie, a line each, so that a run that was broken off goes on."""

    path: Path

    def read(self) -> dict[str, Result]:
        if not self.path.exists():
            return {}
        results = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
                results[record["id"]] = Result(**record | {name: tuple(record[name]) for name in ("names", "withheld")})
            except (ValueError, KeyError, TypeError):
                continue  # the line a crash cut off
        return {name: each for name, each in results.items() if each.verdict != "failed"}

    def add(self, result: Result) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")


def key(cases: Iterable[GoldCase], *facts: object) -> str:
    """What makes two runs the same: the cases with their gold, and what answers them."""
    told = [[each.id, each.case.model_dump_json(), each.names] for each in cases]
    return hashlib.sha256(json.dumps([told, [str(fact) for fact in facts]]).encode()).hexdigest()[:20]


# --- Counting.


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The counts and rates of DESIGN's form; rates are fractions of `n`, 0 to 1."""
    languages = sorted({each.language for each in results})
    return {
        **_rates(results),
        "by_language": {
            language: _rates([each for each in results if each.language == language]) for language in languages
        },
        "cases": [asdict(each) | {"names": list(each.names), "withheld": list(each.withheld)} for each in results],
    }


def _rates(results: Sequence[Result]) -> dict[str, Any]:
    n = len(results)

    def share(holds: Callable[[Result], bool]) -> float:
        return round(sum(map(holds, results)) / n, 4) if n else 0.0

    return {
        "n": n,
        "parsed": share(lambda each: bool(each.names)),
        "truncated": share(lambda each: each.truncated),
        "none_fits": share(lambda each: each.none_fits),
        **{f"top{k}": share(lambda each, k=k: each.rank is not None and each.rank <= k) for k in (1, 3, 5)},  # type: ignore[misc]
        **(_own(share) if any(each.own_none_fits is not None for each in results) else {}),
        "mrr": round(sum(1 / each.rank for each in results if each.rank) / n, 4) if n else 0.0,
    }


def _own(share: Callable[[Callable[[Result], bool]], float]) -> dict[str, float]:
    """The same for the order that the model itself had chosen."""
    return {
        "own_none_fits": share(lambda each: bool(each.own_none_fits)),
        "own_top1": share(lambda each: each.own_rank == 1),
        "own_top5": share(lambda each: each.own_rank is not None and each.own_rank <= 5),
    }
