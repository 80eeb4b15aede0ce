"""Instruments and protocols: data that is checked, said in both languages, and fixed by a hash."""

import json
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from medassist.errors import InvalidStudy
from medassist.study.faults import Bilingual
from medassist.study.instrument import (
    CANNOT_JUDGE,
    DATA,
    Instrument,
    asked,
    check,
    load_instrument,
    read_instrument,
    shipped,
)
from medassist.study.order import Rules
from medassist.study.protocol import Protocol, Version, amend, changes, freeze, read_protocol, require_unbroken

ARMS = {
    "system_1": Bilingual(en="A model trained for this", zh="为此训练的模型"),
    "system_2": Bilingual(en="A physician", zh="医生"),
}


def filled(**changes: object) -> dict[str, object]:
    """A complete rating page of the acceptance instrument."""
    rated = dict.fromkeys(
        ("appropriateness", "comprehensiveness", "reasoning", "grounding", "next_steps", "clarity"), "4"
    )
    values: dict[str, object] = {
        "accept": "yes", "top1": "exact", "gold_listed": "yes", "gold_rank": 1, "cant_miss": "no", **rated,
        "harm_extent": "none", "bias": "no", "confidence": "3",
    }  # fmt: skip
    return {key: value for key, value in (values | changes).items() if value is not None}


def problems(page: str | None = "rating", **changes: object) -> list[tuple[str, str]]:
    return [(p.item, p.code) for p in check(load_instrument("acceptance"), filled(**changes), "en", page)]


# --- What is shipped.


def test_both_instruments_are_shipped_and_cite_what_they_follow() -> None:
    assert shipped() == ("acceptance", "quest")
    quest = load_instrument("quest")
    assert "Tam TYC" in quest.source and "npj Digital Medicine 2024" in quest.source
    assert [page.id for page in quest.pages][:5] == ["quality", "understanding", "expression", "safety", "trust"]


def test_acceptance_asks_what_the_specification_lists() -> None:
    items = {item.id: item for item in load_instrument("acceptance").items}
    codes = {name: [option.code for option in item.options] for name, item in items.items()}
    assert codes["accept"] == ["yes", "minor_edits", "no"]
    assert codes["top1"] == ["exact", "close", "related", "wrong"]
    assert codes["cant_miss"] == ["yes", "no", "na"]
    assert codes["harm_extent"] == ["none", "mild_moderate", "severe"]
    assert codes["harm_likelihood"] == ["low", "medium", "high"]
    for name in ("appropriateness", "comprehensiveness", "reasoning", "grounding", "next_steps", "clarity"):
        assert items[name].kind == "likert" and codes[name] == ["1", "2", "3", "4", "5"]
    assert items["gold_rank"].kind == "rank" and items["bias_kinds"].kind == "multi"
    pages = {page.id: page for page in load_instrument("acceptance").pages}
    assert items["explanation_usefulness"].page == "explanation" and pages["explanation"].after == "rating"


@pytest.mark.parametrize("name", ["acceptance", "quest"])
def test_every_instrument_has_words_keys_and_the_closing_question(name: str) -> None:
    instrument = load_instrument(name)
    for item in instrument.items:
        assert any("\u4e00" <= char <= "\u9fff" for char in item.label.zh) and item.label.en.isascii()
        if item.kind in ("choice", "likert") and not item.options_from:
            assert [option.key for option in item.options] == [str(n + 1) for n in range(len(item.options))]
    guess = next(item for item in instrument.items if item.id == "guess")
    closing = next(page for page in instrument.pages if page.id == guess.page)
    assert closing.asked == "end" and guess.options_from == "arms" and guess.cannot_judge


def test_nothing_has_a_default() -> None:
    for path in DATA.glob("*.yaml"):
        assert "default:" not in path.read_text(encoding="utf-8")
    with pytest.raises(InvalidStudy, match=r"items\.accept\.default is not known here"):
        read(lambda data: data["items"][0].update(default="yes"))


