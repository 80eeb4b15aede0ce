"""The check outside the model: red flags before it, and after it what its answer missed, contradicts or may not say."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medassist import points
from medassist.case import PatientCase
from medassist.compliance import doses, injections, references, warn, without_doses
from medassist.deidentify import MASKS, DeidentifiedCase
from medassist.differential import Diagnosis, Differential, Evidence, Warning
from medassist.errors import Language
from medassist.findings import Status
from medassist.ground import Grounding
from medassist.knowledge.lexicon import Observation
from medassist.knowledge.rank import Ranked, sexes
from medassist.knowledge.records import Disease, Source
from medassist.prompt import NONE_FITS

MOST_ADDED = 3
NEAR = 4.0
"""Natural log by which a can't-miss disease may lie behind the graph's first and still be added to the list."""
WITHIN = 6
"""The places of the graph's own ranking in which a can't-miss disease is looked for."""


@dataclass(frozen=True)
class Reviewed:
    """An answer after its review: the list with codes and citations, what was added to it, and what to read first."""

    differential: Differential
    added: tuple[Diagnosis, ...]
    warnings: tuple[Warning, ...]


def said_of(source: Source) -> str:
    """A source as a reader knows it."""
    return f"{source.title} ({source.publisher}{f', {source.year}' if source.year else ''})"


def before(safe: DeidentifiedCase, case_text: str, found: Grounding | None, language: Language) -> Iterator[Warning]:
    """What is known before the model is asked."""
    if counts := safe.counts:
        yield warn(
            "phi.masked",
            language,
            kinds=", ".join(f"{MASKS[kind][0]} ×{count}" for kind, count in counts.items()),
            kinds_zh="、".join(f"{MASKS[kind][1]}×{count}" for kind, count in counts.items()),
        )
    if places := injections(case_text):
        yield warn("input.injection", language, places=places)
    if found is None:
        return
    for raised in found.raised:
        flag = raised.flag
        yield warn(
            "red_flag",
            language,
            id_=f"red_flag.{flag.id}",
            severity=flag.severity,
            cited=[said_of(source) for source in found.graph.cited(flag.sources)],
            places=raised.places,
            name=raised.disease.name.of(language),
            action=flag.action.of(language),
        )
    if not found.ranked:
        yield warn("knowledge.nothing", language)


def of_answer(
    read: Differential, raw: str, case: PatientCase, case_text: str, found: Grounding | None, language: Language
) -> Reviewed:
    """Map, cite and check an answer. `raw` is everything the model wrote after its reasoning."""
    warnings: list[Warning] = []
    if doses(raw):
        warnings.append(warn("dose.named", language))
        read = _withhold(read, language)
    if any(True for _ in references(raw)):
        warnings.append(warn("citation.unverifiable", language))
    warnings += _allergies(raw, case, language)
    if found is None:
        return Reviewed(read, (), tuple(warnings))
    diagnoses = tuple(_mapped(diagnosis, found) for diagnosis in read.diagnoses)
    for diagnosis in diagnoses:
        warnings += _contradictions(diagnosis, case, case_text, found, language)
    added = _missed(diagnoses, case_text, found, language)
    if added:
        warnings.append(
            warn(
                "cant_miss.absent",
                language,
                names=("、" if language == "zh" else ", ").join(each.name for each in added),
                cited=list(dict.fromkeys(said_of(s) for each in added for s in found.graph.cited(each.cited))),
            )
        )
    return Reviewed(read.model_copy(update={"diagnoses": diagnoses}), added, tuple(warnings))


def of_reply(reply: str, case: PatientCase, language: Language) -> tuple[str, tuple[Warning, ...]]:
    """A reply to a follow-up question with doses withheld, and what is to be said of it."""
    warnings = list(_allergies(reply, case, language))
    if doses(reply):
        warnings.append(warn("dose.named", language))
    if any(True for _ in references(reply)):
        warnings.append(warn("citation.unverifiable", language))
    return without_doses(reply, language), tuple(warnings)


def mapped(diagnosis: Diagnosis, found: Grounding | None, language: Language) -> Diagnosis:
    """A diagnosis as it arrives: without doses, and with the graph's code and citations where it is known."""
    bare = _withhold(Differential(diagnoses=(diagnosis,)), language).diagnoses[0]
    return bare if found is None else _mapped(bare, found)


