"""The report says what the analysis found, in both languages, asks nothing of the network, and prints."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from weasyprint import HTML

from medassist.errors import LANGUAGES, CannotPrint, Language
from medassist.study.analysis import Analysis, analyse
from medassist.study.dataset import Dataset
from medassist.study.figures import figures
from medassist.study.figures_raters import DARK, luminance
from medassist.study.references import REFERENCES, Citations
from medassist.study.report import report_html, report_pdf
from medassist.study.wording import moment, percent, points, shortened, with_ends
from tests.study_data import Builder, eventful, study

BANNER = {"en": "Simulated ratings", "zh": "模拟评分"}


def one_item() -> Dataset:
    made = Builder(1, 1, "absolute", "zh")
    made.add_cases(1, practice=0)
    made.add_raters(1)
    row = made.assign("p0", "c000", ("s1",))
    made.rate(row, row.responses[0], made.judged("yes"))
    return made.dataset()


def unanimous() -> Dataset:
    made = study(cases=4)
    made.ratings = [replace(row, value="yes") if row.item == "accept" else row for row in made.ratings]
    return made.dataset()


def silent() -> Dataset:
    made = study(arms=3, cases=4)
    made.ratings.clear()
    return made.dataset()


STUDIES = {
    "eventful": eventful,
    "three arms": lambda: study(arms=3, cases=8).dataset(),
    "paired": lambda: study(mode="paired", arms=3, cases=8).dataset(),
    "Chinese": lambda: study(language="zh", cases=8).dataset(title="两个系统的可接受性"),
    "one item": one_item,
    "unanimous": unanimous,
    "silent": silent,
}
MADE: dict[str, Analysis] = {}


def analysis(name: str) -> Analysis:
    return MADE.setdefault(name, analyse(STUDIES[name]()))


class Page(HTMLParser):
    """What a page holds: its ids, its addresses, its tags left open, its text."""

    VOID = {"meta", "br", "link", "img", "use", "path"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href", "xlink:href", "action", "srcset"):
                self.addresses.append(value)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STUDIES)
def test_a_report_is_whole_and_stands_alone(name: str, language: Language) -> None:
    html = report_html(analysis(name), language)
    page = Page(html)
    assert html.startswith("<!doctype html>")
    assert len(set(page.ids)) == len(page.ids)
    assert all(address.startswith("#") and address[1:] in page.ids for address in page.addresses)
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert "@import" not in html and not re.search(r"url\((?!#)", html)
    assert not re.search(r"\b(?:nan|inf)\b|&amp;(?:lt|gt|#)", page.text)
    assert not re.search(r'class="number">[^<]*None|None%|<dd>None', html)
    assert html == report_html(analysis(name), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_numbers_are_those_of_the_analysis(language: Language) -> None:
    found = analysis("eventful")
    text = Page(report_html(found, language)).text
    for arm in found.arms:
        assert percent(arm.two_way.estimate) in text
        assert with_ends(arm.two_way) in text  # in the forest plot
    assert points(found.primary.estimate.estimate) in text
    assert found.primary.label.text(language) in text
    for each in found.deviations:
        assert each.text.text(language) in text
    for rater in found.raters:
        assert rater.pseudonym in text
    assert found.protocol_sha256 in text
    for item in found.arms[0].items:
        assert item.label.text(language) in text


def test_what_is_undefined_is_said() -> None:
    text = Page(report_html(analysis("unanimous"), "en")).text
    assert "all ratings that can be compared are the same" in text
    assert "no answer was rated" in Page(report_html(analysis("silent"), "en")).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_speaks_one_language(language: Language) -> None:
    found = analysis("three arms") if language == "en" else analysis("Chinese")
    text = Page(report_html(replace(found, title="T", hypothesis="H"), language)).text
    chinese = re.findall(r"[\u4e00-\u9fff]{3,}", text)
    if language == "en":
        assert set(chinese) <= {"心内科", "神经科"}
    else:
        words = re.findall(r"(?:[a-z]{3,} ){4,}", text.split("参考文献")[0])
        assert [each for each in words if "acceptance review" not in each] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("how", ["sample", "rater", "neither"])
def test_simulated_ratings_are_marked(how: str, language: Language) -> None:
    data = study(cases=4).dataset(sample=how == "sample")
    if how == "rater":
        data = replace(data, raters=(replace(data.raters[0], simulated=True), *data.raters[1:]))
    assert (BANNER[language] in report_html(analyse(data), language)) == (how != "neither")


def test_foreign_text_never_becomes_markup() -> None:
    bad = '<script>alert(1)</script>"&'
    found = analysis("eventful")
    arm, *rest = found.arms
    raters = tuple(replace(r, specialty=bad, accepted={bad: (1, 2), rest[0].name: (0, 1)}) for r in found.raters)
    hostile = replace(found, title=bad, hypothesis=bad, raters=raters, arms=(replace(arm, name=bad), *rest))
    html = report_html(hostile, "en")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_have_alternatives_in_words(language: Language) -> None:
    made = figures(analysis("paired"), language)
    assert list(made) == ["forest", "differences", "items", "agreement", "raters", "time", "preference"]
    for parts in made.values():
        for drawn in parts:
            assert len(drawn.alt) > 20 and drawn.title in drawn.svg and "role=\"img\"" in drawn.svg  # fmt: skip
            assert "<image" not in drawn.svg and "<metadata" not in drawn.svg
    colors = {"#0072b2", "#d55e00", "#009e73"}
    assert colors <= set(re.findall(r"#[0-9a-f]{6}", made["forest"][0].svg.lower()))


def test_a_long_figure_is_parted() -> None:
    found = analysis("three arms")
    many = tuple(replace(found.raters[0], pseudonym=f"R-{n:03}") for n in range(70))
    made = figures(replace(found, raters=many), "en")
    assert [len(re.findall(r">R-\d{3}<", drawn.svg)) for drawn in made["raters"]] == [32, 32, 6]


def test_numbers_in_cells_can_be_read() -> None:
    assert luminance((1, 1, 1)) == pytest.approx(1)
    for share in range(101):
        color = [one + share / 100 * (other - one) for one, other in zip((0.94, 0.96, 0.98), (0, 0.27, 0.45), strict=True)]  # fmt: skip
        bright = luminance(color)
        contrast = (bright + 0.05) / 0.05 if bright > DARK else 1.05 / (bright + 0.05)
        assert contrast >= 4.5


def test_every_citation_has_its_work() -> None:
    cite = Citations()
    assert (cite("wilson"), cite("owen", "wilson")) == ("[1]", "[2, 1]")
    assert cite.cited == [REFERENCES["wilson"], REFERENCES["owen"]]
    text = Page(report_html(analysis("paired"), "en")).text
    for name in ("Wilson EB", "Cameron AC", "Owen AB", "Gwet KL", "Krippendorff K", "McNemar Q", "Bradley RA", "Bang H", "James KE", "Gallifant J", "Vasey B"):  # fmt: skip
        assert name in text


def test_wording() -> None:
    assert (percent(0.9123), percent(None), points(-0.0412), points(0.1), points(-0.00001)) == ("91.2%", "—", "−4.1", "+10.0", "0.0")  # fmt: skip
    assert (moment("2026-03-02T08:05:00+00:00"), moment("")) == ("2026-03-02 08:05 UTC", "—")
    assert (shortened("急性心肌梗死", 7), shortened("abc", 3)) == ("急性心…", "abc")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_a4_has_title_number_and_warning(language: Language) -> None:
    html = report_html(replace(analysis("one item"), sample=True, title="Blind evaluation"), language)
    assert report_pdf(html).startswith(b"%PDF-")
    pages = HTML(string=html).render().pages
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert (round(page.width * 25.4 / 96), round(page.height * 25.4 / 96)) == (210, 297)
        margins = [box for box in page._page_box.children if type(box).__name__ == "MarginBox"]
        said = "".join(getattr(box, "text", "") for margin in margins for box in margin.descendants())
        assert "Blind evaluation" in said and BANNER[language] in said and f"{number} / {len(pages)}" in said


def test_without_pango_only_the_pdf_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    html = report_html(analysis("one item"), "en")
    with pytest.raises(CannotPrint, match="Pango") as raised:
        report_pdf(html)
    assert raised.value.exit_code == 1 and "PDF" in raised.value.text("zh")
