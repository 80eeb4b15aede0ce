"""Every rule of data/README.md, checked over a set of knowledge files."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from medassist.errors import LANGUAGES
from medassist.knowledge import icd
from medassist.knowledge.records import Disease, Files, Finding, Problem
from medassist.knowledge.stems import meaning

FEWEST = {"diseases": 300, "red_flags": 80}
FEWEST_FINDINGS = 8
OWN_FINDINGS = 2
"""How many findings a disease must have that a look-alike lacks."""

_DOSE = re.compile(
    r"\d\s*(?:mg|mcg|µg|μg|ug|g|ml|mL|IU|units?|毫克|微克|克|毫升|单位)(?:\s*/\s*kg)?\b(?!\s*/\s*(?:[mdL]|24))"
    r"|\d\s*(?:毫克|微克|毫升|单位)",
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def problems(files: Files, *, whole: bool = True) -> list[Problem]:
    """What is wrong with the files, in their order; `whole` also asks for the counts of the shipped graph."""
    found = list(files.problems)
    for check in (_sources, _findings, _words, _diseases, _names, _red_flags):
        found += check(files)
    if whole:
        for kind, fewest in FEWEST.items():
            if (count := len(getattr(files, kind))) < fewest:
                found.append(Problem(kind, f"only {count}; at least {fewest} are needed"))
    return found


def _sources(files: Files) -> Iterator[Problem]:
    by_address: dict[str, str] = {}
    for source in files.sources.values():
        address = source.url.rstrip("/").lower()
        if address in by_address:
            yield Problem(files.place("sources", source.id), f"has the same address as {by_address[address]}")
        by_address.setdefault(address, source.id)


def _findings(files: Files) -> Iterator[Problem]:
    for finding in files.findings.values():
        where = files.place("findings", finding.id)
        for broader in finding.is_:
            if broader not in files.findings:
                yield Problem(where, f"is: there is no finding {broader}")
        for name in {each for group in finding.made_of for each in group}:
            if name not in files.findings:
                yield Problem(where, f"made_of: there is no finding {name}")
        if finding.id in implied(files.findings, finding.id, itself=False):
            yield Problem(where, "implies itself")
        for limit in finding.measure:
            if limit.of not in files.measures:
                yield Problem(where, f"measure: there is no measure {limit.of}")
            if limit.source not in files.sources:
                yield Problem(where, f"measure: there is no source {limit.source}")


def _words(files: Files) -> Iterator[Problem]:
    """A phrase belongs to one finding; English has no Chinese characters."""
    owners: dict[tuple[str, str], str] = {}
    for finding in files.findings.values():
        where = files.place("findings", finding.id)
        for language in LANGUAGES:
            for phrase in {finding.name.of(language), *finding.words.of(language)}:
                key = (language, " ".join(phrase.casefold().split()))
                if (owner := owners.setdefault(key, finding.id)) != finding.id:
                    yield Problem(where, f"the words “{phrase}” are {owner}'s already")
                if language == "en" and (stems := tuple(sorted(meaning(phrase)))):
                    same = ("stems", "|".join(stems))
                    if owners.setdefault(same, finding.id) not in (finding.id, owner):
                        yield Problem(where, f"“{phrase}” means what {owners[same]} has already")
                if language == "en" and _HAN.search(phrase):
                    yield Problem(where, f"“{phrase}” is no English")
                if language == "en" and len(phrase.split()) > 1 and len(meaning(phrase)) < 2:
                    yield Problem(where, f"“{phrase}” is left with one word once little words are gone")


def _diseases(files: Files) -> Iterator[Problem]:
    for disease in files.diseases.values():
        where = files.place("diseases", disease.id)
        yield from (Problem(where, what) for what in _of_disease(files, disease))


def _of_disease(files: Files, disease: Disease) -> Iterator[str]:
    if not icd.exists(disease.icd10):
        yield f"icd10: {disease.icd10} is not in ICD-10-CM"
    low, high = disease.age
    if not 0 <= low < high <= 120:
        yield f"age: {low}–{high} is no span of years"
    if disease.cant_miss and disease.urgency in ("routine",):
        yield "cant_miss: a disease that must not be missed is not routine"
    yield from _disease_findings(files, disease)
    for each in disease.look_alikes:
        if each.disease == disease.id:
            yield "look_alikes: names itself"
        elif (other := files.diseases.get(each.disease)) is None:
            yield f"look_alikes: there is no disease {each.disease}"
        elif len(_told(files, disease) - _told(files, other)) < OWN_FINDINGS:
            yield f"look_alikes: fewer than {OWN_FINDINGS} findings that {each.disease} lacks"
    yield from (f"sources: there is no source {name}" for name in disease.sources if name not in files.sources)
    for text in _texts(disease):
        if _DOSE.search(text):
            yield f"“{text}” names a dose"


def _disease_findings(files: Files, disease: Disease) -> Iterator[str]:
    groups = (disease.findings.for_, disease.findings.pathognomonic, disease.findings.against)
    listed = [name for group in groups for name in group]
    if len(listed) < FEWEST_FINDINGS:
        yield f"findings: {len(listed)}; at least {FEWEST_FINDINGS} are needed"
    for name in sorted({name for name in listed if listed.count(name) > 1}):
        yield f"findings: {name} stands in two groups"
    for name in listed:
        if name not in files.findings:
            yield f"findings: there is no finding {name}"
    supporting = [*disease.findings.for_, *disease.findings.pathognomonic]
    for name in supporting:
        for broader in implied(files.findings, name, itself=False):
            if broader in disease.findings.against:
                yield f"findings: {name} is for and {broader}, which it implies, against"
    for group in groups:
        for name, frequency in group.items():
            if frequency == "excluded" and group is not disease.findings.against:
                yield f"findings: {name} is excluded, so it belongs under against"


def _told(files: Files, disease: Disease) -> set[str]:
    return {
        each
        for name in (*disease.findings.for_, *disease.findings.pathognomonic)
        for each in implied(files.findings, name)
    }


def _texts(disease: Disease) -> Iterable[str]:
    for examination in disease.examinations:
        yield from (examination.test.en, examination.test.zh, examination.expect.en, examination.expect.zh)
    for each in disease.look_alikes:
        yield from (each.by.en, each.by.zh)


def _names(files: Files) -> Iterator[Problem]:
    """A name means one disease; only then may an answer be mapped to it."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for disease in files.diseases.values():
        for language in LANGUAGES:
            for name in (disease.name.of(language), *disease.synonyms.of(language)):
                owners[language, name.casefold()].add(disease.id)
    for (_, name), ids in owners.items():
        if len(ids) > 1:
            first, *others = sorted(ids)
            yield Problem(files.place("diseases", first), f"the name “{name}” is also that of {', '.join(others)}")


