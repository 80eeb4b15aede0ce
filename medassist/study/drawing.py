"""Drawing for print and screen: vector text, colors that color-blind readers can tell, and shapes beside them.

matplotlib's settings are one for the whole process; they are set for the moment a figure is written, one at a time.
"""

import html
import io
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's, in an order whose grays differ too."""
MARKERS = ("o", "s", "^", "D", "v", "P")
INK, MUTE, LINE = "#16232f", "#526170", "#c5cfd7"
FAMILY = "'DejaVu Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
WIDTH = 7.2
"""Inches: what fits between the margins of A4."""

LABEL, HEADING = 27, 70
"""Columns of a row's label, and of a heading, which may run into the figure."""
MOST = 32
"""Rows of one figure: what fits a page of A4."""

_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "medassist",
    "font.size": 9.0,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTE,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Drawn:
    id: str
    svg: str
    title: str
    alt: str  # what it shows, for who cannot see it


def draw(name: str, title: str, alt: str, height: float, paint: Callable[[Figure], None]) -> Drawn:
    """A figure of `height` inches, painted by `paint`, as an SVG element that can stand in a page with others."""
    out = io.StringIO()
    with _one_at_a_time, mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Without a Chinese font here widths are guesses; the reader's own font shows the text all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(figure)
        paint(figure)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return Drawn(name, _inlined(out.getvalue(), name, title, alt), title, alt)


def _inlined(svg: str, name: str, title: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: (?:[a-z0-9]+ )*?([0-9.]+px)[^;\"]*", rf"font: \1 {FAMILY}", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    opening = svg.index(">") + 1
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", svg[:opening])
    label = f'<title id="{name}-title">{html.escape(title)}</title><desc id="{name}-desc">{html.escape(alt)}</desc>'
    labelled = f' role="img" aria-labelledby="{name}-title {name}-desc">'
    return head[:-1] + labelled + label + svg[opening:]


def area(figure: Figure, height: float, left: float, right: float, top: float = 0.35, bottom: float = 0.45) -> Any:
    """Axes with margins in inches."""
    box = (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / height)
    return figure.add_axes(box)


def bare(axes: Any, labels: Sequence[str], bold: Sequence[bool] = ()) -> None:
    """A list of rows from top to bottom, labels at the figure's left edge: no vertical axis, a light grid."""
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    place = blended_transform_factory(axes.figure.transFigure, axes.transData)
    for y, label in enumerate(labels):
        weight = "bold" if bold and bold[y] else "normal"
        axes.text(
            0.003 if weight == "bold" else 0.02, y, label, transform=place, va="center", ha="left", fontweight=weight
        )


def beside(axes: Any, y: float, text: str, **style: Any) -> None:
    """A text to the right of the axes, at the height of a row."""
    axes.text(1.02, y, text, transform=axes.get_yaxis_transform(), va="center", ha="left", **{"fontsize": 8, **style})
