"""ICD-10-CM, through simple-icd-10-cm: which codes there are and what they are called."""

import importlib.metadata
import warnings
from functools import cache
from typing import Any


@cache
def _package() -> Any:
    with warnings.catch_warnings():
        # It reads its own data by functions that Python is about to drop.
        warnings.filterwarnings("ignore", r"\w+_text is deprecated", DeprecationWarning)
        import simple_icd_10_cm

    return simple_icd_10_cm


def version() -> str:
    return importlib.metadata.version("simple-icd-10-cm")


@cache
def codes() -> frozenset[str]:
    """Every category and subcategory, with dots."""
    known = _package()
    return frozenset(code for code in known.get_all_codes(with_dots=True) if known.is_category_or_subcategory(code))


def exists(code: str) -> bool:
    """Whether ICD-10-CM knows the code, as a category or in full."""
    return code in codes()


def title(code: str) -> str:
    return str(_package().get_description(code))


def inclusion_terms(code: str) -> list[str]:
    """Other names that the classification lists under a code."""
    return [str(term) for term in _package().get_inclusion_term(code)]
