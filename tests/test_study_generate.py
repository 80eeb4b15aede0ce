"""The answers of a study: written one by one, stopped and gone on with, blinded at once, alike whoever wrote them."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from medassist.case import PatientCase
from medassist.config import load_settings
from medassist.differential import Diagnosis, Differential, Evidence
from medassist.engines import Engine
from medassist.engines.scripted import ANSWER_EN, ScriptedEngine
from medassist.engines.unasked import KnowledgeEngine
from medassist.errors import EngineError, Language, NotNow, UnknownAdapter
from medassist.knowledge.graph import Graph
from medassist.prompt import NONE_FITS
from medassist.services import answerer, build_services, settings_of
from medassist.study import generate as generating
from medassist.study.answering import Answer, Answered, Answerer, Stopped
from medassist.study.arms import ArmConfig
from medassist.study.blinding import blind
from medassist.study.cases import keep_cases, read_cases
from medassist.study.form import GRAPHS_REASONS, told
from medassist.study.generate import BLOCK, Tally, generate, order, pending
from tests.studying import Studying, case, drafted

CANARY = ArmConfig(name="zebra-canary-7Q", engine="scripted")
GRAPH = ArmConfig(name="graph-canary-8Q", engine="knowledge")
CASES = {
    "en": {
        "id": "en", "chief_complaint": "Left calf swollen for three days", "age": 34, "sex": "female",
        "history": "Ten days after knee surgery. Sharp chest pain since this morning; no fever. Breathless on stairs.",
        "vital_signs": {"heart_rate": 118, "spo2_percent": 90}, "diagnosis": "Pulmonary embolism",
    },
    "zh": {
        "id": "zh", "chief_complaint": "转移性右下腹痛12小时", "age": 23, "sex": "男",
        "history": "起初脐周隐痛，后转至右下腹。恶心，呕吐一次，无腹泻。", "examination": "麦氏点压痛，反跳痛阳性。",
        "vital_signs": {"temperature_c": 38.2}, "diagnosis": "急性阑尾炎",
    },
}  # fmt: skip
ANSWER_ZH = (
    "右下腹痛。\n</think>\n\n【诊断过程】\n1. 初步鉴别\n1) 急性阑尾炎\n   支持：麦氏点压痛；恶心\n   检查：腹部超声\n"
    "2) 急性胃肠炎\n   反对：无腹泻\n2. 关键检查\n- 腹部CT\n3. 确诊依据\n- 反跳痛阳性\n【最终诊断】\n急性阑尾炎\n"
)


def begun(folder: Path, *configs: ArmConfig, cases: str = "en zh") -> Studying:
    made = drafted(folder, *configs)
    text = "\n".join(json.dumps(CASES[name]) for name in cases.split())
    keep_cases(made.lead.studies, made.id, read_cases(text.encode(), "c.jsonl"))
    return made


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Studying]:
    """Two arms, two cases in draft."""
    made = begun(tmp_path, CANARY, GRAPH)
    yield made
    made.close()


def engines(script: Callable[[str], str], graph: Graph, **how: float) -> Answerer:
    """Asks the graph, and for every other arm an engine that writes what `script` says of the language asked for."""

    def build(config: ArmConfig) -> Engine:
        if config.engine == "knowledge":
            return KnowledgeEngine()
        return ScriptedEngine(lambda prompt: script(prompt.language), **how)  # type: ignore[arg-type]

    return Answerer(build, lambda: graph)


def written(language: str) -> str:
    return ANSWER_ZH if language == "zh" else ANSWER_EN


def displays(study: Studying) -> dict[tuple[str, str], str]:
    """Case and arm → what raters read."""
    cases = {each.id: each.key for each in study.lead.studies.cases(study.id)}
    arms = {each.id: each.name for each in study.lead.studies.arms(study.id)}
    found = study.lead.studies.responses(study.id)
    return {(cases[each.case_id], arms[each.arm_id]): each.display_text for each in found}


# --- One form.

_HEADING = re.compile(r"^(?!\s|-|\d).*[:：]$", re.MULTILINE)
_LABELS = re.compile(r"^  (?:(For|支持)|(Against|反对)|(Next|检查))[:：]", re.MULTILINE)


def test_answers_of_different_engines_have_the_same_shape(study: Studying, graph: Graph) -> None:
    with engines(written, graph) as ask:
        tally = generate(study.lead.studies, study.id, ask, holder="one")
    assert tally == Tally(all=4, done=4, failed=0, blocked=0)
    texts = displays(study)
    for name in ("en", "zh"):
        one, other = texts[name, CANARY.name], texts[name, GRAPH.name]
        assert one != other
        assert _HEADING.findall(one) == _HEADING.findall(other) and len(_HEADING.findall(one)) == 4
        for text in (one, other):
            listed = text.split("\n\n")[0].split("\n")[1:]
            blocks = re.split(r"^\d+\. .*\n?", "\n".join(listed), flags=re.MULTILINE)
            assert len(blocks) > 2 and all(re.match(r"\d+\. \S|  \S+", row) for row in listed)
            for block in blocks:  # under a diagnosis the same lines in the same order, and nothing else
                kinds = [next(n for n, group in enumerate(match) if group) for match in _LABELS.findall(block)]
                assert kinds == sorted(kinds) and len(kinds) == len(block.strip().split("\n")) * bool(block.strip())
            assert "<think>" not in text and "[K" not in text


def differential(reasons: int) -> Differential:
    evidence = tuple(Evidence(text=f"finding {n}") for n in range(reasons))
    return Differential(
        diagnoses=(Diagnosis(rank=1, name="Gout", evidence_for=evidence, evidence_against=evidence),),
        diagnostic_evidence=tuple(each.text for each in evidence),
        final_diagnosis="Gout",
    )


def answer_of(read: Differential | None, raw: str = "raw") -> Answer:
    def ask(
        config: ArmConfig, case: PatientCase, language: Language, *, stopped: Callable[[], bool], explained: bool
    ) -> Answered:
        return Answered(raw, read, "", "model", "", "v", "p", 1.0, {})

    return ask


@pytest.mark.parametrize("beside", [None, GRAPH])
def test_beside_the_graph_no_arm_is_known_by_how_many_reasons_it_names(
    tmp_path: Path, beside: ArmConfig | None
) -> None:
    made = begun(tmp_path, CANARY, *([beside] if beside else []), cases="en")
    generate(made.lead.studies, made.id, answer_of(differential(9)), holder="one")
    for text in displays(made).values():
        most = GRAPHS_REASONS if beside else 9
        assert [line.count("finding") for line in text.split("\n") if ": finding" in line] == [most, most]
        assert text.count("- finding") == most
    made.close()


def test_a_part_that_says_nothing_keeps_its_heading() -> None:
    for language, words in (("en", "nothing named"), ("zh", "未提及")):
        read = Differential(diagnoses=(Diagnosis(rank=1, name="X"),))
        text = blind(told(read, "thoughts", language), language).text  # type: ignore[arg-type]
        assert len(_HEADING.findall(text)) == 4 and text.count(words) == 3 and "thoughts" not in text
        assert "thoughts" in blind(told(read, "thoughts", language), language, keep_reasoning=True).text  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_that_none_fits_is_not_said_in_our_engines_own_words(language: Language) -> None:
    read = Differential(diagnoses=(Diagnosis(rank=1, name="X"),), final_diagnosis=NONE_FITS[language])
    assert blind(NONE_FITS["en"], "en").blocked  # it speaks of a list that somebody was given
    blinded = blind(told(read, "", language), language)
    assert not blinded.leaks and NONE_FITS[language] not in blinded.text
    assert blinded.text.endswith({"en": "None of the above fits", "zh": "以上诊断均不符合"}[language])


def test_an_answer_that_could_not_be_read_is_shown_as_it_was_written(study: Studying, graph: Graph) -> None:
    script = "No idea.\n</think>\nThis could be many things. Take a history first."
    with engines(lambda _: script, graph) as ask:
        generate(study.lead.studies, study.id, ask, holder="one")
    texts = displays(study)
    assert "many things" in texts["en", CANARY.name]


def test_what_was_written_is_kept_beside_what_is_shown(study: Studying, graph: Graph) -> None:
    with engines(written, graph) as ask:
        generate(study.lead.studies, study.id, ask, holder="one", explained=True)
    arms = {each.name: each.id for each in study.lead.studies.arms(study.id)}
    for each in study.lead.studies.responses(study.id):
        raw = study.lead.studies.raw(each.id)
        assert each.raw_sha256 == hashlib.sha256(raw.encode()).hexdigest() and each.raw_length == len(raw)
        assert each.display_sha256 == hashlib.sha256(each.display_text.encode()).hexdigest()
        assert each.knowledge_version == graph.version and each.parameters["prompt_version"]
        if each.arm_id == arms[GRAPH.name]:
            assert each.explanation is not None and each.explanation["by"] == "graph"
        else:
            assert "The calf is swollen" in raw or "右下腹痛" in raw


# --- Who wrote it does not show.


def test_an_arm_that_names_itself_is_stripped_or_held_back(study: Studying, graph: Graph) -> None:
    scripts = {
        "en": f"Hm.\n</think>\nI am {CANARY.name}, a language model. Dissection comes first.",  # no list: shown raw
        "zh": ANSWER_ZH.replace("恶心", f"{GRAPH.name}提示恶心"),  # another arm's name inside a reason
    }
    with engines(lambda language: scripts[language], graph) as ask:
        tally = generate(study.lead.studies, study.id, ask, holder="one")
    assert tally.blocked >= 1
    for each in study.lead.studies.responses(study.id):
        tells = [name for name in (CANARY.name, GRAPH.name, "knowledge graph") if name in each.display_text]
        assert not tells or (each.blocked and each.leaks)
    held = [each for each in study.lead.studies.responses(study.id) if each.blocked]
    assert any(GRAPH.name in each.display_text for each in held)


def test_the_names_of_the_model_that_answered_do_not_show(tmp_path: Path) -> None:
    made = begun(tmp_path, CANARY, cases="en")
    read = differential(1).model_copy(update={"final_diagnosis": "Gout, says quagga-9b-x"})

    def ask(*_: object, **__: object) -> Answered:
        return Answered("raw", read, "", "stable/quagga-9b-x", "", "v", "p", 1.0, {})

    assert generate(made.lead.studies, made.id, ask, holder="one").blocked == 1
    made.close()


# --- Going on, failing, being alone.


def test_a_run_goes_on_where_it_was_stopped(study: Studying, graph: Graph) -> None:
    seen: list[Tally] = []
    with engines(written, graph) as ask:
        first = generate(
            study.lead.studies, study.id, ask, holder="one", on_progress=seen.append,
            stopped=lambda: bool(seen) and seen[-1].done >= 1,
        )  # fmt: skip
        assert first == Tally(all=4, done=1, failed=0, blocked=0, stopped=True)
        assert study.job().state == "stopped"
        before = {each.id for each in study.lead.studies.responses(study.id)}
        assert generate(study.lead.studies, study.id, ask, holder="two") == Tally(4, 4, 0, 0)
    after = {each.id for each in study.lead.studies.responses(study.id)}
    assert before < after and len(after) == 4 and study.job().state == "done"
    assert [tally.done for tally in seen] == [0, 1]


def test_a_failure_is_kept_and_tried_again(study: Studying, graph: Graph) -> None:
    with engines(written, graph, fail_after=30) as ask:
        tally = generate(study.lead.studies, study.id, ask, holder="one")
    assert tally == Tally(all=4, done=2, failed=2, blocked=0) and study.job().state == "done"
    failed = [each for each in study.lead.studies.responses(study.id) if each.failed]
    assert [each.failed for each in failed] == ["engine", "engine"] and not any(each.display_text for each in failed)
    assert {trouble.code for trouble in study.lead.troubles(study.id)} == {"failed"}
    with engines(written, graph) as ask:
        assert generate(study.lead.studies, study.id, ask, holder="one") == Tally(4, 4, 0, 0)
    assert not study.lead.troubles(study.id) and pending(study.lead.studies, study.id)[0] == []


def test_a_case_that_is_refused_does_not_keep_the_others_from_being_answered(study: Studying, graph: Graph) -> None:
    odd = json.dumps({"id": "odd", "chief_complaint": "What is the capital of France?", "history": ""})
    keep_cases(study.lead.studies, study.id, read_cases(odd.encode(), "c.jsonl"))
    with engines(written, graph) as ask:
        tally = generate(study.lead.studies, study.id, ask, holder="one")
    assert (tally.all, tally.done, tally.failed) == (6, 4, 2)


def test_an_arm_that_cannot_be_asked_at_all_ends_the_job(study: Studying) -> None:
    def ask(*_: object, **__: object) -> Answered:
        raise UnknownAdapter(name="x", reason="there is none.", reason_zh="不存在。")

    with pytest.raises(UnknownAdapter):
        generate(study.lead.studies, study.id, ask, holder="one")
    assert study.lead.studies.responses(study.id) == []
    said = study.job().said.split("\n")
    assert study.job().state == "failed" and "there is none" in said[0] and "不存在" in said[1]


def test_only_one_is_at_it(study: Studying, graph: Graph) -> None:
    refused: list[str] = []

    def ask_too(_: Tally) -> None:
        with pytest.raises(NotNow) as caught:
            generate(study.lead.studies, study.id, answer_of(None), holder="another")
        refused.append(caught.value.code)

    with engines(written, graph) as ask:
        tally = generate(study.lead.studies, study.id, ask, holder="one", on_progress=ask_too)
    assert tally.done == 4 and refused == ["not_now"] * 5


@pytest.mark.parametrize("how", ["told", "taken over"])
def test_it_stops_in_the_middle_of_an_answer(
    study: Studying, graph: Graph, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "BEAT_SECONDS", 0.02)
    studies = study.lead.studies
    slow = ScriptedEngine(ANSWER_EN * 50, delay=0.02, piece=1)  # about two minutes, if nobody stops it

    def ask(
        config: ArmConfig, case: PatientCase, language: Language, *, stopped: Callable[[], bool], explained: bool
    ) -> Answered:
        if how == "told":
            studies.stop_generation(study.id)
        else:
            studies.end_generation(study.id, "one", "stopped")  # as if its beats had been missing
            studies.begin_generation(study.id, "another")
        return asked(config, case, language, stopped=stopped, explained=explained)

    with Answerer(lambda _: slow, lambda: graph) as asked:
        tally = generate(studies, study.id, ask, holder="one")
    assert tally.stopped and tally.done == 0 and studies.responses(study.id) == [] and slow.open_streams == 0
    assert study.job().state == ("stopped" if how == "told" else "running")
    assert study.job().holder == ("one" if how == "told" else "another")


def test_nothing_is_written_once_the_study_has_begun(tmp_path: Path) -> None:
    made = Studying(tmp_path).make()
    with pytest.raises(NotNow):
        generate(made.lead.studies, made.id, answer_of(None), holder="one")
    made.close()


# --- In which order, with which engines.


def test_arms_take_turns_by_case_or_by_block_where_models_have_to_be_changed(tmp_path: Path) -> None:
    local = [ArmConfig(name=f"m{n}", engine="local", adapter=f"a{n}") for n in range(2)]
    for configs, size in (((local[0], GRAPH), 1), (local, BLOCK)):
        folder = tmp_path / str(size)
        folder.mkdir()
        made = drafted(folder, *configs)
        arms = made.lead.studies.arms(made.id)
        cases = [case(made.id, n) for n in range(60)]
        pairs = order(cases, arms, "seed")
        assert len({(one.id, arm.id) for one, arm in pairs}) == len(pairs) == 120
        first = [arm.id for _, arm in pairs][:: 2 * size]
        if size == 1:
            assert {pairs[n][0].id == pairs[n + 1][0].id for n in range(0, 120, 2)} == {True}
            assert 8 < first.count(first[0]) < 52  # either arm comes first now and then
        else:
            changes = sum(one[1].id != other[1].id for one, other in pairwise(pairs))
            assert changes <= 5
        assert order(cases[::-1], arms[::-1], "seed") == pairs != order(cases, arms, "another")
        made.close()


def test_one_model_is_in_memory_at_a_time(graph: Graph, case_en: PatientCase) -> None:
    opened: list[str] = []
    closed: list[str] = []

    class Counted(ScriptedEngine):
        def close(self) -> None:
            closed.append(self.model)

    def build(config: ArmConfig) -> Engine:
        opened.append(config.name)
        return Counted(model=config.name)

    configs = [ArmConfig(name=name, engine="local", adapter=name) for name in ("a", "b")]
    configs.append(ArmConfig(name="light", engine="scripted"))
    with Answerer(build, lambda: graph) as ask:
        for config in (configs[0], configs[2], configs[0], configs[1], configs[2], configs[0]):
            ask(config, case_en, "en", stopped=lambda: False, explained=False)
        assert opened == ["a", "light", "b", "a"] and closed == ["a", "b"]
    assert sorted(closed) == ["a", "a", "b", "light"]


def test_a_studys_answers_do_not_enter_the_doctors_history(tmp_path: Path, case_en: PatientCase) -> None:
    settings = load_settings(data_dir=tmp_path, engine="scripted", knowledge=False)
    services = build_services(settings, ScriptedEngine())
    with answerer(services) as ask:
        told = ask(ArmConfig(name="x", engine="scripted"), case_en, "en", stopped=lambda: False, explained=False)
        assert told.read is not None and told.read.diagnoses[0].name == "Pulmonary embolism"
        with pytest.raises(Stopped):
            ask(ArmConfig(name="x", engine="scripted"), case_en, "en", stopped=lambda: True, explained=False)
        with pytest.raises(EngineError):  # the graph is switched off
            ask(GRAPH, case_en, "en", stopped=lambda: False, explained=False)
    with closing(sqlite3.connect(tmp_path / "medassist.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM consultation").fetchone() == (0,)
    services.close()


def test_an_arms_settings_stand_above_the_installations() -> None:
    settings = load_settings(model="mine", model_revision="1", adapter="theirs", think_tokens=100)
    assert settings_of(ArmConfig(name="x", engine="local"), settings) == settings
    own = settings_of(ArmConfig(name="x", engine="local", model="other", answer_tokens=99), settings)
    assert (own.model, own.model_revision, own.adapter, own.think_tokens, own.answer_tokens) == (
        "other", None, "theirs", 100, 99,
    )  # fmt: skip
