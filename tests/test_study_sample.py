"""The sample study: real answers of known origin, raters who do not exist, and the same way through the panel as people."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev

import pytest

from medassist.engines.adapters import chosen, find_adapter, manifest_of
from medassist.errors import EngineError
from medassist.study.blinding import blind
from medassist.study.instrument import Instrument, asked, check, load_instrument
from medassist.study.sample import (
    ANSWERS,
    ARMS,
    EMBEDDED,
    GRAPH,
    RATERS,
    WHO,
    create_sample,
    provenance,
    record,
    recorded,
    sample_cases,
)
from medassist.study.sample.raters import COMMENT, SimulatedRater, place_of
from tests.studying import Studying

VIGNETTES = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studying]:
    made = Studying(tmp_path_factory.mktemp("sample"))
    made.id = create_sample(made.lead, made.panel)
    yield made
    made.close()


# --- What it is made of.


def test_its_cases_are_vignettes_of_the_tests_half_of_them_chinese() -> None:
    cases = sample_cases()
    kinds = Counter((case.language, case.is_practice) for case in cases)
    assert kinds == {("en", False): 20, ("zh", False): 20, ("en", True): 3, ("zh", True): 2}
    lines = [line for name in ("en", "zh") for line in (VIGNETTES / f"vignettes_{name}.jsonl").read_text().splitlines()]
    written = {record["id"]: record for record in map(json.loads, lines)}
    for case in cases:
        assert written[case.key]["history"].strip() == case.case.history
        assert written[case.key]["diagnosis"] == case.diagnosis and written[case.key]["accept"] == list(case.accept)
    assert len({case.case.text() for case in cases}) == len(cases)


def test_its_answers_are_the_shipped_adapters_and_say_by_which_knowledge(sample: Studying) -> None:
    """Whoever ships another adapter has them recorded again: `sample.record`. Of the knowledge they say the version."""
    told = provenance()
    assert {arm: each["answers"] for arm, each in told.items()} == dict.fromkeys((arm.name for arm in ARMS), 45)
    adapter = chosen("auto", embedded=True)
    assert adapter is not None
    manifest = manifest_of(find_adapter(adapter))
    ((model, by, knowledge, prompt),) = told[EMBEDDED.name]["versions"]
    assert (model, by, prompt) == (manifest["base"], adapter, manifest["form"]) and knowledge
    ((*others, _),) = told[GRAPH.name]["versions"]
    assert others == ["knowledge graph", "", knowledge]
    for each in sample.lead.studies.responses(sample.id):
        assert each.knowledge_version == knowledge and each.generated_at <= max(of["at"] for of in told.values())


def test_none_of_its_answers_tells_who_wrote_it() -> None:
    answer = recorded()
    for case in sample_cases():
        for arm in ARMS:
            told = answer(arm, case.case, case.language, stopped=lambda: False, explained=False)
            assert told.read is not None and not blind(told.shown(case.language, 4), case.language).leaks


def test_recording_is_what_is_read_again(tmp_path: Path) -> None:
    record(recorded(), tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text(encoding="utf-8") == ANSWERS.read_text(encoding="utf-8")
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(EngineError):
        case = sample_cases()[0]
        recorded(tmp_path / "none.jsonl")(GRAPH, case.case, "en", stopped=lambda: False, explained=False)


# --- What comes of it.


def test_it_ends_unblinded_by_two_and_is_marked_as_a_sample(sample: Studying) -> None:
    study = sample.lead.studies.study(sample.id)
    assert study.sample and study.state == "unblinded" and sample.lead.studies.approvals(sample.id) == list(WHO)
    raters = sample.lead.studies.raters(sample.id)
    assert [rater.pseudonym for rater in raters] == [f"R-{n:02}" for n in range(1, RATERS + 1)]
    assert all(rater.simulated and rater.consent_at for rater in raters)
    assignments = sample.lead.studies.assignments(sample.id)
    assert {each.state for each in assignments} == {"submitted"}
    kinds = Counter(each.kind for each in assignments)
    assert kinds == {"practice": 5 * RATERS, "primary": 40 * 3 * 2, "repeat": 4 * RATERS, "closing": 2 * RATERS}


def test_its_times_follow_one_another_and_lie_behind_us(sample: Studying) -> None:
    studies = sample.lead.studies
    study = studies.study(sample.id)
    rows = {each.id: each for each in studies.assignments(sample.id)}
    for rater in studies.raters(sample.id):
        assert rater.consent_at is not None and study.created_at <= rater.invited_at <= rater.consent_at
        mine = [each for each in rows.values() if each.rater_id == rater.id]
        times = [each.submitted_at for each in mine if each.submitted_at]
        assert study.locked_at is not None and rater.consent_at < min(times) < max(times) < study.locked_at
    for each in rows.values():
        assert 0 < each.active_ms <= each.wall_ms
        if each.repeat_of:
            first = rows[each.repeat_of].submitted_at
            assert each.submitted_at is not None and first is not None
            assert (each.submitted_at - first).days >= each.wait_days
    assert study.unblinded_at is not None and study.unblinded_at < datetime.now(UTC)


def values_of(sample: Studying) -> dict[tuple[str, str], dict[str, object]]:
    """Assignment and response → item → value, as the instrument would check them."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    kinds = {item.id: item.kind for item in load_instrument("acceptance").items}
    for row in sample.lead.studies.ratings(sample.id):
        value: object = row.value
        if kinds[row.item] in ("rank", "multi"):
            value = json.loads(row.value)
        found.setdefault((row.assignment_id, row.response_id), {})[row.item] = value
    return found


