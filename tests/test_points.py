"""Weighing in points: what the model is told, what its shorthand says, and that no reason can be invented."""

from collections.abc import Callable
from dataclasses import replace

import llguidance
import pytest

from medassist.case import PatientCase
from medassist.differential import Evidence
from medassist.ground import ground, look_up
from medassist.knowledge.graph import Graph
from medassist.points import (
    Line,
    Tally,
    drill_prompt,
    points_prompt,
    ranks,
    ranks_grammar,
    read_ranks,
    read_sums,
    reasons,
    spelled,
    sums,
    sums_grammar,
    tally,
)

NONE = 43
QUOTES = {"a": Evidence(text="chest pain", start=0, end=10), "b": Evidence(text="no fever", start=12, end=20)}
TOLD = Tally(
    (
        Line("first", 20, (("a", 8), ("b", -2))),
        Line("second", 31, (("a", 15),)),
        Line("third", 40, ()),
    ),
    QUOTES,
    NONE,
)


def name(disease: str) -> str:
    return disease.title()


def told_of(case: PatientCase, graph: Graph, seed: int = 1, without: tuple[str, ...] = ()) -> tuple[Tally, str]:
    text = case.text()
    found = ground(look_up(graph, case, text), case.written_in, fits=lambda _: True, seed=seed, without=without)
    return tally(found, text, case.written_in), text


def test_the_right_shorthand_is_running_totals_and_a_ranking() -> None:
    assert sums(TOLD).splitlines() == [
        "K1 20 a28 b26 > K1 26",
        "K2 31 a46 > K2 46",
        "K3 40 > K2 46",
        f"K0 {NONE} > K2 46",
    ]
    assert ranks(TOLD) == f"K2 46 K0 {NONE} K3 40 K1 26"
    assert read_ranks(ranks(TOLD), TOLD) == TOLD.ranking == [2, 0, 3, 1]
    none = replace(TOLD, none=50)
    assert none.ranking[0] == 0 and sums(none).endswith("K0 50 > K0 50")


def test_a_reason_is_a_piece_of_the_case(graph: Graph, case_en: PatientCase, case_zh: PatientCase) -> None:
    for case in (case_en, case_zh):
        told, text = told_of(case, graph)
        assert len(told.lines) > 2 and told.quotes
        for quote in told.quotes.values():
            assert quote.start is not None and text[quote.start : quote.end] == quote.text
        for line in told.lines:
            assert {letter for letter, _ in line.parts} <= set(told.quotes)
            assert line.start >= 0 and all(points for _, points in line.parts)


def test_the_points_rank_as_the_graph_does(graph: Graph, case_en: PatientCase, case_zh: PatientCase) -> None:
    for case in (case_en, case_zh):
        text = case.text()
        found = look_up(graph, case, text)
        told, _ = told_of(case, graph)
        best = next(number for number in told.ranking if number)
        line = told.line(best)
        assert line is not None and line.disease == found.ranked[0].disease


def test_the_order_follows_from_the_seed_and_the_totals_do_not(graph: Graph, case_en: PatientCase) -> None:
    one, other = (told_of(case_en, graph, seed)[0] for seed in (1, 5))
    assert [each.disease for each in one.lines] != [each.disease for each in other.lines]
    assert {each.disease: each.total for each in one.lines} == {each.disease: each.total for each in other.lines}


def test_the_prompt_tells_case_quotes_and_candidates(graph: Graph, case_zh: PatientCase) -> None:
    told, text = told_of(case_zh, graph)
    asked = points_prompt(text, "zh", told, lambda disease: graph.diseases[disease].name.zh).messages[0][1]
    assert text in asked and f"K0 均不符合 {told.none}" in asked
    for number, line in enumerate(told.lines, 1):
        assert f"K{number} {graph.diseases[line.disease].name.zh} {line.start:02d}" in asked
    assert drill_prompt("en", TOLD).messages[0][1] == f"K1 20 a8 b-2\nK2 31 a15\nK3 40\nK0 {NONE}"


def test_only_letters_of_its_own_line_are_reasons() -> None:
    (first, second) = read_sums("K1 20 a28 z30 b26 > K1 26\nK2 31 b5 a4", TOLD)
    assert (first.letters, first.invented, first.total) == (("a", "b"), ("z",), 26)
    assert (second.letters, second.invented, second.total) == (("a",), ("b",), None)
    assert read_sums("K9 20 a28 > K9 2\nnonsense", TOLD) == []
    assert read_ranks("K2 46 K2 46 K9 1 K0 43 K1", TOLD) == [2, 0]
    line = TOLD.line(1)
    assert line is not None
    supporting, opposing = reasons(line, TOLD, ("b", "z", "a"))
    assert ([each.text for each in supporting], [each.text for each in opposing]) == (["chest pain"], ["no fever"])


@pytest.mark.parametrize(("language", "wrong"), [("en", "(the model counted 30)"), ("zh", "（模型算得 30）")])
def test_a_wrong_sum_is_recounted_and_said_to_be_wrong(language: str, wrong: str) -> None:
    text = spelled("K1 20 a28 b30 > K1 30\nK2 31 a46 > K2 46\n", TOLD, language, name)  # type: ignore[arg-type]
    _, first, second = text.splitlines()
    assert first.endswith(f"= 26{' ' if language == 'en' else ''}{wrong}") and second.endswith("= 46")
    assert "chest pain +8" in first and "no fever -2" in first


def test_what_is_spelled_only_grows() -> None:
    whole = f"{sums(TOLD)}\n"
    before = ""
    for end in range(len(whole) + 1):
        now = spelled(whole[:end], TOLD, "en", name)
        assert now.startswith(before)
        before = now


def allowed(grammar: str, text: str, tokenizer: Callable[[], llguidance.LLTokenizer]) -> bool:
    made = tokenizer()
    matcher = llguidance.LLMatcher(made, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error()
    return bool(matcher.consume_tokens(made.tokenize_str(text))) and matcher.is_accepting()


def bytes_tokenizer() -> llguidance.LLTokenizer:
    return llguidance.LLTokenizer("byte")


def test_the_grammars_take_the_form_and_nothing_else() -> None:
    right = f"{sums(TOLD)}\n</think>"
    assert allowed(sums_grammar(TOLD), right, bytes_tokenizer)
    assert allowed(sums_grammar(TOLD), right.replace("a28", "a99"), bytes_tokenizer)  # numbers are the model's
    assert not allowed(sums_grammar(TOLD), right.replace("a28", "c28"), bytes_tokenizer)
    assert not allowed(sums_grammar(TOLD), right.replace("K2 31 a46", "K2 31 a46 b44"), bytes_tokenizer)
    assert allowed(ranks_grammar(TOLD), ranks(TOLD), bytes_tokenizer)
    assert not allowed(ranks_grammar(TOLD), "K4 46 K0 43 K3 40 K1 26", bytes_tokenizer)
