"""The prompts in both languages, the clauses of a case, and the grammars that hold an answer to its form."""

import json
import re

import llguidance
import pytest

from medassist import vocabulary
from medassist.case import PatientCase
from medassist.errors import Language
from medassist.parse import parse_answer
from medassist.prompt import (
    FORMS,
    OPENING,
    PROMPT_VERSION,
    Choices,
    answer_opening,
    choice_grammar,
    clauses,
    diagnosis_grammar,
    diagnosis_prompt,
    final_opening,
    follow_up_prompt,
    reasoning_grammar,
    reply_grammar,
    stages_grammar,
)

LANGUAGES: list[Language] = ["en", "zh"]
HOSTILE = 'Said "stop" \\ then \\n; 100 % sure: {x} $case %ignore /re/; tab\there <think> [a-z]* | "'
BYTES = llguidance.LLTokenizer("byte")  # every token is one byte: what a grammar accepts, whatever the model


def accepts(grammar: str, text: str) -> bool:
    """Whether the grammar compiles and `text` is a whole answer in it."""
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    tokens = BYTES.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_holds_the_case_the_form_and_the_limit(language: Language) -> None:
    prompt = diagnosis_prompt("THE CASE", language, top_k=7)
    [(role, text)] = prompt.messages
    form = FORMS[language]
    assert (role, prompt.version, prompt.language, prompt.assistant, prompt.grammar) == (
        "user", PROMPT_VERSION, language, "", None,
    )  # fmt: skip
    assert "\nTHE CASE\n" in text and "7" in prompt.system
    headings = (form.process, form.initial_differential, form.key_examinations, form.diagnostic_evidence)
    places = [prompt.system.index(heading) for heading in (*headings, form.final_diagnosis)]
    assert places == sorted(places)


def test_the_version_is_a_month_and_a_count() -> None:
    assert re.fullmatch(r"20\d\d\.\d\d-\d+", PROMPT_VERSION)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_that_looks_like_a_template_stays_as_it_is(language: Language) -> None:
    assert HOSTILE in diagnosis_prompt(HOSTILE, language).messages[0][1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_follow_up_tells_the_case_the_answer_and_every_exchange_in_order(language: Language) -> None:
    prompt = follow_up_prompt("CASE", language, "ANSWER", [("Q1", "R1"), ("Q2", "R2")], "Q3")
    assert [role for role, _ in prompt.messages] == ["user", "assistant"] * 3 + ["user"]
    assert "CASE" in prompt.messages[0][1]
    assert [text for _, text in prompt.messages[1:]] == ["ANSWER", "Q1", "R1", "Q2", "R2", "Q3"]
    assert prompt.system != diagnosis_prompt("CASE", language).system


def test_continued_keeps_the_question() -> None:
    prompt = diagnosis_prompt("CASE", "en")
    on = prompt.continued("so far", 'start: "a"')
    assert (on.messages, on.system, on.assistant, on.grammar) == (
        prompt.messages, prompt.system, "so far", "start: \"a\"",
    )  # fmt: skip
    assert on.continued("more").grammar is None and prompt.assistant == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_clauses_are_exact_pieces_of_the_text(language: Language, case_en: PatientCase, case_zh: PatientCase) -> None:
    text = {"en": case_en, "zh": case_zh}[language].text()
    found = clauses(text)
    assert len(found) == len(set(found)) >= 6
    assert all(clause in text and 2 <= len(clause) <= 60 and clause == clause.strip() for clause in found)
    assert ("no fever" if language == "en" else "无腹泻") in found
    assert not [clause for clause in found if "34" in clause or "23岁" in clause or ":" in clause or "：" in clause]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("History: fever 38.5, cough", ["fever 38.5", "cough"]),
        ("体温38.5，咳嗽；无痰。", ["体温38.5", "咳嗽", "无痰"]),
        ("Pain. Pain. Pain.", ["Pain"]),
        ("x", []),
        ("y" * 61, []),
        ("", []),
    ],
)
def test_clauses(text: str, expected: list[str]) -> None:
    assert clauses(text) == expected


def written(language: Language, ev: str, pair: tuple[str, str] | None = None) -> dict[str, str]:
    """A well-formed text for each grammar, with `ev` for every reason; two in a row are the `pair`."""
    first, second = pair or (ev, ev)
    name, other = vocabulary.diagnoses(language)[:2]
    test, later = vocabulary.tests(language)[:2]
    f = FORMS[language]
    if language == "en":
        reasoning = (
            f"What stands out: {first}; {second}. This brings to mind {name} and {other}. "
            f"To tell them apart: {test}.\n</think>"
        )
        reply = f"What the case says on this: {first}; {second}. Considered: {name}. It could be settled by {test}."
    else:
        reasoning = f"值得注意的是：{first}；{second}。由此想到{name}和{other}。需要鉴别：{test}。\n</think>"
        reply = f"病例中与此有关的内容：{first}；{second}。考虑：{name}。可通过{test}明确。"
    return {
        "first": f"{name}\n   {f.supports}{first}{f.separator}{second}\n   {f.tests}{test}{f.separator}{later}\n",
        "later": f"{other}\n   {f.supports}{ev}\n   {f.tests}{test}\n",
        "stages": f"{f.key_examinations}\n- {test}\n- {later}\n{f.diagnostic_evidence}\n- {first}\n- {second}\n",
        "reasoning": reasoning,
        "reply": reply,
    }