def from_graph(found: Grounding, case_text: str, language: Language, top_k: int) -> Differential:
    """The graph's own ranking as a differential: an honest baseline, in which no model had a part."""
    diagnoses = tuple(
        _diagnosis_of(each, rank, case_text, found, language) for rank, each in enumerate(found.ranked[:top_k], 1)
    )
    if not diagnoses:
        return Differential(diagnoses=())
    fits = points.fits(found.ranked[0], language)
    final = diagnoses[0].name if fits else NONE_FITS[language]
    tests = list(dict.fromkeys(test for each in diagnoses[:3] for test in each.next_tests))[:4]
    evidence = [each.text for each in diagnoses[0].evidence_for] if fits else []
    return Differential(
        diagnoses=diagnoses, key_examinations=tuple(tests), diagnostic_evidence=tuple(evidence), final_diagnosis=final
    )


def cited_by(diagnoses: Sequence[Diagnosis], found: Grounding | None) -> list[Mapping[str, Any]]:
    """The sources behind the diagnoses, for the end of an answer."""
    if found is None:
        return []
    ids = dict.fromkeys(name for diagnosis in diagnoses for name in diagnosis.cited)
    return [
        source.model_dump(include={"id", "title", "publisher", "year", "url", "seen"})
        for source in found.graph.cited(list(ids))
    ]


def _diagnosis_of(ranked: Ranked, rank: int, case_text: str, found: Grounding, language: Language) -> Diagnosis:
    disease = found.graph.diseases[ranked.disease]
    supporting, opposing = found.graph.evidence(case_text, found.facts, ranked)
    return Diagnosis(
        rank=rank,
        name=disease.name.of(language),
        icd10=disease.icd10,
        cant_miss=disease.cant_miss,
        node=disease.id,
        cited=disease.sources,
        known=tuple(each.text for each in (*supporting, *opposing)),
        evidence_for=supporting,
        evidence_against=opposing,
        next_tests=tuple(each.test.of(language) for each in disease.examinations[:3]),
    )


