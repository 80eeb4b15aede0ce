"""The knowledge page's parts: what each address shows, and that nothing foreign becomes markup."""

from types import SimpleNamespace
from typing import Any

import pytest

from medassist.knowledge.graph import Graph
from medassist.ui.knowledge import _answered


@pytest.fixture
def services(graph: Graph) -> Any:
    return SimpleNamespace(graph=lambda: graph)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"disease": "pulmonary_embolism"}, "I26"),
        ({"finding": "pleuritic_chest_pain"}, "?disease=pulmonary_embolism"),
        ({"q": "Marfan syndrome"}, "?term=OMIM:154700"),
        ({"term": "OMIM:154700"}, "?term=HP:0001166"),
        ({"term": "HP:0001166"}, "?term=OMIM:154700"),
        ({"q": "<script>alert(1)</script>"}, "ma-quiet"),
        ({"term": "icd:I26.99"}, ""),
        ({}, ""),
    ],
)
def test_every_address_has_its_page(services: Any, asked: dict[str, str], shown: str) -> None:
    for language in ("en", "zh"):
        page = _answered(services, asked, language)
        assert shown in page and bool(shown) == bool(page)
        assert "<script" not in page


def test_a_term_names_its_source_with_version_and_licence(services: Any) -> None:
    page = _answered(services, {"term": "OMIM:154700"}, "en")
    assert "Human Phenotype Ontology 20" in page and "licence" in page
