"""Imports go only to the own layer or a lower one, and a few packages have one importer (DESIGN: layers)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "medassist"

LAYERS: dict[str, int] = {
    "errors": 0, "config": 0, "case": 0, "differential": 0, "events": 0, "vocabulary": 0, "unit_words": 0,
    "prompt": 1, "parse": 1, "intake": 1, "compliance": 1, "findings": 1, "units": 1, "unit_cuts": 1, "deidentify": 1,
    "statistics": 1,
    "engines": 2, "store": 2, "knowledge": 2, "audit": 2,
    "ground": 3, "points": 3, "weighing": 3, "surrogate": 3, "explanation": 3, "fitting": 3, "explain": 3, "review": 3, "turn": 3, "answering": 3, "adding": 3, "consult": 3, "evaluate": 3, "study": 3, "accounts": 3,
    "services": 4,
    "web": 5, "ui": 5, "cli_errors": 5, "cli_read": 5, "cli_explain": 5, "cli_knowledge": 5, "cli_evaluate": 5, "cli_study": 5, "cli_study_end": 5, "cli_user": 5, "cli": 5, "__main__": 6,
}  # fmt: skip

ONLY_IMPORTERS = {
    "torch": ("engines",),
    "transformers": ("engines",),
    "peft": ("engines",),
    "gradio": ("ui", "web"),
    "sqlalchemy": ("store", "audit"),
    "argon2": ("accounts",),
    "alembic": ("store",),
}
"""Outside package → the parts that may import it. web mounts the pages, so it may name gradio."""

L0_MAY_IMPORT = {"pydantic", "pydantic_settings"}


def imports(source: str) -> set[str]:
    """Dotted names a module imports anywhere in it, those inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            if node.module == "medassist":
                found |= {f"medassist.{alias.name}" for alias in node.names}
    return found


def violations(part: str, source: str) -> list[str]:
    """What `source`, a module of `part`, imports and may not."""
    wrong = []
    for name in sorted(imports(source)):
        top, *rest = name.split(".")
        if top == "medassist" and rest and rest[0] in LAYERS and LAYERS[rest[0]] > LAYERS[part]:
            wrong.append(f"{part} (L{LAYERS[part]}) imports {rest[0]} (L{LAYERS[rest[0]]})")
        if top == "training":
            wrong.append(f"{part} imports training")
        if top in ONLY_IMPORTERS and part not in ONLY_IMPORTERS[top]:
            wrong.append(f"{part} imports {top}")
    return wrong


def modules() -> list[tuple[str, Path]]:
    return [
        (path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "__init__.py"
    ]


def test_every_module_has_a_layer():
    assert {part for part, _ in modules()} <= set(LAYERS)


@pytest.mark.parametrize(("part", "path"), modules(), ids=lambda value: getattr(value, "stem", value))
def test_imports_go_down_only(part, path):
    assert violations(part, path.read_text()) == []


@pytest.mark.parametrize("part", [part for part, level in LAYERS.items() if level == 0])
def test_words_import_no_library_but_pydantic(part):
    outside = {name.split(".")[0] for name in imports((PACKAGE / f"{part}.py").read_text())} - {"medassist"}
    import sys

    assert outside - set(sys.stdlib_module_names) <= L0_MAY_IMPORT


@pytest.mark.parametrize(
    ("part", "planted"),
    [
        ("case", "from medassist.store import Store"),
        ("parse", "import medassist.engines.local"),
        ("engines", "from medassist import consult"),
        ("consult", "def f():\n    from medassist.ui import page"),
        ("consult", "import torch.nn"),
        ("ui", "import sqlalchemy"),
        ("cli", "import gradio as gr"),
        ("evaluate", "from training.cases import TrainingCase"),
    ],
)
def test_a_planted_violation_is_found(part, planted):
    assert violations(part, planted)