def _withhold(read: Differential, language: Language) -> Differential:
    def clean(text: str) -> str:
        return without_doses(text, language)

    def bare(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        # What stands in the case is the case's own: a drug history with its doses is no order.
        return tuple(
            each if each.start is not None else each.model_copy(update={"text": clean(each.text)}) for each in evidence
        )

    diagnoses = tuple(
        each.model_copy(
            update={
                "name": clean(each.name),
                "evidence_for": bare(each.evidence_for),
                "evidence_against": bare(each.evidence_against),
                "next_tests": tuple(map(clean, each.next_tests)),
            }
        )
        for each in read.diagnoses
    )
    return Differential(
        diagnoses=diagnoses,
        key_examinations=tuple(map(clean, read.key_examinations)),
        diagnostic_evidence=tuple(map(clean, read.diagnostic_evidence)),
        final_diagnosis=clean(read.final_diagnosis),
    )


def _mapped(diagnosis: Diagnosis, found: Grounding) -> Diagnosis:
    """With the graph's code and citations, where the name means one of its diseases and the model was told of it."""
    disease = found.graph.normalise(diagnosis.name)
    if disease is None:
        return diagnosis
    given = disease.id in {each.disease for each in found.given}
    told = found.graph.told(disease.id) if given else set()
    against = set(disease.findings.against) if given else set()

    def known(evidence: tuple[Evidence, ...], stated: set[str], denied: set[str]) -> list[str]:
        """The reasons in which the case states one of `stated`, or denies one of `denied`."""
        return [
            each.text
            for each in evidence
            if each.start is not None
            and any(
                seen.finding in (denied if seen.status is Status.ABSENT else stated) for seen in _within(each, found)
            )
        ]

    return diagnosis.model_copy(
        update={
            "icd10": disease.icd10,
            "cant_miss": disease.cant_miss,
            "node": disease.id,
            "cited": disease.sources if given else (),
            "known": (
                *known(diagnosis.evidence_for, told, against),
                *known(diagnosis.evidence_against, against, told),
            ),
        }
    )


def _missed(
    diagnoses: Sequence[Diagnosis], case_text: str, found: Grounding, language: Language
) -> tuple[Diagnosis, ...]:
    """Can't-miss diseases that a red flag names or the graph ranks high, and that the list leaves out."""
    listed = {diagnosis.node for diagnosis in diagnoses}
    best = found.ranked[0].score if found.ranked else 0.0
    by_name = {each.disease: each for each in found.ranked}
    wanted = [raised.disease.id for raised in found.raised]
    wanted += [each.disease for each in found.ranked[:WITHIN] if each.score >= best - NEAR]
    missed = [name for name in dict.fromkeys(wanted) if name not in listed and found.graph.diseases[name].cant_miss]
    return tuple(
        _diagnosis_of(by_name.get(name, Ranked(name, 0.0)), rank, case_text, found, language)
        for rank, name in enumerate(missed[:MOST_ADDED], len(diagnoses) + 1)
    )


_RULES_OUT_PREGNANCY = ("menopause",)
_OF_PREGNANCY = re.compile(r"^O(?!8[5-9]|9[0-2])|^Z3")


def _contradictions(
    diagnosis: Diagnosis, case: PatientCase, case_text: str, found: Grounding, language: Language
) -> Iterator[Warning]:
    """What the case itself says against a diagnosis of the list."""
    if diagnosis.node is None:
        return
    disease = found.graph.diseases[diagnosis.node]
    cited = [said_of(source) for source in found.graph.cited(disease.sources)]
    sex = sexes(case.sex)
    if (disease.sex, sex) in (("female", "male"), ("male", "female")):
        yield warn("contradiction.sex", language, name=diagnosis.name, cited=cited)
    elif _OF_PREGNANCY.match(disease.icd10) and (
        (case.age is not None and not 10 <= case.age <= 58)
        or any(name in found.facts.present for name in _RULES_OUT_PREGNANCY)
        or "positive_pregnancy_test" in found.facts.absent
    ):
        yield warn("contradiction.pregnancy", language, name=diagnosis.name, cited=cited)
    if case.age is not None and _far(case.age, disease):
        low, high = (f"{each:g}" for each in disease.age)
        yield warn("contradiction.age", language, name=diagnosis.name, low=low, high=high, cited=cited)
    told, denied = found.graph.told(disease.id), found.facts.absent
    for evidence in diagnosis.evidence_for:
        seen = _within(evidence, found)
        quoted = evidence.start is not None
        against = [each for each in seen if each.finding in told and each.finding in denied]
        if against and not (quoted and any(each.finding in told and each.status is Status.PRESENT for each in seen)):
            yield warn("contradiction.negated", language, name=diagnosis.name, text=evidence.text[:60], cited=cited)
            break


def _within(evidence: Evidence, found: Grounding) -> list[Observation]:
    """What the case states where a reason quotes it; where it quotes nothing, what the reason itself would state."""
    if evidence.start is not None and evidence.end is not None:
        start, end = evidence.start, evidence.end
        return [each for each in found.facts.observations if start <= each.start and each.end <= end]
    return [Observation(name, Status.PRESENT, 0, 0) for name in found.graph.findings_in(evidence.text)]


def _far(age: float, disease: Disease) -> bool:
    low, high = disease.age
    return age < 0.5 * low - 1 or age > high + max(15.0, 0.3 * high)


_DRUG_CLASSES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("penicillin", "青霉素"), ("penicillin", "amoxicillin", "ampicillin", "piperacillin", "flucloxacillin", "青霉素", "阿莫西林", "氨苄西林", "哌拉西林")),
    (("contrast",), ("contrast", "增强", "造影")),
    (("造影剂",), ("contrast", "增强CT", "造影")),
    (("碘",), ("contrast", "增强CT", "造影", "碘")),
    (("iodine",), ("contrast", "iodine")),
    (("aspirin", "阿司匹林"), ("aspirin", "阿司匹林")),
    (("sulfa", "磺胺"), ("sulfa", "sulfamethoxazole", "co-trimoxazole", "磺胺")),
    (("cephalosporin", "头孢"), ("cephalosporin", "ceftriaxone", "cefazolin", "cefuroxime", "头孢")),
)  # fmt: skip
"""The words under which an allergy is stated, and what an answer may name that belongs to it."""

_NO_ALLERGY = re.compile(r"\b(?:no|none|nil|nkda|nka|denie[sd]|not known)\b|无|否认|未发现|不详", re.IGNORECASE)
_COMMON_WORDS = frozenset(
    [
        "allergy",
        "allergic",
        "allergies",
        "rash",
        "reaction",
        "hives",
        "anaphylaxis",
        "swelling",
        "itching",
        "mild",
        "severe",
        "years",
        "drug",
        "drugs",
        "known",
        "child",
        "childhood",
        "food",
        "foods",
        "medication",
        "medications",
    ]
)


def _allergies(answer: str, case: PatientCase, language: Language) -> Iterator[Warning]:
    """What the answer names although the case says that the patient cannot bear it."""
    stated = [
        part for part in re.split(r"[,;，；、。\n.]", case.allergies) if part.strip() and not _NO_ALLERGY.search(part)
    ]
    folded = answer.casefold()
    for part in stated:
        names: list[str] = []
        for stated_as, members in _DRUG_CLASSES:
            if any(word in part.casefold() for word in stated_as):
                names += members
        names += [word for word in re.findall(r"[a-z]{5,}", part.casefold()) if word not in _COMMON_WORDS]
        if hit := next((name for name in names if name.casefold() in folded), None):
            yield warn("contradiction.allergy", language, name=hit)
            return