def test_the_hash_is_of_what_is_asked_and_not_of_the_file() -> None:
    text = (DATA / "acceptance.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    one = load_instrument("acceptance").sha256
    assert read_instrument(yaml.safe_dump(data, sort_keys=True), "copy").sha256 == one
    data["items"][0]["label"]["en"] += "!"
    assert read_instrument(yaml.safe_dump(data), "copy").sha256 != one


# --- Checking what a rater entered.


def test_a_complete_rating_has_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"accept": None}, [("accept", "missing")]),
        ({"accept": ""}, [("accept", "missing")]),
        ({"accept": "maybe"}, [("accept", "invalid")]),
        ({"accept": ["yes"]}, [("accept", "invalid")]),
        ({"accept": True}, [("accept", "invalid")]),
        ({"accept": CANNOT_JUDGE}, []),
        ({"confidence": CANNOT_JUDGE}, [("confidence", "invalid")]),  # how sure one is, one can tell
        ({"clarity": 4}, [("clarity", "invalid")]),
        ({"clarity": "6"}, [("clarity", "invalid")]),
        ({"accept": "no"}, [("comment", "missing")]),
        ({"accept": "no", "comment": "   \n"}, [("comment", "missing")]),
        ({"accept": "no", "comment": "Misses dissection."}, []),
        ({"accept": "minor_edits"}, []),
        ({"harm_extent": "severe", "harm_likelihood": "low"}, [("comment", "missing")]),
        ({"harm_extent": "mild_moderate"}, [("harm_likelihood", "missing")]),
        ({"harm_likelihood": "low"}, [("harm_likelihood", "not_asked")]),
        ({"gold_listed": "no"}, [("gold_rank", "not_asked")]),
        ({"gold_listed": "no", "gold_rank": None}, []),
        ({"gold_rank": None}, [("gold_rank", "missing")]),
        ({"gold_rank": 0}, [("gold_rank", "invalid")]),
        ({"gold_rank": 21}, [("gold_rank", "invalid")]),
        ({"gold_rank": "1"}, [("gold_rank", "invalid")]),
        ({"gold_rank": True}, [("gold_rank", "invalid")]),
        ({"cant_miss": "yes"}, [("cant_miss_which", "missing")]),
        ({"bias": "yes", "bias_kinds": []}, [("bias_kinds", "missing")]),
        ({"bias": "yes", "bias_kinds": ["age", "sex"]}, []),
        ({"bias": "yes", "bias_kinds": ["age", "age"]}, [("bias_kinds", "invalid")]),
        ({"bias": "yes", "bias_kinds": "age"}, [("bias_kinds", "invalid")]),
        ({"comment": "x" * 50_000}, []),
        ({"comment": "x" * 50_001}, [("comment", "too_long")]),
        ({"comment": "=HYPERLINK(\"http://x\")"}, []),
        ({"other": "yes"}, [("other", "unknown")]),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(changes: dict[str, object], found: list[tuple[str, str]]) -> None:
    assert problems(**changes) == found


def test_pages_are_checked_by_themselves_and_together() -> None:
    acceptance = load_instrument("acceptance").with_arms(ARMS)
    assert [p.item for p in check(acceptance, filled(), "en")] == ["explanation_usefulness", "guess", "guess_certainty"]
    done = filled(explanation_usefulness="3", guess="system_2", guess_certainty="guess")
    assert check(acceptance, done, "en") == []
    assert [p.code for p in check(acceptance, done | {"guess": "plain"}, "en", "closing")] == ["invalid"]


def test_the_closing_question_needs_the_arms() -> None:
    with pytest.raises(InvalidStudy, match="guess: the study's arms have not been filled in"):
        check(load_instrument("acceptance"), {"guess": "system_1"}, "en", "closing")


def test_problems_are_said_in_the_raters_language() -> None:
    for language, said in (("en", "“Comment” has not been answered."), ("zh", "“意见”尚未作答。")):
        (problem,) = check(load_instrument("acceptance"), filled(accept="no"), language, "rating")  # type: ignore[arg-type]
        assert problem.text == said


def test_labels_with_braces_are_shown_as_they_are() -> None:
    instrument = read(lambda data: data["items"][0]["label"].update(en="{max} or {label}?"))
    assert "“{max} or {label}?” has" in check(instrument, {}, "en")[0].text


