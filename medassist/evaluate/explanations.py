"""How far explanations can be trusted, over a set of cases: fit, stability, and whether what they name really matters.

Deletion, insertion, comprehensiveness and sufficiency follow ERASER (DeYoung et al. 2020) and RISE (Petsiuk et al.
2018), each beside orders taken at random. A planted finding is the one of all that the second candidate lists and the
case lacks which moves that candidate most against the others, put into the history: its explanation should name it.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.case import PatientCase
from medassist.errors import Language, MedAssistError
from medassist.evaluate.cases import GoldCase
from medassist.explain import MOST, Perturbed, explain
from medassist.explanation import STRONGEST, Explanation
from medassist.fitting import Samples, finite
from medassist.knowledge.graph import Graph

SEEDS = 5
ORDERS = 20
SHARE = 0.2
PLANTED_IN = 3

Order = Sequence[int]
Answered = Callable[[PatientCase], tuple[Perturbed, float]]
"""Answers a case: the answer ready to be perturbed, and how long it took to write (seconds)."""


@dataclass(frozen=True)
class Measured:
    """One case. Probabilities are of the first candidate; `None` where nothing could be measured."""

    id: str
    language: Language
    units: int
    r2: float = 0.0
    signs: float = 0.0
    reliable: bool = False
    samples: int = 0
    jaccard: float = 0.0  # of the five strongest, mean over pairs of seeds
    same_as_fixed: bool = False  # the same five as with all samples
    ties_with_fixed: bool = False  # … or others that tie with the fifth within its standard error
    fixed_again: bool = False  # all samples of another seed name the five of all samples: the ceiling of the two above
    deletion: float = 0.0  # area under the curve
    deletion_random: float = 0.0
    insertion: float = 0.0
    insertion_random: float = 0.0
    comprehensiveness: float = 0.0
    comprehensiveness_random: float = 0.0
    sufficiency: float = 0.0
    sufficiency_random: float = 0.0
    planted: int | None = None  # the place of a planted finding among the strongest, from 1
    neutral: float | None = None
    seconds: float = 0.0
    first_seconds: float = 0.0
    answer_seconds: float = 0.0
    forward_tokens: int = 0
    by: str = ""
    error: str = ""
    curve: tuple[float, ...] = ()
    curve_random: tuple[float, ...] = ()


def measure(cases: Iterable[GoldCase], answered: Answered, graph: Graph, *, most: int = MOST) -> Iterator[Measured]:
    """Explain the first diagnosis of every case with some seeds, and measure."""
    for gold in cases:
        language = gold.case.written_in
        try:
            yield _measured(gold, language, answered, graph, most)
        except MedAssistError as error:
            yield Measured(gold.id, language, 0, error=error.code)


def _measured(gold: GoldCase, language: Language, answered: Answered, graph: Graph, most: int) -> Measured:
    made, answer_seconds = answered(gold.case)
    began = time.monotonic()
    rounds = explain(made, most=most, seed=0)
    first = next(rounds)
    first_seconds = time.monotonic() - began
    *_, first = first, *rounds
    others = [_last(explain(replace(made, _known={}), most=most, seed=seed)) for seed in range(1, SEEDS)]
    fixed = _last(explain(made, most=most, seed=0, adaptive=False))
    again = _last(explain(replace(made, _known={}), most=most, seed=1, adaptive=False))
    tops = [frozenset(each.strongest(0)) for each in (first, *others)]
    curves = _curves(made, first)
    return Measured(
        gold.id,
        language,
        len(first.units),
        r2=first.r2[0],
        signs=first.signs[0],
        reliable=first.reliable(0),
        samples=first.samples,
        jaccard=statistics.fmean(len(a & b) / len(a | b) for a, b in combinations(tops, 2)),
        same_as_fixed=frozenset(fixed.strongest(0)) == tops[0],
        ties_with_fixed=fixed.names_again(first),
        fixed_again=frozenset(again.strongest(0)) == frozenset(fixed.strongest(0)),
        **curves,
        planted=_planted(gold.case, first, answered, graph, language, most),
        neutral=first.neutral,
        seconds=first.seconds,
        first_seconds=first_seconds,
        answer_seconds=answer_seconds,
        forward_tokens=first.forward_tokens,
        by=first.by,
    )


def _last(explanations: Iterator[Explanation]) -> Explanation:
    *_, last = explanations
    return last


# --- Does what it names matter?


def _probabilities(made: Perturbed, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of the first candidate, for each row of what is kept."""
    scores = finite(made.weigh(kept))
    told: NDArray[np.float64] = np.exp(
        Samples(kept, scores, np.zeros(len(kept), dtype=np.int64)).log_probabilities[:, 0]
    )
    return told


