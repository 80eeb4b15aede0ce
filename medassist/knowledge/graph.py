"""One version of the graph, opened for reading: what a case states, which diseases fit, what a name means, what is cited."""

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from medassist.differential import Evidence
from medassist.errors import KnowledgeError, Language
from medassist.findings import Status
from medassist.knowledge.build import FINDING, SCHEMA_VERSION
from medassist.knowledge.lexicon import Facts, Known, Lexicon, Observation
from medassist.knowledge.rank import Ranked, Ranker, sexes
from medassist.knowledge.records import Disease, Finding, Measure, RedFlag, Source


@dataclass(frozen=True)
class Hit:
    """A node that a search found."""

    id: str
    kind: str
    en: str
    zh: str
    source: str


@dataclass(frozen=True)
class Raised:
    """A red flag that a case raises, and the places of the case that raise it."""

    flag: RedFlag
    disease: Disease
    places: tuple[tuple[int, int], ...]


class Graph:
    """Read-only, safe for any thread. Raises `KnowledgeError` where the file is no graph of this schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        try:
            self._meta: dict[str, str] = dict(self._rows("SELECT key, value FROM meta"))
        except sqlite3.Error as error:
            raise KnowledgeError(
                reason=f"{path.name} is no knowledge file ({type(error).__name__}).",
                reason_zh=f"{path.name} 不是知识库文件（{type(error).__name__}）。",
            ) from None
        if self._meta.get("schema") != SCHEMA_VERSION:
            raise KnowledgeError(reason=f"{path.name} has another schema.", reason_zh=f"{path.name} 的结构版本不符。")
        self.version = self._meta["version"]
        self.findings: Mapping[str, Finding] = self._records("finding", Finding)
        self.measures: Mapping[str, Measure] = self._records("measure", Measure)
        self.diseases: Mapping[str, Disease] = self._records("disease", Disease)
        self.references: Mapping[str, Source] = {
            str(key): Source.model_validate_json(record)
            for key, record in self._rows("SELECT id, record FROM reference")
        }
        self.red_flags: Sequence[RedFlag] = [
            RedFlag.model_validate_json(record) for (record,) in self._rows("SELECT record FROM red_flag ORDER BY id")
        ]

    def _connection(self) -> sqlite3.Connection:
        """A connection of this thread's own; the file never changes once it is built."""
        if not hasattr(self._local, "base"):
            self._local.base = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        base: sqlite3.Connection = self._local.base
        return base

    def _rows(self, query: str, *arguments: Any) -> Iterator[tuple[Any, ...]]:
        yield from self._connection().execute(query, arguments)

    def _records(self, kind: str, model: type[Any]) -> dict[str, Any]:
        rows = self._rows("SELECT record FROM node WHERE kind = ? ORDER BY id", kind)
        return {record.id: record for record in (model.model_validate_json(text) for (text,) in rows)}

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self.findings, self.measures)

    @cached_property
    def _ranker(self) -> Ranker:
        return Ranker(self.diseases, self.findings)

    def warm_up(self) -> "Graph":
        """Prepare matching and ranking now (about a second) rather than for the first case."""
        self.rank(self.read("fever", None, "unknown"))
        return self

    # --- A case.

    def read(self, case_text: str, age: float | None, sex: str, known: Known | None = None) -> Facts:
        """The findings a case states, denies, suspects. `sex` as in a case, in either language; `known`: see `Lexicon`."""
        return self._lexicon.read(case_text, age=age, sex=sexes(sex), known=known)

    def rank(self, facts: Facts, *, age: float | None = None, sex: str = "unknown", top: int = 10) -> list[Ranked]:
        """See `Ranker.rank`."""
        return self._ranker.rank(facts, age=age, sex=sexes(sex), top=top)

    def weighed(
        self, facts: Facts, diseases: Iterable[str], *, age: float | None = None, sex: str = "unknown"
    ) -> dict[str, Ranked]:
        """See `Ranker.weighed`."""
        return self._ranker.weighed(facts, diseases, age=age, sex=sexes(sex))

    def unexplained(self, facts: Facts) -> dict[str, float]:
        """See `Ranker.unexplained`."""
        return self._ranker.unexplained(facts)

    def raised(self, facts: Facts, *, age: float | None = None, sex: str = "unknown") -> list[Raised]:
        """The red flags that a case raises, the most urgent first. A suspicion may raise one and cannot silence one."""
        present = {seen.finding: seen for seen in facts.observations if seen.loose} | facts.present
        reach = {broader: seen for name, seen in present.items() for broader in self._ranker.line(name)} | present
        certain = {broader for name in facts.present for broader in self._ranker.line(name)} | set(facts.present)
        raised = []
        for flag in self.red_flags:
            when = flag.when
            if when.age is not None and (age is None or not when.age[0] <= age <= when.age[1]):
                continue
            disease = self.diseases[flag.disease]
            wanted = when.sex if when.sex != "any" else disease.sex
            if wanted in ("female", "male") and sexes(sex) not in (wanted, "unknown", "other"):
                continue
            if when.any and not any(name in reach for name in when.any):
                continue
            if not all(name in reach for name in when.all) or any(name in certain for name in when.none):
                continue
            if when.at_least and sum(name in reach for name in when.at_least.of) < when.at_least.count:
                continue
            named = [
                name for name in (*when.any, *when.all, *(when.at_least.of if when.at_least else ())) if name in reach
            ]
            raised.append(
                Raised(flag, disease, tuple(sorted({(reach[name].start, reach[name].end) for name in named})))
            )
        return sorted(raised, key=lambda each: (each.flag.severity != "emergency", each.flag.id))

    def evidence(
        self, case_text: str, facts: Facts, ranked: Ranked, most: int = 4
    ) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
        """What of the case speaks for and against a ranked disease, in the case's own words."""
        seen = {**facts.having(Status.POSSIBLE), **facts.absent, **facts.present}

        def quote(names: Sequence[str]) -> tuple[Evidence, ...]:
            quotes = dict.fromkeys(self.quote(case_text, seen[name]) for name in names if name in seen)
            return tuple(quotes)[:most]

        return (
            quote([reason.finding for reason in ranked.supporting if reason.weight > 0.15]),
            quote([reason.finding for reason in ranked.opposing]),
        )

    def quote(self, case_text: str, seen: Observation) -> Evidence:
        """The piece of the case that states a finding: its clause where that is short."""
        a, b = _widened(case_text, seen.start, seen.end)
        return Evidence(text=case_text[a:b], start=a, end=b)

    # --- Names and codes.

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {
            _plain(name): disease.id
            for disease in self.diseases.values()
            for name in (disease.name.en, disease.name.zh, *disease.synonyms.en, *disease.synonyms.zh)
        }

    @cached_property
    def _longest_names(self) -> list[tuple[str, str]]:
        return sorted(self._by_name.items(), key=lambda each: -len(each[0]))

    def normalise(self, name: str) -> Disease | None:
        """The disease that a diagnosis names, or None. A name in parentheses or a longer one around it counts too."""
        bare = re.sub(r"[(（\[][^()（）\[\]]*[)）\]]", " ", name)
        inside = re.findall(r"[(（]([^()（）]{2,60})[)）]", name)
        for text in (name, bare, *inside):
            if found := self._by_name.get(_plain(text)):
                return self.diseases[found]
        plain = _plain(bare)
        for known, found in self._longest_names:
            if _long_enough(known) and _holds(plain, known):
                return self.diseases[found]
        return None

    def code(self, code: str) -> str | None:
        """The title of an ICD-10-CM code, or None."""
        row = next(self._rows("SELECT en FROM node WHERE id = ?", f"icd:{code.strip().upper()}"), None)
        return row[0] if row else None

    def search(self, text: str, limit: int = 20, kinds: Sequence[str] = ()) -> list[Hit]:
        """Nodes whose names hold `text`, our own first, whole names before parts."""
        text = " ".join(text.split())
        if not text:
            return []
        found: dict[str, Hit] = {}
        for row in self._found(text, 8 * limit):
            if not kinds or row[1] in kinds:
                found.setdefault(row[0], Hit(*row))
        order = {"disease": 0, "finding": 1, "measure": 2, "code": 3, "rare_disease": 4, "phenotype": 5}
        folded = text.casefold()
        return sorted(
            found.values(),
            key=lambda hit: (
                order.get(hit.kind, 9),
                folded not in (hit.en.casefold(), hit.zh.casefold()),
                len(hit.en),
                hit.id,
            ),
        )[:limit]

    def _found(self, text: str, limit: int) -> Iterator[tuple[str, str, str, str, str]]:
        columns = "SELECT DISTINCT n.id, n.kind, n.en, n.zh, n.source FROM node n JOIN alias a ON a.node = n.id"
        yield from self._rows(f"{columns} WHERE a.text = ? COLLATE NOCASE LIMIT ?", text, limit)
        yield from self._rows(f"{columns} WHERE n.id = ? LIMIT ?", text, limit)
        if re.fullmatch(r"[A-Za-z]\d\w?(?:\.\w{1,4})?", text):
            yield from self._rows(f"{columns} WHERE n.id LIKE ? ORDER BY n.id LIMIT ?", f"icd:{text.upper()}%", limit)
        if len(text) >= 3:
            quoted = '"' + text.replace('"', '""') + '"'
            yield from self._rows(
                f"{columns} JOIN name_index i ON i.rowid = a.number WHERE name_index MATCH ? LIMIT ?", quoted, limit
            )
        else:
            yield from self._rows(
                f"{columns} WHERE a.source = 'medassist-graph' AND a.text LIKE ? ESCAPE '!' LIMIT ?",
                f"%{_liked(text)}%",
                limit,
            )
        words = re.findall(r"\w+", text)
        if words and text.isascii():
            query = " ".join(f'"{word}"' for word in words[:-1]) + f' "{words[-1]}"*'
            yield from self._rows(
                f"{columns} JOIN term_index i ON i.rowid = a.number WHERE term_index MATCH ? LIMIT ?",
                query.strip(),
                limit,
            )

    def rare(self, node: str) -> tuple[Hit, list[Hit]] | None:
        """A rare disease of HPO with its phenotypes, or a phenotype with the rare diseases that have it."""
        row = next(self._rows("SELECT id, kind, en, zh, source FROM node WHERE id = ?", node), None)
        if row is None:
            return None
        linked = self._rows(
            "SELECT id, kind, en, zh, source FROM node WHERE id IN (SELECT object FROM edge WHERE subject = ? UNION"
            " SELECT subject FROM edge WHERE object = ?) ORDER BY en LIMIT 200",
            node,
            node,
        )
        return Hit(*row), [Hit(*each) for each in linked]

    def diseases_with(self, finding: str) -> list[str]:
        """The diseases that list a finding for themselves."""
        rows = self._rows(
            "SELECT subject FROM edge WHERE object = ? AND relation IN ('has', 'pathognomonic')", FINDING + finding
        )
        return sorted({row[0] for row in rows})

    # --- What there is.

    def sources(self) -> list[dict[str, str]]:
        """Where the data came from: name, version, licence, hash, date, address."""
        names = ("name", "version", "licence", "sha256", "retrieved", "url")
        return [
            dict(zip(names, row, strict=True))
            for row in self._rows(
                "SELECT name, version, licence, sha256, retrieved, url FROM source WHERE active ORDER BY name"
            )
        ]

    def counts(self) -> dict[str, int]:
        return {
            "diseases": len(self.diseases),
            "red_flags": len(self.red_flags),
            "findings": len(self.findings),
            "specialties": len({disease.specialty for disease in self.diseases.values()}),
        }

    def cited(self, ids: Sequence[str]) -> list[Source]:
        return [self.references[name] for name in ids if name in self.references]

    def finding_name(self, finding: str, language: Language) -> str:
        return self.findings[finding].name.of(language) if finding in self.findings else finding

    def told(self, disease: str) -> set[str]:
        """The findings that a disease lists for itself, with what they imply."""
        return {
            each
            for name in (*self.diseases[disease].findings.for_, *self.diseases[disease].findings.pathognomonic)
            for each in self._ranker.line(name)
        }

    def findings_in(self, text: str) -> set[str]:
        """The findings that a piece of text names, however it states them."""
        return {seen.finding for seen in self._lexicon.read(text).observations}


