"""Explanations: that they find what was put in, know when they cannot be trusted, and explain what really ranked."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from medassist.case import PatientCase
from medassist.engines.scripted import ScriptedEngine
from medassist.engines.unasked import KnowledgeEngine
from medassist.errors import EngineError
from medassist.evaluate.cases import GoldCase
from medassist.evaluate.explanations import draw, measure, summary
from medassist.events import Finished
from medassist.explain import MOST, NoFindings, Perturbed, explain, perturbed
from medassist.explanation import Explanation, UnknownTarget, sentence
from medassist.fitting import Samples, finite, halves, shares
from medassist.ground import ground, look_up
from medassist.knowledge.graph import Graph
from medassist.prompt import NONE_FITS, Prompt
from medassist.services import Services, build_study
from medassist.store import Store
from medassist.units import units
from medassist.weighing import AnotherModel, GraphWeigher, ModelWeigher, NothingToExplain, weigher

TEXT = (
    "Chief complaint: sudden breathlessness\n"
    "History of present illness: right knee replacement two weeks ago, sharp pain on the left, no cough, no fever, "
    "left calf swollen, coughed up blood, smokes, diabetes, mild headache, tired"
)
SHORT = "Chief complaint: headache\nHistory of present illness: fever, stiff neck, vomiting"


class Linear:
    """Weighs by the sum of what each text names: the truth is known."""

    by: Literal["graph", "model"] = "model"
    forward_tokens = 0

    def __init__(
        self, pulls: dict[str, tuple[float, ...]], names: tuple[str, ...] = ("first", "second", "none")
    ) -> None:
        self.pulls, self.names = pulls, names
        self.asked: list[str] = []

    def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> Any:
        self.asked += texts
        rows = np.zeros((len(texts), len(self.names)))
        for row, text in enumerate(texts):
            if stopped():
                rows[row] = np.nan
            for word, pulls in self.pulls.items():
                if word in text:
                    rows[row] += pulls
        return rows


def of(text: str, told: Any) -> Perturbed:
    return Perturbed(text, "en", tuple(units(text)), told)


def last(made: Perturbed, **options: Any) -> Explanation:
    *_, told = explain(made, **options)
    return told


def unit(told: Explanation, part: str) -> int:
    return next(number for number, each in enumerate(told.units) if part in each.text)


PULLS = {"knee": (2.0, 0.0, 0.0), "blood": (1.0, 0.0, 0.0), "fever": (-1.5, 0.0, 0.0), "diabetes": (0.0, 0.5, 0.0)}


def test_it_finds_what_was_put_in() -> None:
    told = last(of(TEXT, Linear(PULLS)))
    by_pull = {word: told.against[0][unit(told, word)] - told.against[1][unit(told, word)] for word in PULLS}
    assert by_pull["knee"] == pytest.approx(2.0, abs=0.05)
    assert by_pull["fever"] == pytest.approx(-1.5, abs=0.05)
    assert by_pull["diabetes"] == pytest.approx(-0.5, abs=0.05)
    assert told.strongest(0, 3) == [unit(told, word) for word in ("knee", "fever", "blood")]
    assert told.r2[0] > 0.9 and told.signs[0] > 0.95 and told.reliable(0)
    assert told.settled and not told.stopped and told.samples <= MOST
    assert told.compared(0, 1)[unit(told, "knee")] == pytest.approx(2.0, abs=0.05)


def test_leaving_one_out_alone_agrees_with_the_fit_where_nothing_interacts() -> None:
    told = last(of(TEXT, Linear({"knee": (1.0, 0.0, 0.0)})))
    assert told.left_out[0][unit(told, "knee")] == pytest.approx(told.weights[0][unit(told, "knee")], abs=0.15)
    assert abs(told.left_out[0][unit(told, "tired")]) < 1e-9


def test_the_same_seed_gives_the_same_bytes_and_another_one_the_same_findings() -> None:
    one, same, other = (last(of(TEXT, Linear(PULLS)), seed=seed) for seed in (3, 3, 4))

    def told(explanation: Explanation) -> str:
        return json.dumps(explanation.stored() | {"seconds": 0})

    assert told(one) == told(same) and told(one) != told(other)
    assert set(one.strongest(0, 3)) == set(other.strongest(0, 3))


def test_few_findings_are_enumerated() -> None:
    made = of(SHORT, Linear({"stiff neck": (3.0, 0.0, 0.0), "vomiting": (0.5, 0.0, 0.0)}))
    assert len(made.units) <= 8
    told = last(made)
    assert told.exact and told.samples == 2 ** len(made.units) and told.settled
    assert told.strongest(0, 1) == [unit(told, "stiff neck")]


def test_half_is_left_out_and_then_the_other_half() -> None:
    count = len(units(TEXT))
    kept, pairs = halves(count, 128, 0)
    assert all((kept[row] ^ kept[row + 1]).all() and pairs[row] == pairs[row + 1] for row in range(0, 128, 2))
    block = kept[:64].astype(int) * 2 - 1
    assert (block.sum(axis=0) == 0).all()  # kept as often as not
    assert (block.T @ block == 64 * np.eye(count, dtype=int)).all()  # beside any other as often as not


def test_every_text_is_weighed_once() -> None:
    told = Linear(PULLS)
    made = of(TEXT, told)
    last(made)
    assert len(told.asked) == len(set(told.asked))
    before = len(told.asked)
    last(made)
    assert len(told.asked) == before


def test_an_answer_by_habit_is_unmasked() -> None:
    """A model that always prefers the first candidate: no finding gets a weight, and the page is told so."""

    class Habit(Linear):
        def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> Any:
            return np.tile([3.0, 0.0, -1.0], (len(texts), 1))

    told = last(of(TEXT, Habit({})))
    assert told.hardly(0) and not told.reliable(0)
    assert float(abs(told.weights).max()) < 1e-6
    assert "hardly depends on the case" in sentence(told, 0)
    assert told.told(0)["hardly_depends"] and not told.told(0)["reliable"]


def test_noise_is_called_unreliable() -> None:
    """A model that answers differently for every wording, by nothing that can be learnt."""

    class Noise(Linear):
        def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> Any:
            return np.array([[hashlib.sha256(text.encode()).digest()[0] / 25, 0.0, 0.0] for text in texts])

    told = last(of(TEXT, Noise({})))
    assert told.r2[0] < 0.3 and not told.reliable(0) and not told.told(0)["reliable"]
    assert told.samples == MOST  # it never settles
    assert "cannot be told for this case" in sentence(told, 0)  # no ranks, neither in words


def test_a_first_picture_comes_early_and_stopping_keeps_it() -> None:
    told = Linear(PULLS)
    made = of(TEXT, told)
    enough = len(made.units) + 80
    pictures = list(explain(made, stopped=lambda: len(told.asked) > enough))
    assert pictures[0].samples == 64 and not pictures[0].settled
    assert pictures[-1].stopped and pictures[-1].samples < MOST
    assert pictures[-1].strongest(0, 1) == [unit(pictures[-1], "knee")]
    assert pictures[-1].told(0)["stopped"]


def test_stopped_before_the_first_picture_there_is_none() -> None:
    assert list(explain(of(TEXT, Linear(PULLS)), stopped=lambda: True)) == []


def test_scores_that_are_no_numbers_are_an_error_and_infinite_ones_are_not() -> None:
    class Broken(Linear):
        def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> Any:
            return np.full((len(texts), 3), np.nan)

    with pytest.raises(EngineError, match="no numbers"):
        last(of(TEXT, Broken({})))

    class RuledOut(Linear):
        def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> Any:
            rows = super().weigh(texts, stopped)
            rows[["knee" not in text for text in texts], 0] = -np.inf
            return rows

    told = last(of(TEXT, RuledOut(PULLS)))
    assert np.isfinite(told.weights).all() and told.strongest(0, 1) == [unit(told, "knee")]
    assert np.isfinite(finite(np.full((2, 2), -np.inf))).all()


def test_a_case_of_one_finding_and_a_foreign_target_are_refused() -> None:
    made = Perturbed("Chief complaint: fever", "en", tuple(units("Chief complaint: fever"))[:1], Linear(PULLS))
    with pytest.raises(NoFindings):
        last(made)
    with pytest.raises(UnknownTarget, match="Gout is not among"):
        last(of(TEXT, Linear(PULLS))).place("Gout")


def test_it_is_kept_and_read_back() -> None:
    told = last(of(TEXT, Linear(PULLS)))
    again = Explanation.of_stored(json.loads(json.dumps(told.stored())), TEXT)
    assert again.units == told.units and again.names == told.names
    assert again.told(0) == told.told(0) | {"seconds": again.told(0)["seconds"]}


def test_shares_are_a_softmax() -> None:
    scores = np.array([[1.0, 2.0, 3.0]])
    assert np.exp(shares(scores)).sum() == pytest.approx(1)
    odds = Samples(np.ones((1, 1), dtype=bool), scores, np.zeros(1, dtype=np.int64)).log_odds[0]
    share = np.exp(shares(scores))[0]
    assert odds == pytest.approx(np.log(share / (1 - share)))


# --- What really ranked.


def answered(case: PatientCase, services: Services) -> dict[str, Any]:
    for event in services.consult(case, cached=False):
        if isinstance(event, Finished):
            return dict(event.answer)
    raise AssertionError


@pytest.fixture
def by_graph(store: Store, knowledge: Any) -> Services:
    from medassist.accounts import Directory
    from medassist.audit import Audit
    from medassist.config import load_settings
    from medassist.store.accounts import Accounts

    audit = Audit(store.database, bytes(32))
    directory = Directory(Accounts(store.database), audit)
    return Services(
        load_settings(engine="knowledge"),
        KnowledgeEngine(),
        store,
        audit,
        knowledge,
        directory,
        *build_study(store, audit),
    )


def test_where_the_graph_ranked_its_score_is_explained(by_graph: Services, case_en: PatientCase, graph: Graph) -> None:
    answer = answered(case_en, by_graph)
    made, _ = by_graph.explainable(answer["consultation_id"])
    assert isinstance(made.weigher, GraphWeigher) and made.weigher.by == "graph"
    assert made.weigher.names[0] == answer["differential"][0]["name"] and made.weigher.names[-1] == NONE_FITS["en"]
    whole = made.weigher.weigh([made.case_text], lambda: False)[0]
    found = look_up(graph, case_en, made.case_text)
    ranked = {each.disease: each.score for each in found.ranked}
    assert whole[:-1] == pytest.approx([ranked[each] for each in made.weigher.diseases])
    told = last(made)
    assert told.by == "graph" and told.forward_tokens == 0


def test_age_and_sex_count_only_while_the_text_tells_them(by_graph: Services, case_en: PatientCase) -> None:
    made, _ = by_graph.explainable(answered(case_en, by_graph)["consultation_id"])
    assert isinstance(made.weigher, GraphWeigher)
    assert made.weigher._person(made.case_text) == (34, "female")
    assert made.weigher._person(made.case_text.replace("34 years old", "")) == (None, "female")
    assert made.weigher._person(made.case_text.split("\n", 1)[1]) == (None, "unknown")


class Watched(ScriptedEngine):
    """Keeps the prompts that it is asked to weigh."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.prompts: list[Prompt] = []

    def score(
        self, prompts: Sequence[Prompt], continuations: Sequence[str], *, stopped: Callable[[], bool] = lambda: False
    ) -> list[list[list[float]]]:
        self.prompts += prompts
        return [
            [[-float(len(prompt.messages[0][1]) % 7) - place] for place, _ in enumerate(continuations)]
            for prompt in prompts
        ]


