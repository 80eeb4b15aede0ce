"""Synthetic cases: plausible patients, no contradiction, no giving away, answers that parse, the same bytes each time."""

import json
import random
import re
from collections import Counter

import pytest
import yaml
from typer.testing import CliRunner

from medassist.errors import LANGUAGES, BadSetting, MedAssistError
from medassist.findings import Status
from medassist.ground import ground, look_up
from medassist.parse import parse_answer
from medassist.prompt import NONE_FITS, OPENING, diagnosis_prompt
from training import synthesize as module
from training.cases import Candidate, Exchange, TrainingCase
from training.examples import answer_text, example
from training.synthesize import Synthesis, app, configured, synthesize, write_cases
from training.synthetic import english
from training.synthetic.draw import draw, weights
from training.synthetic.styles import styles
from training.synthetic.values import said
from training.synthetic.weigh import Weighing, candidates, place, ranking
from training.synthetic.wording import PROSE, deniable, telltale
from training.synthetic.world import World


@pytest.fixture(scope="module")
def world(graph):
    return World(graph)


@pytest.fixture(scope="module")
def made(graph):
    """Cases of either split, both languages, full and short."""
    return {
        "train": list(synthesize(Synthesis(cases=160, seed=3), graph)),
        "test": list(synthesize(Synthesis(cases=80, seed=3, split="test"), graph)),
        "short": list(synthesize(Synthesis(cases=60, seed=3, choose_one=1.0), graph)),
    }


@pytest.fixture(scope="module")
def patients(world):
    diseases = [world.graph.diseases[name] for name in sorted(world.graph.diseases)]
    rng = random.Random(11)
    drawn = (draw(world, disease, rng, vital_signs=rng.random() < 0.8) for disease in diseases)
    return [each for each in drawn if each is not None]


def right(case):
    """The disease a case was made of, as its id tells."""
    return case.id.rsplit("-", 1)[1]


# --- Patients.


def test_most_diseases_can_be_drawn(world, patients):
    assert len(patients) > 0.7 * len(world.graph.diseases)


def test_nobody_has_what_they_cannot_have(world, patients):
    for patient in patients:
        disease = world.graph.diseases[patient.disease]
        assert disease.sex not in ("female", "male") or disease.sex == patient.sex
        for name in (*patient.present, *patient.denied):
            assert world.who[name].fits(patient.age, patient.sex), (patient.disease, name)


@pytest.mark.parametrize(
    ("finding", "age", "sex"),
    [("pregnancy", 30, "male"), ("pregnancy", 70, "female"), ("menopause", 20, "female"), ("smoking", 5, "male"),
     ("testicular_pain", 30, "female"), ("newborn_age", 3, "male"), ("dementia_history", 4, "female")],
)  # fmt: skip
def test_who_can_have_a_finding(world, finding, age, sex):
    assert not world.who[finding].fits(age, sex)


def test_ages_stay_near_the_disease(world, patients):
    outside = 0
    for patient in patients:
        low, high = world.graph.diseases[patient.disease].age
        outside += not low <= patient.age <= high
        assert low * 0.84 <= patient.age <= high * 1.09
    assert 0 < outside < 0.15 * len(patients)


def test_no_finding_is_stated_that_another_implies_or_contradicts(world, patients):
    for patient in patients:
        for one in patient.stated:
            for other in patient.stated:
                assert one == other or one not in world.line[other]
                assert one == other or not world.clash(one, other)
        assert not set(patient.denied) & world.reach(patient.present)


def test_a_number_says_exactly_what_is_so(world, patients):
    counted = 0
    for patient in patients:
        reach = world.reach(patient.present)
        for measure, value in patient.numbers.items():
            here, gone = said(world, measure, value, patient.age, patient.sex)
            assert here <= reach and not gone & reach, (patient.disease, measure, value)
            counted += bool(here)
        high, low = patient.numbers.get("systolic_bp"), patient.numbers.get("diastolic_bp")
        assert high is None or low is None or high > low
    assert counted > 100


def test_a_specialty_has_its_cap(world):
    diseases = list(world.graph.diseases.values())
    share = Counter()
    found = weights(diseases, by_prevalence=False, cap=0.05)
    for disease, weight in zip(diseases, found, strict=True):
        share[disease.specialty] += weight
    assert max(share.values()) <= 0.05 * len(diseases) + 1e-9
    rare = next(i for i, each in enumerate(diseases) if each.prevalence == "rare")
    assert weights(diseases, by_prevalence=True, cap=1.0)[rare] < 0.5


# --- Candidates.


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_the_right_one_stands_at_every_place_as_often(count):
    places = Counter(place(index, count) for index in range(1000))
    assert set(places) == set(range(count))
    assert max(places.values()) - min(places.values()) <= 0.02 * 1000