_NEAR = re.compile(r"[，。；、,;:：.!?！？\n()（）]")


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """The clause around a match where it is short, so that a quote says something; else the match itself."""
    before = max((found.end() for found in _NEAR.finditer(text, max(0, start - 60), start)), default=None)
    after = _NEAR.search(text, end, end + 60)
    if before is None or after is None:
        return start, end
    a, b = before, after.start()
    while a < start and text[a].isspace():
        a += 1
    while b > end and text[b - 1].isspace():
        b -= 1
    return (a, b) if b - a <= 60 else (start, end)


def _plain(name: str) -> str:
    """A name without case, hyphens and little differences of spelling."""
    name = name.casefold().replace("’", "'").replace("'s", "s")
    name = re.sub(r"[\s\-–_,，、·]+", " ", name).strip(" .。:：")
    return (
        name.replace("aemi", "emi")
        .replace("oedema", "edema")
        .replace("haem", "hem")
        .replace("oesoph", "esoph")
        .replace("tumour", "tumor")
        .replace("diarrhoea", "diarrhea")
        .replace("paed", "ped")
        .replace("leucocyt", "leukocyt")
    )


def _long_enough(name: str) -> bool:
    return len(name) >= (4 if name.isascii() else 3)


def _holds(text: str, name: str) -> bool:
    """Whether `text` names `name` within a longer diagnosis, and not as what it is to be told from or denies."""
    at = text.find(name)
    if at < 0:
        return False
    if name.isascii() and (text[at - 1 : at].isalnum() or text[at + len(name) : at + len(name) + 1].isalpha()):
        return False
    return (
        not re.search(
            r"(?:\b(?:no|not|non|without|history of|secondary to|due to|rule out|after|post|following|complicating|related)\b|非|除外|排除|术后|继发于|所致)\s*$",
            text[:at],
        )
        or at == 0
    )


def _liked(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
