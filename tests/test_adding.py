"""A consultation in points: the list follows the recount, the model's own order is kept beside it."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from medassist import points
from medassist.case import PatientCase
from medassist.consult import consult
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import EngineError
from medassist.evaluate.cases import GoldCase
from medassist.evaluate.reasons import count
from medassist.events import DiagnosisAdded, Event, Finished, Reasoning
from medassist.ground import ground, look_up
from medassist.knowledge.graph import Graph
from medassist.prompt import NONE_FITS, POINTS_VERSION, Prompt
from medassist.store import Store


def told_of(case: PatientCase, graph: Graph, without: tuple[str, ...] = ()) -> points.Tally:
    text = case.text()
    found = ground(look_up(graph, case, text), case.written_in, fits=lambda _: True, seed=3, without=without)
    return points.tally(found, text, case.written_in)


def engine(sums: str, ranks: str) -> ScriptedEngine:
    made = ScriptedEngine(lambda prompt: ranks if "</think>" in prompt.assistant else f"{sums}\n</think>", demo=True)
    made.profile = replace(made.profile, points=True)
    return made


def answered(
    case: PatientCase, graph: Graph, store: Store, sums: str, ranks: str, **options: Any
) -> tuple[list[Event], dict[str, Any]]:
    events = list(consult(case, engine=engine(sums, ranks), store=store, graph=graph, shuffle=3, **options))
    (done,) = (event for event in events if isinstance(event, Finished))
    return events, dict(done.answer)


def name(graph: Graph, told: points.Tally, number: int, case: PatientCase) -> str:
    line = told.line(number)
    assert line is not None
    return graph.diseases[line.disease].name.of(case.written_in)


@pytest.fixture(params=["case_en", "case_zh"])
def case(request: pytest.FixtureRequest) -> PatientCase:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_a_right_answer_is_put_into_words(case: PatientCase, graph: Graph, store: Store) -> None:
    told = told_of(case, graph)
    events, answer = answered(case, graph, store, points.sums(told), points.ranks(told))
    order = [number for number in told.ranking if number][:5]
    assert [each["name"] for each in answer["differential"]] == [name(graph, told, each, case) for each in order]
    assert answer["final_diagnosis"] == answer["differential"][0]["name"]
    assert answer["own_order"][0] == answer["final_diagnosis"]
    assert answer["prompt_version"] == POINTS_VERSION
    assert "recounted" not in {warning["code"] for warning in answer["warnings"]}
    assert [event.diagnosis.rank for event in events if isinstance(event, DiagnosisAdded)] == list(
        range(1, len(order) + 1)
    )
    for diagnosis in answer["differential"]:
        assert diagnosis["evidence_for"] and diagnosis["next_tests"] and diagnosis["icd10"]
        for evidence in diagnosis["evidence_for"] + diagnosis["evidence_against"]:
            assert answer["case_text"][evidence["start"] : evidence["end"]] == evidence["text"]
    grown = [event.text for event in events if isinstance(event, Reasoning)]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(grown))
    assert answer["reasoning"].count("[K") == len(told.lines)


def test_a_miscount_does_not_move_the_list_and_is_said(case: PatientCase, graph: Graph, store: Store) -> None:
    told = told_of(case, graph)
    last = told.ranking[-1] or told.ranking[-2]
    wrong = points.ranks(told).split(" ")
    wrong = [f"K{last}", "99", *wrong]
    _, answer = answered(case, graph, store, points.sums(told), " ".join(wrong))
    assert answer["final_diagnosis"] == name(graph, told, told.ranking[0], case)
    assert answer["own_order"][0] == name(graph, told, last, case)
    (warning,) = (each for each in answer["warnings"] if each["code"] == "recounted")
    assert answer["own_order"][0] in warning["message"]


def test_where_no_candidate_reaches_the_mark_none_fits(graph: Graph, store: Store) -> None:
    case = PatientCase(
        chief_complaint="Dizziness",
        history="Two days. Also hair loss, knee pain, heartburn, nosebleed, itching, hearing loss, tremor and hiccups.",
        age=40,
        sex="male",
    )
    told = told_of(case, graph)
    assert told.ranking[0] == 0
    _, answer = answered(case, graph, store, points.sums(told), points.ranks(told))
    assert answer["final_diagnosis"] == NONE_FITS["en"] and answer["differential"]
    assert answer["diagnostic_evidence"] == []


def test_what_is_withheld_is_not_in_the_list(case: PatientCase, graph: Graph, store: Store) -> None:
    told = told_of(case, graph)
    line = told.line(next(number for number in told.ranking if number))
    assert line is not None
    less = told_of(case, graph, (line.disease,))
    _, answer = answered(case, graph, store, points.sums(less), points.ranks(less), without=(line.disease,))
    gone = graph.diseases[line.disease].name.of(case.written_in)
    assert gone not in {each["name"] for each in answer["differential"]}


def test_stopped_while_adding_up_keeps_what_was_summed(case: PatientCase, graph: Graph, store: Store) -> None:
    told = told_of(case, graph)
    stream = consult(case, engine=engine(points.sums(told), points.ranks(told)), store=store, graph=graph, shuffle=3)
    for event in stream:
        if isinstance(event, Reasoning) and event.text.count(" = ") == 2:
            break
    stream.close()
    (kept,) = store.recent(1)
    turn = store.get(kept.id).turns[0]
    assert turn.status == "stopped" and turn.result is not None
    listed: Any = turn.result["differential"]
    assert {each["name"] for each in listed} == {name(graph, told, number, case) for number in (1, 2)}
    assert turn.result["final_diagnosis"] == ""


def test_without_candidates_the_model_is_asked_in_prose(graph: Graph, store: Store) -> None:
    case = PatientCase(chief_complaint="Feels odd", history="Odd.", age=40)
    asked: list[Prompt] = []

    def script(prompt: Prompt) -> str:
        asked.append(prompt)
        return "Nothing stands out.</think>\n\n1) Anxiety disorder\n   For: odd"

    made = ScriptedEngine(script, demo=True)
    made.profile = replace(made.profile, points=True)
    list(consult(case, engine=made, store=store, graph=graph))
    assert asked and all(prompt.version != POINTS_VERSION for prompt in asked)


def test_answers_written_freely_are_counted_against_a_recount(case: PatientCase, graph: Graph) -> None:
    """One right answer, then one with a foreign letter, a sum that does not come out and another first."""
    told = told_of(case, graph)
    right = f"{points.sums(told)}\n</think>\n{points.ranks(told)}"
    used = {letter for letter, _ in told.lines[0].parts}
    foreign = next(letter for letter in told.quotes if letter not in used)
    lines = points.sums(told).split("\n")
    lines[0] = f"K1 {told.lines[0].start:02d} {foreign}99 > K1 99"
    last = f"K{told.ranking[-1]} {told.totals[told.ranking[-1]]:02d}"
    wrong = "\n".join([*lines, "</think>", f"{last} {points.ranks(told)}"])
    scripts = iter([right, wrong])
    made = ScriptedEngine(lambda prompt: next(scripts), demo=True)
    made.profile = replace(made.profile, points=True)
    cases = [GoldCase(str(number), case, "x") for number in range(2)]
    (first, whole), (_, both) = ((answer, replace(counts)) for answer, counts in count(cases, made, graph, shuffle=3))
    assert first.written == first.right and (whole.exact, whole.invented, whole.wrong_sums) == (1, 0, 0)
    assert whole.reasons == sum(len(line.parts) for line in told.lines) and whole.first_by_points == 1
    assert (both.answers, both.exact, both.invented, both.wrong_sums) == (2, 1, 1, 1)
    assert both.left_out == len(told.lines[0].parts) and both.first_by_points == 1


def test_an_adapter_that_does_not_weigh_in_points_has_nothing_to_count(graph: Graph, case_en: PatientCase) -> None:
    with pytest.raises(EngineError, match="does not weigh in points"):
        next(count([GoldCase("1", case_en, "x")], ScriptedEngine(), graph))
