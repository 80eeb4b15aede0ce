"""What teaches a model to weigh in points: the prompt of serving, the right sums, and drills without a case."""

from typing import Any

import pytest
from transformers import AutoTokenizer

from medassist.config import load_settings
from medassist.engines import embedded
from medassist.ground import ground, look_up
from medassist.knowledge.graph import Graph
from medassist.points import points_prompt, tally
from medassist.prompt import POINTS_VERSION
from training.cases import TrainingCase
from training.encode import encode, require_whole_loss
from training.examples import Example, in_points
from training.synthesize import Synthesis, synthesize

DRILLS = 3


@pytest.fixture(scope="module")
def records(graph: Graph) -> list[TrainingCase]:
    return list(synthesize(Synthesis(cases=8, seed=11), graph))


@pytest.fixture(scope="module")
def made(records: list[TrainingCase], graph: Graph) -> list[list[Example]]:
    return [list(in_points(record, graph, DRILLS)) for record in records]


def test_a_case_comes_first_and_its_drills_behind(records: list[TrainingCase], made: list[list[Example]]) -> None:
    for record, examples in zip(records, made, strict=True):
        first, *drills = (each.prompt.messages[0][1] for each in examples)
        assert record.case().text() in first and len(drills) == DRILLS
        assert not any(record.chief_complaint in drill for drill in drills)
        assert {each.prompt.version for each in examples} == {POINTS_VERSION}


def test_the_case_is_asked_about_as_serving_asks(records: list[TrainingCase], graph: Graph) -> None:
    """For some order of the candidates, and with or without the best one."""
    record = records[0]
    text = record.case().text()
    found = look_up(graph, record.case(), text)
    asked = next(iter(in_points(record, graph, 0))).prompt.messages[0][1]
    lines = [line for line in asked.splitlines() if line.startswith("K")]
    for without in ((), (found.ranked[0].disease,)):
        given = ground(found, record.language, fits=lambda _: True, seed=0, without=without)
        told = tally(given, text, record.language)
        served = points_prompt(text, record.language, told, lambda name: graph.diseases[name].name.of(record.language))
        wanted = [line for line in served.messages[0][1].splitlines() if line.startswith("K")]
        if sorted(line.split(" ", 1)[1] for line in lines) == sorted(line.split(" ", 1)[1] for line in wanted):
            return
    pytest.fail("no prompt that serving would write")


def test_every_sum_and_every_leader_is_right(made: list[list[Example]]) -> None:
    for example in (each for examples in made for each in examples):
        points: dict[str, tuple[int, dict[str, int]]] = {}
        for line in example.prompt.messages[0][1].splitlines():
            if line.startswith("K"):
                number, *words = line.split()
                at = max(place for place, word in enumerate(words) if word.isdigit())
                parts = {word[0]: int(word[1:]) for word in words[at + 1 :]}
                points[number] = int(words[at]), parts
        reasoning, ranking = example.answer.removeprefix("<think>\n").split("\n</think>\n")
        best = -1
        for line in reasoning.splitlines():
            number, start, *rest = line.split()
            running, parts = points[number]
            assert int(start) == running
            for word in rest[: rest.index(">")]:
                running += parts[word[0]]
                assert int(word[1:]) == running
            best = max(best, running)
            assert int(rest[-1]) == best
        totals = [int(word) for word in ranking.split()[1::2]]
        assert totals == sorted(totals, reverse=True) and len(totals) == len(points)
        assert set(ranking.split()[::2]) == set(points)


def test_the_best_candidate_is_sometimes_withheld(graph: Graph) -> None:
    firsts = []
    for record in synthesize(Synthesis(cases=30, seed=12), graph):
        text = record.case().text()
        best = look_up(graph, record.case(), text).ranked[0].disease
        name = graph.diseases[best].name.of(record.language)
        asked = next(iter(in_points(record, graph, 0))).prompt.messages[0][1]
        firsts.append(any(line.startswith("K") and f" {name} " in line for line in asked.splitlines()))
    assert any(firsts) and not all(firsts)


def test_loss_falls_on_reasoning_ranking_and_end(made: list[list[Example]]) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(embedded.ensure_converted(load_settings().cache_dir))
    for example in made[0]:
        encoded = encode(tokenizer, example.prompt, example.answer)
        require_whole_loss(tokenizer, encoded)
        trained = [token for token, marked in zip(encoded.ids, encoded.trained, strict=True) if marked]
        assert tokenizer.decode(trained) == f"{example.answer}{tokenizer.eos_token}"


def test_the_same_record_teaches_the_same(records: list[TrainingCase], made: list[list[Example]], graph: Graph) -> None:
    assert list(in_points(records[3], graph, DRILLS)) == made[3]