def test_places_are_even_in_what_is_made(made):
    places = Counter(
        case.candidates.index(right(case)) / len(case.candidates) < 0.5 for case in made["train"] if not case.withheld
    )
    assert 0.35 < places[True] / places.total() < 0.65


def test_the_right_one_is_best_where_it_is_offered(world, patients):
    offered = 0
    for index, patient in enumerate(patients[:120]):
        weighing = Weighing(world, patient)
        rng = random.Random(index)
        chosen = candidates(weighing, rng, count=6, look_alikes=True, withheld=False, place=place(index, 6))
        if chosen:
            offered += 1
            assert ranking(chosen)[0].disease == patient.disease
        left = candidates(weighing, rng, count=6, look_alikes=False, withheld=True, place=0)
        if left:
            assert patient.disease not in {each.disease for each in left}
            assert all(each.verdict() != "well" for each in left)
    assert offered > 60


def test_withheld_cases_say_that_none_fits(made):
    full = [*made["train"], *made["test"]]
    assert 0.1 < sum(case.withheld for case in full) / len(full) < 0.3
    for case in full:
        assert (right(case) in case.candidates) is not case.withheld
        assert (case.final_diagnosis == NONE_FITS[case.language]) is case.withheld
        assert not (case.withheld and case.accept)


# --- Notes.


def test_every_reason_is_a_piece_of_the_case(made):
    for case in (case for cases in made.values() for case in cases):
        text = case.case().text()
        for each in case.differential_diagnosis:
            assert all(reason in text for reason in (*each.supports, *each.against)), case.id
        assert all(reason in text for reason in case.diagnosis_evidence)
        assert case.differential_diagnosis[0].supports or case.withheld


def test_a_reason_against_carries_its_denial(made):
    cues = re.compile(r"^(?:no |nil |den|neg|without|无|否认|没有|未)|\d", re.IGNORECASE)
    against = [
        reason for case in made["train"] for each in case.differential_diagnosis for reason in each.against
    ]  # a denial with its “no”, or a number
    assert len(against) > 30
    assert [reason for reason in against if not cues.search(reason)] == []


def test_the_graph_reads_nothing_stated_as_denied(graph, made):
    for case in made["train"]:
        facts = graph.read(case.case().text(), case.age, case.sex)
        assert not set(facts.present) & set(facts.having(Status.ABSENT)), case.id


def test_no_phrase_is_said_twice(made):
    for case in made["train"]:
        text = case.case().text().casefold()
        for reason in case.diagnosis_evidence:
            if len(reason) >= 6 and not re.search(r"\d", reason):
                assert text.count(reason.casefold()) == 1, (case.id, reason)


def test_no_template_is_left_unfilled(made):
    for case in (case for cases in made.values() for case in cases):
        text = case.case().text()
        assert not re.search(r"[{}‹\x02-\x05]|\bNone\b|  ", text), case.id
        assert "，。" not in text and "。。" not in text and ".." not in text and "，\n" not in text


def test_a_case_does_not_name_its_disease(graph, made):
    for case in (case for cases in made.values() for case in cases):
        tells = telltale(graph.diseases[right(case)], case.language)
        assert not tells(case.chief_complaint) and not tells(case.investigations), case.id


def test_everything_is_labelled_synthetic(graph, made):
    for case in (case for cases in made.values() for case in cases):
        assert case.synthetic
        assert case.source.startswith(f"synthetic, knowledge {graph.version}, seed 3")


def test_all_styles_and_languages_come_up(made):
    for split in ("train", "test"):
        for language in LANGUAGES:
            used = {case.source.split()[-1] for case in made[split] if case.language == language}
            known = {style.id for style in styles(language) if style.split == split}
            assert used <= known
            assert len(used) > len(known) / 2


# --- What is held out.


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quarter_of_the_styles_is_held_out_with_all_its_sentences(language):
    known = styles(language)
    assert len(known) >= 12
    assert 0.2 <= sum(style.split == "test" for style in known) / len(known) <= 0.35
    bare = {"{list}.", "{list}。", "", "{chief}", "‹No {list}.", "‹无{list}。", "{He} {list}.", "{nos}.", "{nos}。"}
    sentences = {"train": set(), "test": set()}
    for style in known:
        for part in ("open", "nouns", "denied", "history", "signs", "results", "course"):
            sentences[style.split] |= set(getattr(style, part))
    assert not (sentences["train"] & sentences["test"]) - bare


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_on_one_side_only(world, language):
    shared = alone = 0
    for finding in world.graph.findings:
        sides = [
            {each.text for each in world.wording.phrases(finding, language, split) if each.form in PROSE}
            for split in ("train", "test")
        ]
        if len(sides[0] | sides[1]) >= 2:
            assert sides[0] and sides[1] and not sides[0] & sides[1], finding
            alone += 1
        else:
            shared += 1
    assert alone > 20 * shared


