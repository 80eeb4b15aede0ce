"""The figures of a report, each in one language. They leave out nothing that a table beside them does not give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medassist.errors import Language
from medassist.statistics import Interval
from medassist.study.drawing import (
    COLORS,
    HEADING,
    INK,
    LABEL,
    MARKERS,
    MOST,
    MUTE,
    Drawn,
    area,
    bare,
    beside,
    draw,
)
from medassist.study.figures_raters import heat_map, time
from medassist.study.results import Analysis
from medassist.study.wording import Form, Say, decimal, percent, points, sentence, shortened, tick, with_ends

BY = {"language": ("Language", "语言"), "specialty": ("Specialty", "专科"), "stratum": ("Stratum", "分层")}
LANGUAGES = {"en": ("English", "英文"), "zh": ("Chinese", "中文")}


def figures(analysis: Analysis, language: Language) -> dict[str, tuple[Drawn, ...]]:
    """All that the study has data for, by name; a long one in several parts, so that each fits a page."""
    say = Say(language)
    made = {
        "forest": forest(analysis, say),
        "differences": differences(analysis, say),
        "items": items(analysis, say),
        "agreement": agreement(analysis, say),
        "raters": heat_map(analysis, say),
        "time": time(analysis, say),
        "preference": preference(analysis, say),
    }
    return {name: drawn for name, drawn in made.items() if drawn}


@dataclass(frozen=True)
class Row:
    label: str
    interval: Interval | None  # None for a heading
    style: int = 0  # place among colors and markers
    n: str = ""
    hollow: bool = False


def _chunks(rows: Sequence[Row]) -> list[list[Row]]:
    """Parts of a page at most; a heading stays with what is under it."""
    blocks: list[list[Row]] = []
    for row in rows:
        if not blocks or row.interval is None:
            blocks.append([])
        blocks[-1].append(row)
    made: list[list[Row]] = [[]]
    for block in blocks:
        if made[-1] and len(made[-1]) + len(block) > MOST:
            made.append([])
        made[-1] += block
    return made


def _rows(
    name: str, title: str, alt: str, rows: Sequence[Row], form: Form, limits: tuple[float, float], axis: str, zero: bool = False
) -> tuple[Drawn, ...]:  # fmt: skip
    """Intervals below each other, with their numbers at the right."""
    parts = _chunks(rows)
    return tuple(
        _part(name if not n else f"{name}-{n + 1}", title, alt, part, form, limits, axis, zero)
        for n, part in enumerate(parts)
    )


def _part(
    name: str, title: str, alt: str, rows: Sequence[Row], form: Form, limits: tuple[float, float], axis: str, zero: bool
) -> Drawn:
    height = 0.7 + 0.25 * len(rows)

    def paint(figure: Figure) -> None:
        axes = area(figure, height, left=2.05, right=2.15, top=0.15, bottom=0.5)
        labels = [shortened(row.label, LABEL if row.interval else HEADING) for row in rows]
        bare(axes, labels, [row.interval is None for row in rows])
        axes.set_xlim(*limits)
        for y, row in enumerate(rows):
            if row.interval:
                _interval(axes, y, row)
                beside(axes, y, with_ends(row.interval, form) + (f"  {row.n}" if row.n else ""))
        if zero:
            axes.axvline(0, color=INK, linewidth=0.9)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda value, _: tick(form, value))
        axes.set_xlabel(axis)

    return draw(name, title, alt, height, paint)


def _interval(axes: Any, y: float, row: Row) -> None:
    color, marker, interval = COLORS[row.style % len(COLORS)], MARKERS[row.style % len(MARKERS)], row.interval
    if interval is None or interval.estimate is None:
        return
    if interval.low is not None and interval.high is not None:
        axes.plot([interval.low, interval.high], [y, y], color=color, linewidth=1.6, solid_capstyle="butt")
    face = "white" if row.hollow else color
    axes.plot([interval.estimate], [y], marker, color=color, markerfacecolor=face, markersize=6)


# --- Acceptance.


def forest(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    rows = []
    for place, arm in enumerate(analysis.arms):
        rows.append(Row(arm.name, arm.two_way, place, f"n={arm.n_ratings}"))
        rows.append(Row(say("majority per case", "按病例多数"), arm.majority, place, f"n={arm.n_cases}", hollow=True))
    for by, names in BY.items():
        for value in dict.fromkeys(group.value for arm in analysis.arms for group in arm.subgroups if group.by == by):
            shown = say(*LANGUAGES.get(value, (value, value))) if by == "language" else value or say("(none)", "（无）")
            rows.append(Row(say("{by}: {value}", "{by}：{value}", by=say(*names), value=shown), None))
            for place, arm in enumerate(analysis.arms):
                for group in arm.subgroups:
                    if (group.by, group.value) == (by, value):
                        rows.append(Row(f"{arm.name}", group.two_way, place, f"n={group.n_ratings}"))
    title = say("Acceptance by arm and subgroup", "各臂及亚组的接受率")
    alt = say("Share of ratings that accept the answer, with interval. ", "接受回答的评分比例及区间。")
    alt += sentence((f"{arm.name}: {with_ends(arm.two_way)}" for arm in analysis.arms), say)
    axis = say("Accepted (filled: ratings, hollow: cases)", "接受率（实心：评分；空心：病例）")
    return _rows("forest", title, alt, rows, percent, (-0.02, 1.02), axis)


def differences(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    if not analysis.differences:
        return ()
    rows = []
    for each in analysis.differences:
        rows.append(Row(f"{shortened(each.first, 12)} {chr(0x2212)} {shortened(each.second, 12)}", each.risk_difference, 0, f"n={each.n_pairs}"))  # fmt: skip
        rows.append(Row(say("by two-way errors", "按双向聚类误差"), each.two_way, 0, hollow=True))
    reach = max([abs(end) for row in rows if row.interval for end in (row.interval.low, row.interval.high) if end is not None] + [0.1])  # fmt: skip
    title = say("Differences of acceptance", "接受率之差")
    alt = say("Percentage points. ", "单位为百分点。")
    alt += sentence((f"{each.first} {chr(0x2212)} {each.second}: {with_ends(each.risk_difference, points)}" for each in analysis.differences), say)  # fmt: skip
    limit = min(1.0, reach * 1.15)
    return _rows(
        "differences", title, alt, rows, points, (-limit, limit), say("Percentage points", "百分点"), zero=True
    )


# --- Item by item.


def items(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    """Share in the two highest bins of every scale."""
    rows = []
    scales = [item for item in analysis.arms[0].items if item.top_two]
    for item in scales:
        rows.append(Row(item.label.text(say.language), None))
        for place, arm in enumerate(analysis.arms):
            same = next(each for each in arm.items if each.id == item.id)
            rows.append(Row(f"{arm.name}", same.top_two, place, f"n={same.n}"))
    if not rows:
        return ()
    title = say("Ratings in the two highest bins, by item", "各条目评分居最高两档的比例")
    alt = sentence(
        (
            f"{arm.name}, {item.label.text(say.language)} {percent(item.top_two.estimate if item.top_two else None)}"
            for arm in analysis.arms
            for item in arm.items
            if item.top_two
        ),
        say,
    )
    return _rows("items", title, alt, rows, percent, (-0.02, 1.02), say("Share of ratings", "评分比例"))


def agreement(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    names = {"percent": say("Percent agreement", "一致百分比"), "ac": "AC1", "alpha": "α"}
    rows = []
    for place, arm in enumerate(analysis.arms):
        rows.append(Row(arm.name, None))
        rows += [Row(f"{names[kind]}", getattr(arm.agreed, kind), place) for kind in names]
    title = say("Agreement on acceptance", "接受与否的评审者一致性")
    alt = sentence(
        (f"{arm.name}: " + ", ".join(f"{names[kind]} {decimal(getattr(arm.agreed, kind).estimate)}" for kind in names) for arm in analysis.arms),
        say,
    )  # fmt: skip
    lowest = min([end for row in rows if row.interval and (end := row.interval.low) is not None] + [0.0])
    return _rows("agreement", title, alt, rows, decimal, (max(-1.0, lowest) - 0.02, 1.02), say("Coefficient", "系数"))


# --- Side by side.


def preference(analysis: Analysis, say: Say) -> tuple[Drawn, ...]:
    """Every two arms: won, tied, lost."""
    if not analysis.preference or not analysis.preference.n:
        return ()
    contests = [each for each in analysis.preference.contests if each.first_wins + each.second_wins + each.ties]
    height = 0.95 + 0.62 * len(contests)

    def paint(figure: Figure) -> None:
        axes = area(figure, height, left=0.3, right=0.3, top=0.2)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(contests) - 0.4, -0.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        for y, each in enumerate(contests):
            total, start = each.first_wins + each.second_wins + each.ties, 0.0
            for count, color, hatch in ((each.first_wins, COLORS[0], ""), (each.ties, "#e6eaee", "//"), (each.second_wins, COLORS[1], "")):  # fmt: skip
                axes.barh(
                    y + 0.1, count / total, 0.42, left=start, color=color, hatch=hatch, edgecolor="white", linewidth=1
                )
                if count:
                    axes.text(start + count / total / 2, y + 0.1, str(count), ha="center", va="center", color=INK if hatch else "white", fontsize=9)  # fmt: skip
                start += count / total
            axes.text(0, y - 0.2, shortened(each.first, 40), ha="left", va="bottom", fontsize=8.5, color=COLORS[0])
            axes.text(
                0.5, y - 0.2, say("tie (hatched)", "不分高下（斜线）"), ha="center", va="bottom", fontsize=8, color=MUTE
            )
            axes.text(1, y - 0.2, shortened(each.second, 40), ha="right", va="bottom", fontsize=8.5, color=COLORS[1])
        axes.xaxis.set_major_formatter(lambda value, _: tick(percent, value))
        axes.set_xlabel(say("Share of comparisons", "比较次数的比例"))

    title = say("Preferences between two answers", "两个回答之间的偏好")
    alt = sentence(
        (
            say("{a} preferred {x} times, {b} {y} times, {z} ties", "偏好 {a} {x} 次，偏好 {b} {y} 次，不分高下 {z} 次",
                a=each.first, b=each.second, x=each.first_wins, y=each.second_wins, z=each.ties)
            for each in contests
        ),
        say,
    )  # fmt: skip
    return (draw("preference", title, alt, height, paint),)