def test_a_finding_that_is_crossed_out_does_not_live_on_in_the_knowledge_lines(
    graph: Graph, case_en: PatientCase
) -> None:
    """The lines of the graph say what of a candidate the case has; that is made anew for every text."""
    engine, text = Watched(), case_en.text()
    found = ground(look_up(graph, case_en, text), "en", fits=lambda _: True)
    made = ModelWeigher(engine, case_en, "en", ("Deep vein thrombosis",), 5, found)
    crossed = text.replace("Left calf swollen for three days", "").replace(
        "Calf tender, 4 cm wider than the right one.", ""
    )
    made.weigh([text, crossed], lambda: False)
    whole, without = (prompt.messages[0][1] for prompt in engine.prompts)

    def marked(asked: str) -> set[str]:
        """What the lines say that the case has."""
        lines = " ".join(line for line in asked.split("\n") if line.startswith("[K") and ":" in line)
        return {part.strip(" ;,.") for part in re.findall(r"\+([^,;+]+)", lines)}

    def stated(case_text: str) -> set[str]:
        seen = graph.read(case_text, 34, "female").present
        return {graph.finding_name(each, "en") for name in seen for each in graph._ranker.line(name)}

    assert "calf pain" in marked(whole) - marked(without) and marked(without) <= stated(crossed)
    names = [line.split(":")[0] for line in whole.split("\n") if line.startswith("[K")]
    assert names == [line.split(":")[0] for line in without.split("\n") if line.startswith("[K")]


