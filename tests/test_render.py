"""What is shown: events folded into views, views into markup that foreign text cannot break out of."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from medassist.case import PatientCase
from medassist.differential import Diagnosis, Evidence, Warning
from medassist.engines import Profile
from medassist.errors import EngineError, InvalidCase, Language
from medassist.events import (
    DiagnosisAdded,
    DiagnosisChanged,
    Event,
    FinalDiagnosis,
    Finished,
    Progress,
    Reasoning,
    Reply,
    Section,
    Started,
    Warned,
)
from medassist.knowledge.graph import Hit
from medassist.store import StoredConsultation, StoredTurn
from medassist.ui import form, render
from medassist.ui.render import AnswerView, coalesce, pieces
from medassist.ui.words import LANGUAGES, word

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    '<a href="javascript:alert(1)">x</a>',
    "<iframe src=//evil.example></iframe>",
    "<form action=//evil.example><input name=a></form>",
    "<style>*{background:url(//evil.example)}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example>",
    "<audio src=//evil.example autoplay>",
    "<object data=//evil.example></object>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "</div></body><script>alert(1)</script>",
    "<details open ontoggle=alert(1)>",
    "{{ 7*7 }}${alert(1)}`${alert(1)}`",
    "<!--><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "![x](//evil.example/a.png)",
)
TAGS = frozenset(
    ["div", "span", "h1", "h2", "h3", "p", "ul", "ol", "li", "strong", "code", "section", "article", "mark", "a", "nav"]
)
ATTRIBUTES = frozenset(
    [
        "class",
        "role",
        "aria-label",
        "aria-hidden",
        "data-code",
        "data-stage",
        "data-rule",
        "data-masked",
        "data-cached",
        "id",
        "href",
        "target",
        "rel",
        "aria-current",
        "tabindex",
    ]
)


class _Markup(HTMLParser):
    """The tags, attributes and texts of some markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.values, self.text = set[str](), set[str](), list[str](), ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.tags.add("comment")

    def handle_data(self, data: str) -> None:
        self.text += data


class _Engine:
    profile = Profile(10, 10, demo=True)

    def __init__(self, name: str = "script") -> None:
        self.model = self.adapter = name


def _view(text: str = "calf swollen", **changes: object) -> AnswerView:
    """A view that says `text` wherever a view can say something."""
    evidence = (Evidence(text=text, start=0, end=4), Evidence(text=text))
    ranked = Diagnosis(
        rank=1,
        name=text,
        icd10=text,
        cant_miss=True,
        node=text,
        cited=(text,),
        evidence_for=evidence,
        evidence_against=evidence,
        next_tests=(text,),
    )
    full = AnswerView(
        question=text,
        status="complete",
        reasoning=Reasoning(text, True, 6.24, 214),
        diagnoses=(ranked,),
        added=(ranked.model_copy(update={"rank": 2}),),
        references=({"id": text, "title": text, "publisher": text, "year": 2024, "url": "https://example.org/a"},),
        masked={"name": 2},
        cached=text,
        sections=(("key_examinations", text), ("diagnostic_evidence", text)),
        final=text,
        reply=text,
        warnings=(Warning(code="red_flag", message=text, rule=text, cited=(text,)), Warning(code=text, message=text)),
        error=EngineError(reason=text),
        case_text=text,
        truncated=True,
        model=text,
        adapter=text,
        prompt_version=text,
        knowledge_version=text,
        time=text,
    )
    return replace(full, **changes)  # type: ignore[arg-type]