def test_its_ratings_are_complete_and_hang_together(sample: Studying) -> None:
    studies = sample.lead.studies
    guesses = {arm.name: arm.guess for arm in sample.lead.protocol(sample.id).arms}
    arms = {arm.code: guesses[arm.name] for arm in studies.arms(sample.id)}
    instrument: Instrument = load_instrument("acceptance").with_arms(arms)
    kinds = {each.id: each.kind for each in studies.assignments(sample.id)}
    for (assignment, _), values in values_of(sample).items():
        page = "closing" if kinds[assignment] == "closing" else "rating"
        assert check(instrument, values, "en", page) == []
        assert all(asked(item, values) for item in instrument.of_page(page) if item.id in values)
        if "comment" in values:
            assert values["comment"] in COMMENT.values()
    accepted = Counter(values.get("accept") for values in values_of(sample).values())
    assert min(accepted["yes"], accepted["minor_edits"], accepted["no"]) > 10


def test_what_the_raters_say_follows_from_where_the_right_diagnosis_stands(sample: Studying) -> None:
    studies = sample.lead.studies
    cases = {case.key: case for case in sample_cases()}
    keys = {case.id: case.key for case in studies.cases(sample.id)}
    shown = {each.id: each for each in studies.responses(sample.id)}
    taken: dict[bool, list[bool]] = {True: [], False: []}
    for (_, response), values in values_of(sample).items():
        if "accept" not in values:
            continue
        case = cases[keys[shown[response].case_id]]
        place = place_of((case.diagnosis, *case.accept), shown[response].display_text)
        assert values.get("gold_rank") == place and values["gold_listed"] == ("no" if place is None else "yes")
        taken[place == 1].append(values["accept"] in ("yes", "minor_edits"))
    assert mean(taken[True]) > mean(taken[False]) + 0.3


def test_it_can_wait_for_its_raters(tmp_path: Path) -> None:
    made = Studying(tmp_path)
    made.id = create_sample(made.lead, made.panel, rated=False)
    assert made.lead.studies.study(made.id).state == "rating" and not made.lead.studies.ratings(made.id)
    for rater in made.lead.studies.raters(made.id):
        following = made.panel.standing(rater.id).next
        assert following is not None and made.panel.open(rater.id, following, "tab").kind == "practice"
    made.close()


def test_a_rater_is_as_severe_whenever_the_seed_is_the_same() -> None:
    drawn = [SimulatedRater(f"R-{n:02}", 1, {}).severity for n in range(200)]
    assert drawn == [SimulatedRater(f"R-{n:02}", 1, {}).severity for n in range(200)]
    assert SimulatedRater("R-00", 2, {}).severity != drawn[0]
    assert 0.6 < stdev(drawn) < 1.0 and abs(mean(drawn)) < 0.2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Initial differential:\n1. Pneumonia\n  For: x\n2. Acute gout of the toe\n\nFinal diagnosis:\nGout", 2),
        ("Initial differential:\n1. Goutte\n", None),
        ("初步鉴别：\n1. 急性痛风性关节炎\n", 1),
        ("Gout", None),
    ],
)
def test_where_a_diagnosis_stands(text: str, place: int | None) -> None:
    assert place_of(("gout", "痛风"), text) == place