def test_a_candidate_keeps_its_marks_however_low_it_falls(graph: Graph, case_en: PatientCase) -> None:
    """Taking findings out moves a candidate down the graph's list; what the case still has of it is still told."""
    text = case_en.text()
    found = look_up(graph, case_en, text)
    low = graph.rank(found.facts, age=34, sex="female", top=200)[60].disease
    told = ground(found, "en", fits=lambda _: True, only=[low, found.ranked[0].disease])
    assert [each.disease for each in told.given] == [low, found.ranked[0].disease]
    assert low not in {each.disease for each in found.ranked}
    assert all("in this case +" in line for line in told.text.split("\n"))


def answer_of(engine: Any, **more: Any) -> dict[str, Any]:
    listed = [{"rank": 1, "name": "Pulmonary embolism"}, {"rank": 2, "name": "Pneumonia"}]
    made = {
        "engine": engine.name,
        "model": engine.model,
        "adapter": engine.adapter,
        "language": "en",
        "differential": listed,
    }
    return made | more


def test_where_the_model_ranked_the_model_is_asked(case_en: PatientCase) -> None:
    engine = Watched()
    made = perturbed(case_en, case_en.text(), answer_of(engine), engine, None)
    assert isinstance(made.weigher, ModelWeigher) and made.weigher.by == "model"
    told = last(made, most=64)
    assert told.names == ("Pulmonary embolism", "Pneumonia", NONE_FITS["en"]) and engine.prompts
    assert all(prompt.assistant.endswith("1) ") for prompt in engine.prompts)