def grammar_of(kind: str, language: Language, case_text: str) -> str:
    choices = Choices.of(language)
    if kind in ("first", "later"):
        return diagnosis_grammar(language, case_text, choices, 1 if kind == "first" else 2)
    return {"stages": stages_grammar, "reasoning": reasoning_grammar, "reply": reply_grammar}[kind](
        language, case_text, choices
    )


GRAMMARS = ("first", "later", "stages", "reasoning", "reply")


@pytest.mark.parametrize("kind", GRAMMARS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case_text", ["Calf swollen; no fever", HOSTILE, "", "发热，咳嗽"])
def test_grammars_accept_the_form_and_nothing_else(language: Language, kind: str, case_text: str) -> None:
    grammar = grammar_of(kind, language, case_text)
    reasons = clauses(case_text) or ["-"]
    pair = (reasons[0], (reasons[1:] or reasons)[0])
    for ev in reasons:
        assert accepts(grammar, written(language, ev, pair)[kind])
    assert not accepts(grammar, written(language, "a reason the case does not state")[kind])
    assert not accepts(grammar, written(language, reasons[0], pair)[kind] + "more")


@pytest.mark.parametrize(
    "clause",
    ['a "quoted" word', "back\\slash \\n \\u0041", "100 % of %ignore", "tab\there", "/x/i", "é 痛 😷", "$case {x}"],
)
def test_a_hostile_clause_is_taken_literally(clause: str) -> None:
    assert clauses(clause) == [clause]
    assert accepts(grammar_of("first", "en", clause), written("en", clause)["first"])
    assert accepts(choice_grammar([clause, "other"]), clause)
    assert accepts(choice_grammar(["line\nbreak"]), "line\nbreak")
    assert not accepts(choice_grammar([clause]), json.dumps(clause))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_once_given_is_no_choice_any_more(language: Language) -> None:
    choices = Choices.of(language, ["A disease", "Another one", "A third"], [])
    left = choices.without(["A disease"])
    assert choices.names == ("A disease", "Another one", "A third") and left.names == ("Another one", "A third")
    for names, allowed in ((choices, True), (left, False)):
        text = written(language, "Calf swollen")["later"].replace(vocabulary.diagnoses(language)[1], "A disease")
        assert accepts(diagnosis_grammar(language, "Calf swollen", names, 2), text) is allowed
    assert left.without(left.names).names == left.names, "a grammar without a choice would not compile"


@pytest.mark.parametrize("language", LANGUAGES)
def test_few_candidates_are_joined_by_the_vocabulary(language: Language) -> None:
    assert set(vocabulary.diagnoses(language)) < set(Choices.of(language, ["A disease"]).names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_knowledge_base_stands_between_the_case_and_the_question(language: Language) -> None:
    text = diagnosis_prompt("THE CASE", language, knowledge="[K1] A disease: + x").messages[0][1]
    assert text.index("THE CASE") < text.index("[K1] A disease: + x") < text.rindex("\n")
    assert "[K1]" not in diagnosis_prompt("THE CASE", language).messages[0][1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_grammar_allows_the_parser_reads(language: Language) -> None:
    names = vocabulary.diagnoses(language)[:2]
    parts = written(language, "Calf swollen")
    answer = answer_opening(language, "thought") + parts["first"] + "2) " + parts["later"] + parts["stages"]
    read = parse_answer(
        answer.removeprefix(OPENING) + final_opening(language) + names[1], language, "x: Calf swollen; no fever"
    )
    assert tuple(diagnosis.name for diagnosis in read.diagnoses) == names
    assert read.final_diagnosis == names[1]
    assert {(evidence.start, evidence.end) for d in read.diagnoses for evidence in d.evidence_for} == {(3, 15)}
    assert [d.next_tests for d in read.diagnoses] == [vocabulary.tests(language)[:2], vocabulary.tests(language)[:1]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_the_vocabulary_is_read_back_as_one_name(language: Language) -> None:
    for name in vocabulary.diagnoses(language):
        read = parse_answer(f"</think>\n{FORMS[language].initial_differential}\n1) {name}\n", language)
        assert [diagnosis.name for diagnosis in read.diagnoses] == [name]