def test_a_test_case_uses_test_words(world, made):
    for case in (case for case in made["test"] if not case.withheld):
        for reason in case.differential_diagnosis[0].supports:
            for finding in world.told[right(case)]:
                train = {each.text.casefold() for each in world.wording.phrases(finding, case.language, "train")}
                test = {each.text.casefold() for each in world.wording.phrases(finding, case.language, "test")}
                assert reason.casefold() not in train - test, (case.id, reason)


# --- English.


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("night-time epigastric pain", "noun"), ("wakes at night gasping", "verb"), ("unable to bear weight", "adjective"),
        ("short of breath lying down", "adjective"), ("lost weight", "past"), ("swelling groin", "loose"),
        ("it hurts to breathe", "loose"), ("red raised growing birthmark infant", "loose"), ("nodes hurt after drinking", "loose"),
        ("fatigued", "adjective"), ("jumped from bridge", "loose"), ("bleeding gums", "noun"),
    ],
)  # fmt: skip
def test_the_form_of_a_phrase(text, form):
    assert english.form(text) == form


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("dry cough", "a "),
        ("itchy rash on the arms", "an "),
        ("weight loss", ""),
        ("chest pain", ""),
        ("the shakes", ""),
    ],
)
def test_articles(text, article):
    assert english.article(text) == article


@pytest.mark.parametrize(
    ("text", "language", "can"),
    [("fever", "en", True), ("absent pulse", "en", False), ("painless lump", "en", False), ("soft abdomen", "en", False),
     ("咳嗽", "zh", True), ("不能行走", "zh", False), ("腹壁柔软", "zh", False)],
)  # fmt: skip
def test_what_can_be_denied(text, language, can):
    assert deniable(text, language) is can


# --- Reasoning.


def test_reasoning_walks_the_candidates_in_the_order_of_the_prompt(graph, made):
    for case in (*made["train"], *made["test"]):
        *lines, last = case.reasoning.split("\n")
        assert len(lines) == len(case.candidates)
        for number, (line, disease) in enumerate(zip(lines, case.candidates, strict=True), 1):
            assert line.startswith(f"[K{number}] {graph.diseases[disease].name.of(case.language)}")
        names = [each.name for each in case.differential_diagnosis]
        if case.withheld:
            assert "one fits well" in last or "均不太符合" in last
        else:
            assert [name for name in names if name in last] == names
            assert names[0] == case.final_diagnosis


def test_a_short_case_names_one(made):
    for case in made["short"]:
        assert 3 <= len(case.candidates) <= 4
        assert len(case.reasoning) < 400 and "\n" not in case.reasoning
        assert [each.name for each in case.differential_diagnosis] == [case.final_diagnosis]


# --- Examples.


def test_what_is_trained_parses_back(graph, made):
    for case in (case for cases in made.values() for case in cases):
        text = case.case().text()
        made_of = example(case, graph)
        assert made_of.answer.startswith(OPENING) and made_of.answer.count("</think>") == 1
        assert made_of.messages[-1] == {"role": "assistant", "content": made_of.answer}
        read = parse_answer(made_of.answer, case.language, text)
        assert read.final_diagnosis == case.final_diagnosis
        assert read.key_examinations == case.exams
        assert read.diagnostic_evidence == case.diagnosis_evidence
        assert len(read.diagnoses) == len(case.differential_diagnosis)
        for found, meant in zip(read.diagnoses, case.differential_diagnosis, strict=True):
            assert found.name == meant.name
            assert tuple(each.text for each in found.evidence_for) == meant.supports
            assert tuple(each.text for each in found.evidence_against) == meant.against
            assert found.next_tests == meant.tests
            assert all(each.start is not None for each in (*found.evidence_for, *found.evidence_against))


def test_the_prompt_tells_of_the_candidates_in_their_order(graph, made):
    for case in made["train"][:40]:
        made_of = example(case, graph)
        user = made_of.messages[1]["content"]
        lines = re.findall(r"^\[K\d+\] .+$", user, re.MULTILINE)
        names = [graph.diseases[name].name.of(case.language) for name in case.candidates]
        assert all(
            line.startswith(f"[K{n}] {name}") for n, (line, name) in enumerate(zip(lines, names, strict=True), 1)
        )
        asked = diagnosis_prompt(case.case().text(), case.language, 5, "\n".join(lines))
        assert made_of.prompt == asked
        if not case.withheld:
            assert "+" in lines[case.candidates.index(right(case))]