def _red_flags(files: Files) -> Iterator[Problem]:
    for flag in files.red_flags.values():
        where = files.place("red_flags", flag.id)
        disease = files.diseases.get(flag.disease)
        if disease is None:
            yield Problem(where, f"there is no disease {flag.disease}")
        elif not disease.cant_miss:
            yield Problem(where, f"{flag.disease} is not marked cant_miss")
        for name in flag.when.named():
            if name not in files.findings:
                yield Problem(where, f"when: there is no finding {name}")
        for name in flag.sources:
            if name not in files.sources:
                yield Problem(where, f"sources: there is no source {name}")
        if flag.when.at_least and flag.when.at_least.count > len(flag.when.at_least.of):
            yield Problem(where, "when: at_least asks for more than it names")
        for text in (flag.action.en, flag.action.zh):
            if _DOSE.search(text):
                yield Problem(where, f"“{text}” names a dose")


def implied(findings: Mapping[str, Finding], name: str, itself: bool = True) -> set[str]:
    """The findings that `name` is, broader and broader; unknown ids are passed over."""
    reached: set[str] = set()
    waiting = list(findings[name].is_) if name in findings else []
    while waiting:
        each = waiting.pop()
        if each not in reached and each in findings:
            reached.add(each)
            waiting += findings[each].is_
    return reached | {name} if itself else reached


def main() -> None:
    """`python -m medassist.knowledge.validate [WORD]`: print the problems, only those whose line holds WORD."""
    import sys

    from medassist.knowledge.records import read_files

    files = read_files()
    found = [line for line in map(str, problems(files)) if len(sys.argv) < 2 or sys.argv[1] in line]
    counts = ", ".join(
        f"{len(getattr(files, kind))} {kind}" for kind in ("diseases", "red_flags", "findings", "sources")
    )
    sys.stdout.write("\n".join([*found, f"{len(found)} problems; {counts}\n"]))


if __name__ == "__main__":
    main()