def _removed(order: Order, count: int) -> NDArray[np.bool_]:
    """The whole case, then one unit less at a time, [units + 1, units]."""
    kept = np.ones((count + 1, count), dtype=bool)
    for step, unit in enumerate(order, 1):
        kept[step:, unit] = False
    return kept


def _curves(made: Perturbed, told: Explanation) -> dict[str, Any]:
    count = len(told.units)
    rng = np.random.default_rng(0)
    own = [int(each) for each in np.argsort(-told.weights[0], kind="stable")]
    orders = [own, *(rng.permutation(count).tolist() for _ in range(ORDERS))]
    deleted = [_probabilities(made, _removed(order, count)) for order in orders]
    inserted = [_probabilities(made, ~_removed(order, count)) for order in orders]
    cut = max(1, round(SHARE * count))
    whole = float(deleted[0][0])
    return {
        "deletion": _area(deleted[0]),
        "deletion_random": statistics.fmean(map(_area, deleted[1:])),
        "insertion": _area(inserted[0]),
        "insertion_random": statistics.fmean(map(_area, inserted[1:])),
        "comprehensiveness": whole - float(deleted[0][cut]),
        "comprehensiveness_random": whole - statistics.fmean(float(each[cut]) for each in deleted[1:]),
        "sufficiency": whole - float(inserted[0][cut]),
        "sufficiency_random": whole - statistics.fmean(float(each[cut]) for each in inserted[1:]),
        "curve": _on_grid(deleted[0]),
        "curve_random": _on_grid(np.mean(deleted[1:], axis=0)),
    }