def test_a_case_of_others_is_asked_as_serving_asks(graph, case_en):
    record = TrainingCase(
        **case_en.model_dump(exclude={"language"}),
        id="a",
        language="en",
        differential_diagnosis=("Pulmonary embolism",),
        final_diagnosis="Pulmonary embolism",
    )
    text = record.case().text()
    served = ground(look_up(graph, record.case(), text), "en", fits=lambda _: True)
    assert example(record, graph).prompt == diagnosis_prompt(text, "en", 5, served.text)
    assert example(record).prompt == diagnosis_prompt(text, "en")


def test_the_budget_of_the_prompt_holds(graph, made):
    case = made["train"][0]
    full = example(case, graph).messages[1]["content"]
    less = example(case, graph, fits=lambda lines: len(lines) < 600).messages[1]["content"]
    assert len(less) < len(full)


def test_an_exchange_is_question_and_worked_answer():
    record = Exchange(id="q", language="zh", question="何谓休克？", reasoning="先想。", response="循环衰竭。")
    assert example(record).messages == [
        {"role": "user", "content": "何谓休克？"},
        {"role": "assistant", "content": "<think>\n先想。\n</think>\n\n循环衰竭。"},
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_disease_can_be_answered(graph, language):
    for disease in graph.diseases.values():
        name = disease.name.of(language)
        record = TrainingCase(
            id="x",
            language=language,
            chief_complaint="a",
            history="b",
            differential_diagnosis=(Candidate(name=name),),
            final_diagnosis=name,
        )
        read = parse_answer(answer_text(record), language)
        assert (read.diagnoses[0].name, read.final_diagnosis) == (name, name)


# --- Files and settings.


def test_the_same_seed_gives_the_same_bytes(tmp_path, graph):
    one, two, other = (tmp_path / name for name in ("one.jsonl", "two.jsonl", "other.jsonl"))
    write_cases(one, Synthesis(cases=12, seed=5), graph)
    write_cases(two, Synthesis(cases=12, seed=5), graph)
    write_cases(other, Synthesis(cases=12, seed=6), graph)
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.jsonl", "other.jsonl", "two.jsonl"]


def test_what_is_written_reads_back(tmp_path, graph):
    config = Synthesis(cases=8, seed=5, choose_one=0.5)
    write_cases(tmp_path / "a.jsonl", config, graph)
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [TrainingCase.model_validate(json.loads(line)) for line in lines] == list(synthesize(config, graph))


def test_a_longer_run_begins_with_the_shorter_one(graph):
    few, many = (list(synthesize(Synthesis(cases=count, seed=9), graph)) for count in (5, 8))
    assert many[:5] == few


def test_nothing_half_written_stays(tmp_path, graph, monkeypatch):
    def broken(config, graph):
        yield from list(synthesize(Synthesis(cases=2), graph))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "synthesize", broken)
    (tmp_path / "a.jsonl").write_text("before")
    with pytest.raises(MedAssistError, match=r"a\.jsonl cannot be written"):
        write_cases(tmp_path / "a.jsonl", Synthesis(cases=4), graph)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.jsonl", "before")]


@pytest.mark.parametrize(
    ("settings", "where"),
    [({"withheld": 1.5}, "withheld"), ({"split": "dev"}, "split"), ({"languages": ("fr",)}, "languages.0"),
     ({"candidates": (5, 4)}, "candidates"), ({"specialty_cap": 0}, "specialty_cap"), ({"cases": 0}, "cases")],
)  # fmt: skip
def test_a_wrong_setting_is_named(settings, where):
    with pytest.raises(BadSetting) as caught:
        configured(**settings)
    assert caught.value.text().startswith(f"{where}:")
    assert caught.value.text("zh").startswith(f"{where}：")


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    result = CliRunner().invoke(app, [str(tmp_path / "a.jsonl"), "--split", "dev"])
    assert result.exit_code == 2
    assert result.stderr.startswith("split:") and result.stderr.count("\n") == 1
    assert not (tmp_path / "a.jsonl").exists()


def test_style_files_hold_no_unknown_placeholder():
    allowed = {
        "list", "nos", "chief", "dur", "age", "woman", "tag", "he", "He", "his", "His", "him", "himself", "a_person",
        "A_person", "person",
    }  # fmt: skip
    for language in LANGUAGES:
        for style in styles(language):
            text = yaml.safe_dump(style.model_dump(mode="json"), allow_unicode=True)
            assert set(re.findall(r"\{(\w+)\}", text)) <= allowed, style.id