@given(st.dictionaries(st.sampled_from([i.id for i in load_instrument("acceptance").items if i.page == "rating"] + ["x"]), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.one_of(st.text(max_size=3), st.integers())), st.sampled_from(["yes", "no", "severe", CANNOT_JUDGE, "1"]))))  # fmt: skip
def test_anything_can_be_checked(values: dict[str, object]) -> None:
    instrument = load_instrument("acceptance")
    found = {p.item for p in check(instrument, values, "zh", "rating")}
    for item in instrument.of_page("rating"):
        if item.required and asked(item, values) and values.get(item.id) is None:
            assert item.id in found


# --- Instruments that are wrong.


def read(change: Any) -> Instrument:
    data = yaml.safe_load((DATA / "acceptance.yaml").read_text(encoding="utf-8"))
    change(data)
    return read_instrument(yaml.safe_dump(data, allow_unicode=True), "panel.yaml")


def item(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in data["items"] if one["id"] == name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: item(d, "accept")["options"][2]["label"].pop("zh"), "items.accept.options.no.label.zh is missing"),
        (lambda d: item(d, "accept")["label"].update(zh=" "), "items.accept.label.zh is empty"),
        (lambda d: d["title"].pop("en"), "title.en is missing"),
        (lambda d: item(d, "accept")["options"][2].update(code="yes"), "items.accept the option code yes stands twice"),
        (lambda d: item(d, "accept")["options"][2].update(code=False), "items.accept.options.3.code must be text; put it in quotes"),
        (lambda d: item(d, "accept")["options"][2].update(code="Not OK"), "small letters, digits and _"),
        (lambda d: item(d, "accept")["options"][2].update(code=CANNOT_JUDGE), "is kept for cannot_judge: true"),
        (lambda d: item(d, "accept")["options"][2].update(key="1"), "the key 1 stands twice"),
        (lambda d: item(d, "accept")["options"][2].update(key="0"), "items.accept.options.no.key"),
        (lambda d: item(d, "accept").pop("required"), "items.accept.required is missing"),
        (lambda d: item(d, "accept").pop("cannot_judge"), "items.accept.cannot_judge is missing"),
        (lambda d: item(d, "accept").update(kind="slider"), "items.accept.kind must be one of"),
        (lambda d: item(d, "accept").update(page="ratings"), "item accept is on an unknown page, ratings"),
        (lambda d: item(d, "accept").update(options=[]), "items.accept needs 2 options or more"),
        (lambda d: item(d, "accept").update(max=3), "a rank needs max"),
        (lambda d: item(d, "gold_rank").pop("max"), "items.gold_rank a rank needs max"),
        (lambda d: item(d, "clarity")["options"].reverse(), "items.clarity the codes of a likert item"),
        (lambda d: item(d, "comment").update(cannot_judge=True), "a text cannot be"),
        (lambda d: item(d, "comment").update(options_from="arms"), "only a choice can take its options"),
        (lambda d: item(d, "comment").update(required_when={"acept": ["no"]}), "hangs on acept, which is no earlier item"),
        (lambda d: item(d, "comment").update(required_when={"accept": ["never"]}), "hangs on accept = never"),
        (lambda d: item(d, "accept").update(asked_when={"comment": ["no"]}), "hangs on comment, which is no earlier item"),
        (lambda d: item(d, "top1").update(id="accept"), "the item id accept stands twice"),
        (lambda d: d["pages"].append(dict(d["pages"][0])), "the page id rating stands twice"),
        (lambda d: d["pages"][0].update(after="closing"), "page rating comes after closing, which is no earlier page"),
        (lambda d: d["pages"].append({"id": "more", "title": {"en": "x", "zh": "x"}, "asked": "each"}), "page more asks nothing"),
        (lambda d: d.pop("version"), "version is missing"),
        (lambda d: d.update(version=1), "version must be text"),
        (lambda d: d.update(extra=1), "extra is not known here"),
        (lambda d: d.update(items=[]), "items needs at least 1"),
        (lambda d: d.update(items="none"), "items must be a list"),
    ],
)  # fmt: skip
def test_a_wrong_instrument_is_refused_by_file_and_field(change: Any, says: str) -> None:
    with pytest.raises(InvalidStudy) as caught:
        read(change)
    assert str(caught.value).startswith("panel.yaml: ") and says in str(caught.value)
    chinese = caught.value.text("zh")
    assert chinese.startswith("panel.yaml：") and any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert "{" not in str(caught.value) + chinese