def _area(curve: NDArray[np.float64]) -> float:
    """Under a curve over the share of units, by trapezoids."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def _on_grid(curve: NDArray[np.float64], points: int = 21) -> tuple[float, ...]:
    places = np.linspace(0, 1, points)
    return tuple(np.interp(places, np.linspace(0, 1, len(curve)), curve).round(5).tolist())


# --- A planted finding.


def _planted(
    case: PatientCase, told: Explanation, answered: Answered, graph: Graph, language: Language, most: int
) -> int | None:
    """Where the explanation of the second candidate names a finding of it that was planted; None: nothing to plant."""
    if len(told.names) < 3 or (disease := graph.normalise(told.names[1])) is None:
        return None
    seen = graph.findings_in(case.text())
    listed = [*disease.findings.pathognomonic, *disease.findings.for_]
    phrases = [graph.finding_name(each, language) for each in listed if each not in seen and each in graph.findings]
    if not phrases:
        return None

    others = [known.id for name in told.names if (known := graph.normalise(name)) is not None and known != disease]

    def lead(of: PatientCase) -> float:
        facts = graph.read(of.text(), of.age, of.sex)
        weighed = graph.weighed(facts, [disease.id, *others], age=of.age, sex=of.sex)
        return weighed[disease.id].score - max(weighed[each].score for each in others)

    phrase = max(phrases, key=lambda each: lead(_with(case, each, language)))
    made, _ = answered(_with(case, phrase, language))
    if disease.name.of(language) not in made.weigher.names:
        return None
    again = _last(explain(made, most=most, seed=0))
    place = again.place(disease.name.of(language))
    order = again.strongest(place, len(again.units))
    named = [rank for rank, unit in enumerate(order, 1) if phrase.casefold() in again.units[unit].text.casefold()]
    return named[0] if named else len(order) + 1


def _with(case: PatientCase, phrase: str, language: Language) -> PatientCase:
    """The case with one more sentence in its history."""
    stop = "。" if language == "zh" else ". "
    history = f"{case.history.rstrip().rstrip('.。')}{stop}{phrase[0].upper()}{phrase[1:]}{stop.strip()}"
    return case.model_copy(update={"history": history})


# --- All cases.


def summary(measured: Sequence[Measured]) -> dict[str, Any]:
    """Medians and shares, all and by language; the cases below."""
    languages = sorted({each.language for each in measured})
    return {
        **_figures(measured),
        "by_language": {each: _figures([one for one in measured if one.language == each]) for each in languages},
        "cases": [asdict(each) for each in measured],
    }


def _figures(measured: Sequence[Measured]) -> dict[str, Any]:
    done = [each for each in measured if not each.error]
    if not done:
        return {"n": len(measured), "explained": 0}

    def median(value: Callable[[Measured], float]) -> float:
        return round(statistics.median(map(value, done)), 4)

    def share(holds: Callable[[Measured], bool], among: Sequence[Measured] = done) -> float | None:
        return round(sum(map(holds, among)) / len(among), 4) if among else None

    planted = [each for each in done if each.planted is not None]
    reliable, doubtful = ([each for each in done if each.reliable is wanted] for wanted in (True, False))
    gains = np.array([each.comprehensiveness - each.comprehensiveness_random for each in done])
    margin = 1.96 * float(gains.std(ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    return {
        "n": len(measured),
        "explained": len(done),
        "r2_median": median(lambda each: each.r2),
        "r2_at_least_0.6": share(lambda each: each.r2 >= 0.6),
        "jaccard5_median": median(lambda each: each.jaccard),
        "sign_agreement_median": median(lambda each: each.signs),
        "reliable": share(lambda each: each.reliable),
        "jaccard5_mean_reliable": round(statistics.fmean(each.jaccard for each in reliable), 4) if reliable else None,
        "jaccard5_mean_unreliable": round(statistics.fmean(each.jaccard for each in doubtful), 4) if doubtful else None,
        "samples_median": median(lambda each: float(each.samples)),
        "at_most_half_the_samples": share(lambda each: each.samples <= MOST // 2),
        "adaptive_same_top5": share(lambda each: each.same_as_fixed),
        "adaptive_same_top5_or_tied": share(lambda each: each.ties_with_fixed),
        "fixed_same_top5_over_seeds": share(lambda each: each.fixed_again),
        "adaptive_same_top5_with_half": share(lambda each: each.same_as_fixed and each.samples <= MOST // 2),
        "adaptive_same_or_tied_with_half": share(lambda each: each.ties_with_fixed and each.samples <= MOST // 2),
        "deletion_ratio_median": median(lambda each: each.deletion / max(each.deletion_random, 1e-9)),
        "deletion_ratio_at_most_0.6": share(lambda each: each.deletion <= 0.6 * each.deletion_random),
        "insertion_gain_median": median(lambda each: each.insertion - each.insertion_random),
        "comprehensiveness_gain": round(float(gains.mean()), 4),
        "comprehensiveness_gain_95": [round(float(gains.mean()) - margin, 4), round(float(gains.mean()) + margin, 4)],
        "sufficiency_gain_median": median(lambda each: each.sufficiency_random - each.sufficiency),
        "planted": len(planted),
        "planted_in_top3": share(lambda each: (each.planted or 99) <= PLANTED_IN, planted),
        "neutral_agreement_median": median(lambda each: each.neutral if each.neutral is not None else 1.0),
        "seconds_median": median(lambda each: each.seconds),
        "seconds_over_answer_median": median(lambda each: each.seconds / max(each.answer_seconds, 1e-9)),
        "first_over_answer_median": median(lambda each: each.first_seconds / max(each.answer_seconds, 1e-9)),
        "forward_tokens_median": median(lambda each: float(each.forward_tokens)),
        "strongest": STRONGEST,
    }


def draw(measured: Sequence[Measured], path: Any) -> None:
    """A figure of the deletion curves and of the fit against stability, as a PNG at `path`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    done = [each for each in measured if not each.error]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2))
    places = np.linspace(0, 100, len(done[0].curve)) if done else np.array([])
    for each in done:
        left.plot(places, each.curve, color="#0b6e99", alpha=0.15)
        left.plot(places, each.curve_random, color="#8a5a00", alpha=0.15, linestyle="--")
    if done:
        left.plot(
            places, np.mean([each.curve for each in done], axis=0), color="#0b6e99", linewidth=2.5, label="by weight"
        )
        mean = np.mean([each.curve_random for each in done], axis=0)
        left.plot(places, mean, color="#8a5a00", linewidth=2.5, linestyle="--", label="at random")
    left.set(xlabel="findings left out, %", ylabel="probability of the first diagnosis", title="Deletion")
    left.legend()
    right.scatter([each.r2 for each in done], [each.jaccard for each in done], color="#0b6e99")
    right.axvline(0.5, color="#777", linewidth=0.8)
    right.set(xlabel="R² on held-out samples", ylabel="Jaccard of the top 5 over seeds", title="Fit and stability")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