def test_what_cannot_be_explained_says_why(case_en: PatientCase, graph: Graph) -> None:
    engine, text = ScriptedEngine(), case_en.text()
    with pytest.raises(NothingToExplain):
        weigher(case_en, text, "en", answer_of(engine, differential=[]), engine, graph)
    with pytest.raises(AnotherModel, match="another"):
        weigher(case_en, text, "en", answer_of(engine, model="another"), engine, graph)
    unasked = KnowledgeEngine()
    with pytest.raises(EngineError, match="switched off"):
        weigher(case_en, text, "en", answer_of(unasked), unasked, None)


def test_an_explanation_is_kept_with_its_answer_and_goes_with_it(by_graph: Services, case_en: PatientCase) -> None:
    answer = answered(case_en, by_graph)
    *_, told = by_graph.explain(answer["consultation_id"], most=64)
    [turn] = by_graph.store.get(answer["consultation_id"]).turns
    kept = by_graph.store.explanation(turn.id)
    assert (
        kept is not None and Explanation.of_stored(kept, answer["case_text"]).told(0)["units"] == told.told(0)["units"]
    )
    by_graph.store.delete(answer["consultation_id"])
    assert by_graph.store.explanation(turn.id) is None


def test_a_chinese_case_is_explained_in_chinese(by_graph: Services, case_zh: PatientCase) -> None:
    answer = answered(case_zh, by_graph)
    *_, told = by_graph.explain(answer["consultation_id"], most=128)
    assert told.language == "zh" and sentence(told, 0).startswith("最支持急性阑尾炎：")
    assert {"麦氏点压痛", "反跳痛阳性"} & {told.units[number].text for number in told.strongest(0)}


# --- The yardstick.


def test_explanations_are_measured(
    by_graph: Services, case_en: PatientCase, case_zh: PatientCase, graph: Graph, tmp_path: Path
) -> None:
    def ask(case: PatientCase) -> tuple[Perturbed, float]:
        return by_graph.explainable(answered(case, by_graph)["consultation_id"])[0], 1.0

    def refused(case: PatientCase) -> tuple[Perturbed, float]:
        raise NothingToExplain

    cases = [GoldCase("en", case_en, "x"), GoldCase("zh", case_zh, "x")]
    measured = [*measure(cases, ask, graph, most=128), *measure(cases[:1], refused, graph)]
    for each in measured[:2]:
        assert each.by == "graph" and each.r2 > 0.5 and 0 <= each.jaccard <= 1
        assert each.deletion < each.deletion_random and each.insertion > each.insertion_random
        assert each.comprehensiveness > each.comprehensiveness_random
        assert each.planted is not None and each.planted <= 3
        assert len(each.curve) == len(each.curve_random) == 21
    assert measured[2].error == "nothing_to_explain"
    told = summary(measured)
    assert (told["n"], told["explained"], told["planted"], told["planted_in_top3"]) == (3, 2, 2, 1.0)
    assert set(told["by_language"]) == {"en", "zh"} and json.dumps(told)
    draw(measured, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert summary(measured[2:])["explained"] == 0