def test_several_faults_are_named_at_once() -> None:
    def break_it(data: dict[str, Any]) -> None:
        for one in data["items"][:8]:
            one["label"].pop("zh")

    with pytest.raises(InvalidStudy, match=r"items.accept.label.zh is missing; items.top1.label.zh is missing; .*; and 3 more\."):  # fmt: skip
        read(break_it)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a mapping"),
        ("- a", "must be a mapping"),
        ("id: [", "no valid YAML (line 1)"),
        ("id: a\nid: b", "the key 'id' stands twice"),
        ("? {a: 1}\n: 2", "no valid YAML"),
        ("[" * 3000, "no valid YAML"),
        ("!!python/object/apply:os.system ['true']", "no valid YAML"),
        ("id: \x00", "no valid YAML"),
    ],
)
def test_what_is_no_yaml_is_said(text: str, says: str) -> None:
    with pytest.raises(InvalidStudy) as caught:
        read_instrument(text, "panel.yaml")
    assert str(caught.value).startswith("panel.yaml: ") and says in str(caught.value)


def test_an_unknown_instrument_is_named() -> None:
    with pytest.raises(InvalidStudy, match=r"instrument likes: there is none\. Shipped: acceptance, quest"):
        load_instrument("likes")
    with pytest.raises(InvalidStudy):
        load_instrument("../acceptance")


# --- The protocol.


def written(**changes: object) -> dict[str, Any]:
    acceptance = load_instrument("acceptance")
    return {
        "title": "Acceptance of two models' differentials",
        "hypothesis": "Physicians accept the tuned model's differential more often than the plain one's.",
        "primary_estimate": {"measure": "acceptance_difference", "arm": "tuned-8b", "reference": "plain-8b"},
        "minor_edits_count": True,
        "mode": "absolute",
        "arms": [
            {"name": "tuned-8b", "guess": {"en": "A model trained for this", "zh": "为此训练的模型"}},
            {"name": "plain-8b", "guess": {"en": "A general model", "zh": "通用模型"}},
        ],
        "raters_per_case": 3,
        "seed": 20261125,
        "instrument": {"id": "acceptance", "version": acceptance.version, "sha256": acceptance.sha256},
        **changes,
    }


def test_the_hash_of_a_protocol_is_of_its_meaning() -> None:
    one = read_protocol(written())
    mixed = json.loads(json.dumps(dict(reversed(written().items()))))
    assert read_protocol(mixed).sha256 == one.sha256 == read_protocol(written(repeat_share=0.1)).sha256
    assert read_protocol(written(title="Acceptance of two models' differentials ")).sha256 == one.sha256
    for change in ({"minor_edits_count": False}, {"seed": 1}, {"hypothesis": "None."}, {"repeat_share": 0.2}):
        assert read_protocol(written(**change)).sha256 != one.sha256
    composed, decomposed = "Étude", "E\u0301tude"
    assert read_protocol(written(title=composed)).sha256 == read_protocol(written(title=decomposed)).sha256


