"""Errors: each says what and why in both languages, and carries only what it was given to say."""

import string

import pytest

from medassist import errors
from medassist.errors import InputError, MedAssistError, ParseError

DETAILS: dict[str, object] = {
    "where": "age", "reason": "too high.", "reason_zh": "过高。", "count": 9, "unit": "tokens", "unit_zh": "个词元",
    "limit": 5, "missing": "the history", "missing_zh": "病史", "name": "m", "known": "a, b", "port": 1, "host": "h", "minutes": 3,
}  # fmt: skip

EXIT_2 = {
    "InputError", "InvalidCase", "InvalidStudy", "CaseTooLong", "NotACase",
    "SelfCare", "UnreadableInput", "UnknownModel", "UnknownAdapter",
    "UnknownEngine", "UnknownConsultation", "BadSetting", "PortInUse",
    "NotNow", "UnknownStudy", "UnknownAssignment", "TooLarge", "StaleRevision", "LeaseHeld", "Incomplete",
    "NotSignedIn", "NotAllowed", "LockedOut", "BadPassword", "BadInvitation", "InvalidAccount",
}  # fmt: skip


def subclasses(kind: type[MedAssistError]) -> list[type[MedAssistError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in subclasses(child))]


TREE = [kind for kind in subclasses(MedAssistError) if kind.__module__ == errors.__name__]


def made(kind: type[MedAssistError]) -> MedAssistError:
    if kind is ParseError:
        return ParseError("the model's words")
    wanted = {name for text in (kind.en, kind.zh) for _, name, _, _ in string.Formatter().parse(text) if name}
    return kind(**{name: DETAILS[name] for name in wanted})


@pytest.mark.parametrize("kind", TREE)
def test_both_languages(kind: type[MedAssistError]) -> None:
    error = made(kind)
    english, chinese = error.text("en"), error.text("zh")
    assert str(error) == english == error.text() == error.text("de")
    assert english.isascii() or "“" in english
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert "{" not in english + chinese and "\n" not in english + chinese


@pytest.mark.parametrize("kind", TREE)
def test_exit_codes(kind: type[MedAssistError]) -> None:
    assert made(kind).exit_code == (2 if kind.__name__ in EXIT_2 else 1)
    assert issubclass(kind, InputError) == (kind.__name__ in EXIT_2)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in TREE]
    assert len(set(codes)) == len(codes)


def test_a_parse_error_keeps_the_answer_but_does_not_say_it() -> None:
    error = ParseError("Zacharias Quillfeather")
    assert error.answer_text == "Zacharias Quillfeather"
    assert "Zacharias" not in f"{error} {error!r} {error.text('zh')} {error.args}"


def test_details_that_look_like_templates_are_left_alone() -> None:
    error = errors.InvalidCase(where="{limit}", reason="{0} %s")
    assert error.text("en") == "{limit}: {0} %s"
