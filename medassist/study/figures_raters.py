"""Figures of raters: what each accepted, and how long they took."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from medassist.study.drawing import COLORS, INK, LABEL, LINE, MOST, MUTE, Drawn, area, bare, beside, draw
from medassist.study.results import Analysis, RaterResult, Times
from medassist.study.wording import Say, sentence, shortened


def heat_map(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    """Rater by arm: the share accepted, in numbers too."""
    raters = [rater for rater in analysis.raters if any(judged for _, judged in rater.accepted.values())]
    parts = [raters[start : start + MOST] for start in range(0, len(raters), MOST)]
    return tuple(_heat(f"raters-{n + 1}" if n else "raters", part, say) for n, part in enumerate(parts))


def _heat(figure_id: str, raters: Sequence[RaterResult], say: Say) -> Drawn:
    height = 0.55 + 0.27 * len(raters)
    names = list(raters[0].accepted)

    def paint(figure: Figure) -> None:
        axes = area(figure, height, left=1.3, right=max(0.6, 4.4 - 1.5 * len(names)), top=0.4, bottom=0.1)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylim(len(raters) - 0.5, -0.5)
        for y, rater in enumerate(raters):
            for x, name in enumerate(names):
                _cell(axes, x, y, *rater.accepted[name])
        axes.set_yticks(range(len(raters)), [shortened(rater.pseudonym, 16) for rater in raters])
        axes.set_xticks(range(len(names)), [shortened(name, 18) for name in names])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    title = say("Acceptance by rater and arm", "各评审者对各臂的接受率")
    alt = sentence((f"{rater.pseudonym}: {_counts(rater)}" for rater in raters), say)
    return draw(figure_id, title, alt, height, paint)


def _counts(rater: RaterResult) -> str:
    return ", ".join(f"{name} {accepted}/{judged}" for name, (accepted, judged) in rater.accepted.items())


DARK = 0.179
"""The luminance at which black and white text are as easy to read."""


def luminance(color: Sequence[float]) -> float:
    """Of an sRGB color, 0 to 1 (WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _cell(axes: Any, x: int, y: int, accepted: int, judged: int) -> None:
    """Light to dark blue: it keeps its order in gray, and the number says the rest."""
    share = accepted / judged if judged else 0.0
    light, dark = (0.94, 0.96, 0.98), (0.0, 0.27, 0.45)
    color = tuple(one + (share if judged else 0.0) * (other - one) for one, other in zip(light, dark, strict=True))
    ink = "black" if luminance(color) > DARK else "white"
    axes.fill_between([x - 0.48, x + 0.48], y - 0.46, y + 0.46, facecolor=color, edgecolor=LINE, linewidth=0.5)
    text = f"{100 * share:.0f}%  {accepted}/{judged}" if judged else "—"
    axes.text(x, y, text, ha="center", va="center", fontsize=8, color=ink)


def time(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    rows: list[tuple[str, Times, int]] = [(arm.name, arm.times, place) for place, arm in enumerate(analysis.arms)]
    rows.append((say("All items", "全部条目"), analysis.times, -1))
    rows += [(rater.pseudonym, rater.times, -1) for rater in analysis.raters]
    rows = [row for row in rows if row[1].n]
    parts = [rows[start : start + MOST] for start in range(0, len(rows), MOST)]
    return tuple(_time(f"time-{n + 1}" if n else "time", part, say) for n, part in enumerate(parts))


def _time(figure_id: str, rows: Sequence[tuple[str, Times, int]], say: Say) -> Drawn:
    height = 0.7 + 0.25 * len(rows)

    def paint(figure: Figure) -> None:
        axes = area(figure, height, left=2.05, right=2.15, top=0.15, bottom=0.5)
        bare(axes, [shortened(label, LABEL) for label, _, _ in rows])
        axes.set_xlim(0, 1.1 * max(times.high or 0.0 for _, times, _ in rows))
        for y, (_, times, place) in enumerate(rows):
            low, middle, high = times.low or 0.0, times.median or 0.0, times.high or 0.0
            color = MUTE if place < 0 else COLORS[place % len(COLORS)]
            axes.barh(y, high - low, 0.5, left=low, color=color, alpha=0.35, edgecolor=color)
            axes.plot([middle, middle], [y - 0.25, y + 0.25], color=INK, linewidth=2)
            beside(axes, y, f"{middle:.0f} ({low:.0f} – {high:.0f})  n={times.n}")
        axes.set_xlabel(say("Seconds per item: median and quartiles", "每条目用时（秒）：中位数与四分位数"))

    title = say("Time per item", "每条目用时")
    alt = sentence((f"{label}: {times.median:.0f} s" for label, times, _ in rows), say)
    return draw(figure_id, title, alt, height, paint)
