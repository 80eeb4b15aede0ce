"""A whole study to look at: real answers to synthetic cases, rated by raters who do not exist. Labeled so throughout.

    cases.jsonl       forty cases and five to practice on, half of them Chinese: vignettes of our own tests
    answers.jsonl     the two arms' answers to them, as `record` had them written; each line says by what, and when

The raters use the panel as people do. Their days are made up: the study is dated three weeks back, so that repeats could
wait as long as the protocol asks.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from medassist.case import PatientCase
from medassist.errors import EngineError, Language
from medassist.store.studies import new_id
from medassist.study.answering import Answer, Answered
from medassist.study.arms import ArmConfig
from medassist.study.cases import ReadCase, ReadCases, keep_cases, read_cases
from medassist.study.generate import Tally, generate
from medassist.study.instrument import load_instrument
from medassist.study.lead import Lead, NewRater
from medassist.study.panel import Panel
from medassist.study.protocol import Protocol
from medassist.study.sample.raters import SimulatedRater
from medassist.study.sheets import Given

HERE = Path(__file__).parent
CASES, ANSWERS = HERE / "cases.jsonl", HERE / "answers.jsonl"
SEED = 20261125
WHO = ("Simulated lead 1", "Simulated lead 2")
EMBEDDED = ArmConfig(
    name="embedded default",
    engine="local",
    model="embedded",
    adapter="auto",
    description="The embedded model with the adapter that ships for it",
)
GRAPH = ArmConfig(name="knowledge only", engine="knowledge", description="The knowledge graph's own ranking")
ARMS = (EMBEDDED, GRAPH)
RATERS = 6
SPECIALTIES = ("internal medicine", "emergency medicine", "general practice")
BEGUN = timedelta(days=21)
"""How long ago the study was begun."""
FIRST_DAY = timedelta(days=1)
"""From the beginning to the first rating."""

_ANSWERED = TypeAdapter(Answered)


@cache
def _read() -> ReadCases:
    return read_cases(CASES.read_bytes(), CASES.name, identifiers=False)


def sample_cases() -> tuple[ReadCase, ...]:
    return _read().cases


def sample_protocol(seed: int = SEED) -> Protocol:
    instrument = load_instrument("acceptance")
    return Protocol.model_validate(
        {
            "title": "Sample study (simulated raters)",
            "hypothesis": "Physicians accept answers of the embedded model as often as the knowledge graph's own ranking.",
            "primary_estimate": {
                "measure": "acceptance_difference",
                "arm": EMBEDDED.name,
                "reference": GRAPH.name,
            },
            "minor_edits_count": True,
            "mode": "absolute",
            "arms": [
                {"name": EMBEDDED.name, "guess": {"en": "A language model", "zh": "语言模型"}},
                {"name": GRAPH.name, "guess": {"en": "A ranking without a language model", "zh": "不含语言模型的排序"}},
            ],
            "raters_per_case": 3,
            "seed": seed,
            "instrument": {"id": instrument.id, "version": instrument.version, "sha256": instrument.sha256},
        }
    )


def create_sample(
    lead: Lead,
    panel: Panel,
    *,
    seed: int = SEED,
    rated: bool = True,
    fresh: Answer | None = None,
    on_progress: Callable[[Tally], object] = lambda _: None,
) -> str:
    """Make the sample study and return its id: rated, locked and unblinded, or waiting for its raters.

    `fresh` asks for the answers anew instead of taking those recorded. Raises what `generate` and `Lead.assign` raise:
    a fresh answer may have to be read by a person first.
    """
    clock = _Clock(datetime.now(UTC) - (BEGUN if rated else timedelta()))
    lead, panel = replace(lead, clock=clock), replace(panel, clock=clock)
    study_id = lead.create(sample_protocol(seed), load_instrument("acceptance"), WHO[0], sample=True)
    lead.set_arms(study_id, ARMS, WHO[0])
    keep_cases(lead.studies, study_id, _read())
    pseudonyms = [f"R-{n:02}" for n in range(1, RATERS + 1)]
    invited = [
        NewRater(name, SPECIALTIES[n % len(SPECIALTIES)], years=4 + 3 * n, simulated=True)
        for n, name in enumerate(pseudonyms)
    ]
    raters = dict(zip(pseudonyms, lead.add_raters(study_id, invited, WHO[0]), strict=True))
    generate(lead.studies, study_id, fresh or recorded(), holder=new_id(), on_progress=on_progress)
    lead.enrol(study_id, WHO[0])
    for rater_id in raters.values():
        panel.consent(rater_id)
    lead.assign(study_id, WHO[0])
    if rated:
        _rate(lead, panel, study_id, raters, clock, seed)
        clock.now += timedelta(hours=1)
        lead.lock(study_id, WHO[0])
        for who in WHO:
            clock.now += timedelta(hours=1)
            lead.unblind(study_id, who)
    return study_id


# --- The ratings.


@dataclass
class _Clock:
    """The time as the sample has it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def _rate(lead: Lead, panel: Panel, study_id: str, raters: Mapping[str, str], clock: _Clock, seed: int) -> None:
    """Let every rater do all there is to do, one after the other; their days overlap all the same."""
    codes = [arm.code for arm in lead.studies.arms(study_id)]
    names = {case.case.text(): (case.diagnosis, *case.accept) for case in sample_cases()}
    begins, ends = clock.now + FIRST_DAY, clock.now
    for n, (pseudonym, rater_id) in enumerate(raters.items()):
        clock.now = begins + timedelta(hours=n)
        simulated = SimulatedRater(pseudonym, seed, names)
        while (due := _due(panel, rater_id, clock)) is not None:
            _work(panel, rater_id, due, simulated, codes, clock)
        ends = max(ends, clock.now)
    clock.now = ends


