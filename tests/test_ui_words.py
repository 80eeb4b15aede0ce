"""Every word the reader sees stands in one place, in both languages."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import medassist.ui
from medassist.ui.form import FIELDS
from medassist.ui.words import LANGUAGES, WORDS, preferred, word

UI = Path(medassist.ui.__file__).parent
CHINESE = re.compile(r"[\u3400-\u9fff]")


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("name", WORDS)
def test_each_word_exists_in_both_languages_with_the_same_places(name: str) -> None:
    said = WORDS[name]
    assert set(said) == set(LANGUAGES) and all(said.values())
    assert len({frozenset(_places(text)) for text in said.values()}) == 1


def test_english_holds_no_chinese_and_chinese_is_chinese() -> None:
    same = {"brand", "language_en", "required", "join", "language_zh"}
    for name, said in WORDS.items():
        if name not in same:
            assert not CHINESE.search(said["en"]), name
            assert CHINESE.search(said["zh"]), name


def test_templates_hold_no_words() -> None:
    for template in (UI / "templates").glob("*.html"):
        markup = re.sub(r"{%.*?%}|{{.*?}}", "", template.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"[^\W\d_]", re.sub(r"<[^>]*>", "", markup)), template.name
        assert not re.search(r'(?:title|alt|placeholder|aria-label)="[^"]', markup), template.name


def test_code_holds_no_words() -> None:
    shown = {"label", "placeholder", "info", "title"}
    form_values = {"男", "女"}  # what a case may say, not what the page says
    for source in UI.glob("*.py"):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        if source.name in ("words.py", "examples.py"):
            continue
        for node in ast.walk(tree):
            called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
            if isinstance(node, ast.Call) and called not in ("wear", "_text", None):
                said = {k.arg for k in node.keywords if k.arg in shown and _is_word(k.value)}
                assert not said, f"{source.name}:{node.lineno} {said}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                allowed = node.value in form_values
                assert allowed or not CHINESE.search(node.value), f"{source.name}:{node.lineno}"


def _is_word(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(re.search(r"[^\W\d_]", node.value))


def test_every_word_is_used() -> None:
    sources = "".join(p.read_text(encoding="utf-8") for p in [*UI.glob("*.py"), *UI.glob("templates/*.html")])
    sources = sources.replace((UI / "words.py").read_text(encoding="utf-8"), "")
    families = (
        "status_",
        "kind_",
        "language_",
        "severity_",
        "findings_",
        "frequency_",
        "urgency_",
        "of_sex_",
        "pulls_",
        "explain_by_",
    )
    looked_for = [name for name in WORDS if name not in FIELDS and not name.startswith(families)]
    assert not [name for name in looked_for if not re.search(rf"""["']{name}["']""", sources)]


def test_a_word_is_filled() -> None:
    assert word("status_queued", "zh", position=2) == "排队中：第 2 位"
    with pytest.raises(KeyError):
        word("status_queued", "en")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("fr,en;q=0.5,zh;q=0.9", "zh"),
        ("de-DE", "en"),
        ("", "en"),
        ("zh;q=nonsense,en", "en"),
    ],
)
def test_the_browser_names_the_first_language(header: str, language: str) -> None:
    assert preferred(header) == language