def test_a_protocol_is_frozen_and_gives_the_rules_of_the_allocation() -> None:
    protocol = read_protocol(written())
    assert protocol.rules == Rules()
    with pytest.raises(ValueError, match="frozen"):
        protocol.seed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "says", "says_zh"),
    [
        ({"title": None}, "title must be text", "title 必须是文本"),
        ({"title": " "}, "title is empty", "title 为空"),
        ({"minor_edits_count": "yes"}, "minor_edits_count must be true or false", "必须是 true 或 false"),
        ({"seed": -1}, "seed must be at least 0", "不得小于 0"),
        ({"seed": 1.5}, "seed must be a whole number", "必须是整数"),
        ({"raters_per_case": 0}, "raters_per_case must be at least 1", "不得小于 1"),
        ({"repeat_share": 0.9}, "repeat_share must be at most 0.5", "不得大于 0.5"),
        ({"mode": "triple"}, "mode must be one of 'absolute' or 'paired'", "之一"),
        ({"colour": "blue"}, "colour is not known here", "未知的键"),
        ({"arms": []}, "arms needs at least 1", "至少需要 1 项"),
        ({"primary_estimate": {"measure": "acceptance", "arm": "tuned-9b"}}, "unknown arm, tuned-9b", "未知的臂 tuned-9b"),
        ({"primary_estimate": {"measure": "acceptance_difference", "arm": "tuned-8b"}}, "needs another arm as reference", "参照"),
        ({"primary_estimate": {"measure": "acceptance", "arm": "tuned-8b", "reference": "plain-8b"}}, "an acceptance none", "不需要"),
        ({"primary_estimate": {"measure": "preference", "arm": "tuned-8b", "reference": "plain-8b"}}, "paired mode", "成对模式"),
        ({"mode": "paired"}, "paired mode", "成对模式"),
        ({"instrument": {"id": "acceptance", "version": "9", "sha256": "0" * 64}}, "acceptance is version 1 here", "acceptance 的版本为 1"),
    ],
)  # fmt: skip
def test_a_wrong_protocol_is_refused_in_both_languages(changes: dict[str, Any], says: str, says_zh: str) -> None:
    with pytest.raises(InvalidStudy) as caught:
        read_protocol(written(**changes), "protocol.json")
    assert str(caught.value).startswith("protocol.json") and says in str(caught.value)
    assert says_zh in caught.value.text("zh")


def test_a_missing_field_and_a_doubled_arm_are_named() -> None:
    data = written()
    del data["hypothesis"], data["arms"][1]["guess"]["zh"]
    with pytest.raises(InvalidStudy, match=r"hypothesis is missing; arms\.plain-8b\.guess\.zh is missing\."):
        read_protocol(data)
    data = written()
    data["arms"][1]["name"] = "tuned-8b"
    with pytest.raises(InvalidStudy, match="the arm tuned-8b stands twice"):
        read_protocol(data)


def test_an_instrument_of_ones_own_is_the_callers_to_check() -> None:
    own = {"id": "ward_panel", "version": "3", "sha256": "0" * 64}
    assert read_protocol(written(instrument=own)).instrument.id == "ward_panel"


def protocol(**changes: object) -> Protocol:
    return read_protocol(written(**changes))


def test_amendments_are_versions_with_reason_and_date() -> None:
    history = freeze(protocol(), date(2026, 12, 1))
    history = amend(history, protocol(raters_per_case=4), "One rater fell ill. ", date(2026, 12, 9))
    assert [(v.number, v.reason, v.on.day) for v in history] == [(1, "", 1), (2, "One rater fell ill.", 9)]
    assert history[1].previous == history[0].sha256 != history[1].sha256
    assert changes(history[0].protocol, history[1].protocol) == ["raters_per_case"]
    require_unbroken(history)


@pytest.mark.parametrize(
    ("changed", "reason", "on", "says"),
    [
        ({"raters_per_case": 4}, " ", date(2026, 12, 9), "needs a reason"),
        ({}, "Because.", date(2026, 12, 9), "changes nothing"),
        ({"raters_per_case": 4}, "Because.", date(2026, 11, 1), "dated before version 1"),
        ({"seed": 4}, "Because.", date(2026, 12, 9), "amendment: seed: cannot be changed"),
    ],
)
def test_amendments_without_reason_change_or_order_are_refused(
    changed: dict[str, object], reason: str, on: date, says: str
) -> None:
    history = freeze(protocol(), date(2026, 12, 1))
    with pytest.raises(InvalidStudy, match=says) as caught:
        amend(history, protocol(**changed), reason, on)
    assert any("\u4e00" <= char <= "\u9fff" for char in caught.value.text("zh"))


def test_a_version_slipped_in_left_out_or_changed_is_found() -> None:
    history = freeze(protocol(), date(2026, 12, 1))
    for n in (4, 5):
        history = amend(history, protocol(raters_per_case=n), "Because.", date(2026, 12, n))
    first, second, third = history
    changed = Version(2, protocol(raters_per_case=9), second.on, second.reason, second.previous)
    for broken, where in (((first, third), 2), ((first, changed, third), 3), ((second, third), 1)):
        with pytest.raises(InvalidStudy, match=f"protocol version {where}"):
            require_unbroken(broken)