def _due(panel: Panel, rater_id: str, clock: _Clock) -> str | None:
    """What the rater has to do next, once it is time for it."""
    standing = panel.standing(rater_id)
    if standing.next is None and standing.waiting_until is not None:
        clock.now = standing.waiting_until + timedelta(minutes=5)
        standing = panel.standing(rater_id)
    return standing.next


def _work(
    panel: Panel, rater_id: str, assignment_id: str, simulated: SimulatedRater, codes: Sequence[str], clock: _Clock
) -> None:
    """Fill in one assignment, page after page, as its rater would in a browser."""
    holder, values, state = new_id(), dict[str, dict[str, Any]](), "started"
    while state != "submitted":
        sheet = panel.open(rater_id, assignment_id, holder)
        page = next(each for each in sheet.pages if each.id not in sheet.locked)
        seconds = simulated.seconds(sheet.kind)
        clock.now += timedelta(seconds=1.3 * seconds)
        for label in sheet.answers:
            values[label] = values.get(label, {}) | simulated.entered(sheet, label, page.id, codes)
        given = Given(holder, sheet.revision, new_id(), values, int(1000 * seconds))
        state = str(panel.submit(rater_id, assignment_id, page.id, given, sheet.language)["state"])


# --- The answers.


def recorded(path: Path = ANSWERS) -> Answer:
    """Answers as they were recorded. An arm or case that was not recorded is an `EngineError`."""
    kept = {(text, arm): answered for text, arm, answered in _recorded(path)}

    def answer(
        config: ArmConfig, case: PatientCase, language: Language, *, stopped: Callable[[], bool], explained: bool
    ) -> Answered:
        found = kept.get((case.text(), config.name))
        if found is None:
            raise EngineError(reason="no answer to this case is recorded.", reason_zh="没有该病例的回答记录。")
        return found

    return answer


def record(answer: Answer, path: Path = ANSWERS, on_progress: Callable[[int, int], object] = lambda *_: None) -> None:
    """Have all answers written anew, and keep them for `recorded`."""
    pairs = [(case, arm) for case in sample_cases() for arm in ARMS]
    lines = []
    for n, (case, arm) in enumerate(pairs, 1):
        answered = answer(arm, case.case, case.language, stopped=lambda: False, explained=False)
        lines.append({"case": case.key, "arm": arm.name, **_ANSWERED.dump_python(answered, mode="json", exclude_defaults=True)})  # fmt: skip
        on_progress(n, len(pairs))
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def provenance(path: Path = ANSWERS) -> dict[str, dict[str, Any]]:
    """Arm → the model, adapter and versions its recorded answers were made by, and when."""
    told: dict[str, dict[str, Any]] = {}
    for _, arm, each in _recorded(path):
        of = told.setdefault(arm, {"answers": 0, "versions": set(), "at": each.at})
        of["answers"] += 1
        of["versions"].add((each.model, each.adapter, each.knowledge_version, each.prompt_version))
        of["at"] = max(of["at"], each.at)
    return told


def _recorded(path: Path) -> Iterator[tuple[str, str, Answered]]:
    """The text of the case, the arm and the answer, line after line."""
    texts = {case.key: case.case.text() for case in sample_cases()}
    for line in path.read_text(encoding="utf-8").splitlines():
        told: dict[str, Any] = json.loads(line)
        case, arm = told.pop("case"), told.pop("arm")
        yield texts[case], arm, _ANSWERED.validate_python(told)