def _everything(text: str, language: Language) -> Iterator[str]:
    for status in ("idle", "running", "complete", "stopped", "failed", "interrupted"):
        view = _view(text, status=status)
        for show in (render.status, render.warnings, render.reasoning, render.answer, render.case_read):
            yield show(view, language)
        yield render.follow_ups([view, view], language)
    yield render.header(_Engine(text), language)  # type: ignore[arg-type]
    yield render.notice(_Engine(text), language)  # type: ignore[arg-type]
    yield render.alert(InvalidCase(where=text, reason=text), language)
    yield render.remark(text, language)
    yield render.heading("examples", language)
    hit = Hit(text, "code", text, text, text)
    yield render.part("knowledge_results", language, hits=[(hit, ""), (hit, "?disease=x")])
    source = {"name": text, "version": text, "licence": text}
    yield render.part(
        "knowledge_versions",
        language,
        counts={"diseases": 1, "findings": 1, "red_flags": 1, "specialties": 1},
        sources=[source],
        versions={"current": text, "previous": text},
        lines=[text],
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_foreign_text_stays_text_in_every_view(payload: str, language: Language) -> None:
    for markup in _everything(payload, language):
        read = _Markup(markup)
        assert read.tags <= TAGS
        assert read.attributes <= ATTRIBUTES
    view = _view(payload)
    for markup in (render.answer(view, language), render.reasoning(view, language), render.case_read(view, language)):
        assert payload in _Markup(markup).text


def test_a_payload_in_an_attribute_stays_in_it() -> None:
    view = _view(warnings=(Warning(code='x" onclick="y', message="m"),))
    assert 'x" onclick="y' in _Markup(render.warnings(view, "en")).values


def test_every_view_differs_between_the_languages_but_for_foreign_text() -> None:
    view = _view()
    for show in (render.status, render.answer):
        assert show(view, "en") != show(view, "zh")
    assert "最终诊断" in render.answer(view, "zh") and "Final diagnosis" in render.answer(view, "en")


def test_evidence_without_a_span_says_so() -> None:
    markup = render.answer(_view(added=()), "en")
    assert markup.count("ma-absent") == 2 and markup.count("· not in this case") == 2
    assert '<li class="ma-chip ma-for">+ calf swollen</li>' in markup
    assert '<li class="ma-chip ma-against">− calf swollen</li>' in markup
    assert "· 病例中未提及" in render.answer(_view(), "zh")


def test_no_percentage_is_shown() -> None:
    assert not any("%" in markup for language in LANGUAGES for markup in _everything("calf", language))


@pytest.mark.parametrize(
    ("progress", "english", "chinese"),
    [
        (Progress("queued"), "Sent. Waiting for the model…", "已提交，等待模型……"),
        (Progress("queued", position=3), "In the queue: place 3", "排队中：第 3 位"),
        (
            Progress("loading", seconds=4.2),
            "Loading the model, once after a start · 4 s",
            "正在加载模型（启动后仅一次）· 4 秒",
        ),
        (Progress("reading", prompt_tokens=812), "Reading the case · 812 tokens", "正在阅读病例 · 812 词元"),
        (
            Progress("writing", new_tokens=40, tokens_per_second=21.26, seconds=2.4),
            "Writing · 40 tokens · 21.3 tokens/s · 2 s",
            "正在作答 · 40 词元 · 21.3 词元/秒 · 2 秒",
        ),
    ],
)
def test_the_status_line_tells_where_the_answer_stands(progress: Progress, english: str, chinese: str) -> None:
    view = AnswerView(status="running").after(progress)
    assert render.status_line(view, "en") == english
    assert render.status_line(view, "zh") == chinese


def test_a_screen_reader_hears_a_change_of_phase_not_every_token() -> None:
    view = AnswerView(status="running").after(Progress("writing", new_tokens=1))
    later = view.after(Progress("writing", new_tokens=2, seconds=1.0))
    assert render.status(view, "en") != render.status(later, "en")
    assert render.spoken_status(view, "en") == render.spoken_status(later, "en") == "The answer is being written."
    assert render.spoken_status(replace(later, status="complete"), "en") == "The answer is complete."


@pytest.mark.parametrize("status", ["stopped", "failed", "interrupted"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_that_did_not_complete_says_so(status: str, language: Language) -> None:
    view = _view(status=status)
    assert word(status, language) in render.answer(view, language)
    assert word(f"status_{status}", language) in render.status(view, language)


def test_the_provenance_names_model_adapter_prompt_time_and_a_cut() -> None:
    view = _view(model="M", adapter="A", prompt_version="P", knowledge_version="K", time="T", cached="")
    text = " ".join(_Markup(render.answer(view, "en")).text.split())
    assert "M + A · prompt P · knowledge K · T · cut off at its length limit" in text
    assert "cut off" not in render.answer(replace(view, truncated=False), "en")


def test_the_reasoning_is_headed_by_its_length() -> None:
    running = _view(status="running", reasoning=Reasoning("…", False, 1.04, 20))
    assert render.reasoning_label(running, "en") == "Reasoning · 1.0 s · 20 tokens"
    assert render.reasoning_label(_view(), "en") == "Reasoned for 6.2 s · 214 tokens"
    assert render.reasoning_label(_view(), "zh") == "推理用时 6.2 秒 · 214 词元"
    assert render.reasoning_label(_view(reasoning=Reasoning("kept")), "en") == "Reasoning"


def test_severe_warnings_come_first() -> None:
    view = _view(
        warnings=(
            Warning(code="uncited", message="mild", severity="caution"),
            Warning(code="red_flag", message="severe", severity="emergency"),
        )
    )
    markup = render.warnings(view, "en")
    assert markup.index("severe</li>") < markup.index("mild</li>") and "Emergency." in markup
    assert render.warnings(_view(warnings=()), "en").strip() == ""


def test_a_demonstration_model_is_named_beside_its_answer() -> None:
    view = _view(warnings=(Warning(code="demo_model", message="…"),))
    assert "Demonstration model" in render.status(view, "en") and "演示模型" in render.status(view, "zh")
    assert "Demonstration model" in render.header(_Engine(), "en")  # type: ignore[arg-type]
    assert "must not be used for a patient" in render.notice(_Engine(), "en")  # type: ignore[arg-type]


# --- Views.


def _events() -> list[Event]:
    first = Diagnosis(rank=1, name="Pulmonary embolism")
    more = first.model_copy(update={"next_tests": ("D-dimer",)})
    answer: dict[str, object] = {
        "model": "M",
        "adapter": None,
        "prompt_version": "P",
        "knowledge_version": None,
        "differential": [more.model_dump(), Diagnosis(rank=2, name="Pneumonia", icd10="J18.9").model_dump()],
        "final_diagnosis": "Pulmonary embolism",
        "warnings": [{"code": "cant_miss", "message": "…"}],
        "truncated": True,
        "case_text": "the case",
        "timing": {"first_token_s": 0.1, "total_s": 3.5, "prompt_tokens": 9, "new_tokens": 61},
    }
    return [
        Started("c", "t"),
        Progress("writing", new_tokens=1, seconds=0.5),
        Reasoning("The calf", False, 0.4, 2),
        Reasoning("The calf is swollen", True, 0.7, 4),
        Reasoning("The calf is swollen", True),
        DiagnosisAdded(Diagnosis(rank=2, name="Pneumonia")),
        DiagnosisAdded(first),
        DiagnosisChanged(more),
        Section("key_examinations", "CT"),
        Section("key_examinations", "CT\nECG"),
        FinalDiagnosis("Pulmonary embolism"),
        Warned(Warning(code="cant_miss", message="…")),
        Warned(Warning(code="cant_miss", message="…")),
        Finished("c", "t", "complete", answer),
    ]


def test_events_fold_into_what_is_shown() -> None:
    view = AnswerView()
    for event in _events():
        view = view.after(event)
    assert [(d.rank, d.name, d.icd10, d.next_tests) for d in view.diagnoses] == [
        (1, "Pulmonary embolism", None, ("D-dimer",)),
        (2, "Pneumonia", "J18.9", ()),
    ]
    assert view.reasoning == Reasoning("The calf is swollen", True, 0.7, 4)
    assert dict(view.sections) == {"key_examinations": "CT\nECG"}
    assert (view.status, view.final, view.truncated) == ("complete", "Pulmonary embolism", True)
    assert view.case_text == "the case"
    assert (view.seconds, view.new_tokens, len(view.warnings)) == (3.5, 61, 1)
    assert AnswerView("follow_up").after(Reply("Yes.")).reply == "Yes."


def _turn(**changes: object) -> StoredTurn:
    now = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    turn = StoredTurn(
        id="t", consultation_id="c", position=0, kind="diagnosis", status="interrupted", started_at=now, updated_at=now,
        finished_at=None, engine="scripted", model="M", adapter="A", prompt_version="P", knowledge_version=None,
        decoding={}, question="", prompt="", raw="", result=None,
    )  # fmt: skip
    return replace(turn, **changes)  # type: ignore[arg-type]


def _kept(*turns: StoredTurn) -> StoredConsultation:
    case = PatientCase(chief_complaint="calf swollen", history="knee surgery")
    return StoredConsultation("c", turns[0].started_at, "en", case, case.text(), turns)


def test_a_turn_that_was_never_read_is_read_from_its_text() -> None:
    answer = "[Diagnostic process]\n1. Initial differential\n1) Embolism\n   For: calf swollen; cough\n"
    turn = _turn(raw=f"<think>\nThe calf.\n</think>\n\n{answer}")
    view = AnswerView.of_turn(_kept(turn), turn)
    assert view.status == "interrupted" and view.time == "2026-11-23 08:30 UTC"
    assert view.reasoning and view.reasoning.text == "The calf."
    [diagnosis] = view.diagnoses
    assert [evidence.start is None for evidence in diagnosis.evidence_for] == [False, True]


def test_a_turn_still_streaming_elsewhere_is_shown_as_incomplete() -> None:
    turn = _turn(status="streaming", raw="<think>\nThe")
    assert AnswerView.of_turn(_kept(turn), turn).status == "interrupted"


def test_a_kept_reply_is_shown_without_its_reasoning() -> None:
    turn = _turn(kind="follow_up", status="complete", question="Why?", raw="<think>\nHm.\n</think>\n\nBecause.")
    view = AnswerView.of_turn(_kept(turn), turn)
    assert (view.question, view.reply, view.status) == ("Why?", "Because.", "complete")
    assert AnswerView.of_turn(_kept(turn), replace(turn, result={"reply": "As kept."})).reply == "As kept."


def test_the_case_text_is_cut_at_its_evidence_and_loses_nothing() -> None:
    text = "Left calf swollen. No fever."
    ranked = Diagnosis(
        rank=1,
        name="x",
        evidence_for=(Evidence(text="", start=0, end=17), Evidence(text="")),
        evidence_against=(Evidence(text="", start=10, end=27), Evidence(text="", start=20, end=99)),
    )
    cut = pieces(text, [ranked])
    assert "".join(piece.text for piece in cut) == text
    assert [(piece.text, piece.mark) for piece in cut] == [
        ("Left calf swollen", "for"),
        (". No fever", "against"),
        (".", ""),
    ]
    assert pieces("", [ranked]) == [] and pieces("a", []) == [render.Piece("a", "")]


def _clock(*times: float) -> Iterator[float]:
    yield from times


def test_updates_come_at_most_so_often_the_first_at_once_and_none_is_lost() -> None:
    events: list[Event] = [Reply(str(number)) for number in range(6)]
    clock = _clock(0.0, 0.01, 0.05, 0.09, 0.10, 0.11)
    groups = list(coalesce(events, 0.08, clock.__next__))
    assert [len(group) for group in groups] == [1, 3, 2]
    assert [event for group in groups for event in group] == events
    assert list(coalesce([], 0.08, clock.__next__)) == []


def test_what_came_before_a_failure_is_still_shown() -> None:
    def failing() -> Iterator[Event]:
        yield Reply("a")
        yield Reply("b")
        raise EngineError(reason="x")

    groups = coalesce(failing(), 1.0, _clock(0.0, 0.1).__next__)
    assert next(groups) == [Reply("a")] and next(groups) == [Reply("b")]
    with pytest.raises(EngineError):
        next(groups)


# --- The form.


def test_a_case_survives_the_form() -> None:
    from medassist.ui.examples import EXAMPLES

    for case in EXAMPLES.values():
        again = form.case_of(form.fields_of(case))
        assert again.text() == case.text()
    assert set(form.EMPTY) == set(form.FIELDS)


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ({"chief_complaint": " "}, "Chief complaint: is empty.", "主诉：主诉为空。"),
        ({"history": ""}, "History of present illness: is empty.", "现病史：为空。"),
        ({"heart_rate": 900}, "Heart rate /min: must be at most 400.", "心率 次/分：必须不高于 400。"),
        ({"age": 34.5}, "Age: must be a whole number.", "年龄：必须是整数。"),
        (
            {"systolic_bp": 60, "diastolic_bp": 90},
            "Diastolic mmHg: is above Systolic mmHg.",
            "舒张压 mmHg：舒张压高于收缩压。",
        ),
    ],
)
def test_an_error_names_the_field_by_its_label(changes: dict[str, object], english: str, chinese: str) -> None:
    typed = {**form.EMPTY, "chief_complaint": "cough", "history": "three days"} | changes
    with pytest.raises(InvalidCase) as caught:
        form.case_of(typed)
    assert form.explain(caught.value, "en") == english
    assert form.explain(caught.value, "zh") == chinese
