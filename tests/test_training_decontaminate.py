"""Overlaps between records and test files: every planted one is found, unrelated cases are left alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from medassist.errors import MedAssistError
from training.__main__ import app
from training.config import Decontaminate
from training.decontaminate import Tests, read_tests
from training.decontaminate import test_files as files_of

ENGLISH = (
    "A 58-year-old carpenter noticed that his voice had become hoarse over two months. He smokes a pack a day. "
    "Swallowing solid food hurts on the left side, and the pain shoots into the ear. "
    "A hard lump of three centimetres sits below the angle of the jaw. Laryngoscopy shows an ulcer of the pyriform sinus."
)
"""Written for this test, as are all texts here."""
CLAUSES = (
    "brittle nails, cold hands, constipation for weeks, a puffy face, hair falling out, slow speech, heavy periods, "
    "gaining ten kilos, sleeping all day"
)
CHINESE = (
    "男性，46岁，装修工人，两月来咽部异物感逐渐加重。进食米饭时左侧咽喉刺痛，疼痛放射至同侧耳部。"
    "近两周声音嘶哑，痰中偶带鲜血。左颈可扪及一枚质硬肿块，活动度差。喉镜见梨状窝菜花样新生物。"
)
CHINESE_CLAUSES = (
    "怕冷，乏力，便秘十余日，颜面浮肿，头发稀疏，说话缓慢，月经量增多，体重增加十公斤，整日嗜睡，记忆减退，皮肤干燥"
)
UNRELATED = (
    "A 58-year-old man comes to the clinic because of chest pain for two hours. He smokes a pack a day. The pain goes to "
    "the left arm, he sweats and feels sick. The electrocardiogram shows ST elevation in the inferior leads.",
    "A 24-year-old woman has burned on passing water since yesterday. No fever, no flank pain. Urine dipstick positive.",
    "Hoarse since a cold three days ago, no pain on swallowing, no lump in the neck. Lungs clear. Smokes.",
    "女性，23岁，转移性右下腹痛12小时，恶心，呕吐一次，无腹泻。麦氏点压痛，反跳痛阳性。",
    "男性，46岁，装修工人，咳嗽咳痰3天，伴发热，体温38.5℃。左下肺可闻及湿啰音。心肺听诊未见其他异常，腹平软，无压痛。",
    "近两周头晕，乏力，月经量增多，血红蛋白82 g/L，考虑缺铁性贫血。",
)


def shuffled(text: str, marks: str) -> str:
    """Every second piece first, then the others: no two that were neighbours still are."""
    for mark in marks[1:]:
        text = text.replace(mark, marks[0])
    pieces = [piece.strip() for piece in text.split(marks[0]) if piece.strip()]
    return f"{marks[0]} ".join([*pieces[1::2], *pieces[0::2]]) + marks[0]


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Tests:
    path = tmp_path_factory.mktemp("tests") / "tests.json"
    path.write_text(json.dumps([{"q": text} for text in (ENGLISH, CLAUSES, CHINESE, CHINESE_CLAUSES)]))
    return Tests(read_tests([path]), Decontaminate())


def items(tests: Tests, *parts: str) -> list[int]:
    return [overlap.item for overlap in tests.overlaps(parts)]


PLANTED = {
    "verbatim": (ENGLISH, 1),
    "in capitals, without punctuation": (ENGLISH.upper().replace(",", "").replace(".", ""), 1),
    "sentences reordered": (shuffled(ENGLISH, "."), 1),
    "clauses reordered": (shuffled(ENGLISH, ",."), 1),
    "one sentence of it": ("Note: laryngoscopy shows an ulcer of the pyriform sinus.", 1),
    "a list reordered, no eight words in a row": (shuffled(CLAUSES, ","), 2),
    "every eighth word another": (
        " ".join("perhaps" if n % 7 == 6 else word for n, word in enumerate(ENGLISH.split())),
        1,
    ),
    "every fourth word in another form": (
        " ".join(f"{word}s" if n % 4 == 3 else word for n, word in enumerate(ENGLISH.replace(".", "").split())),
        1,
    ),
    "Chinese, verbatim": (CHINESE, 3),
    "Chinese, other punctuation": (CHINESE.replace("，", ",").replace("。", " "), 3),
    "Chinese, sentences reordered": (shuffled(CHINESE, "。"), 3),
    "Chinese, clauses reordered": (shuffled(CHINESE, "，。"), 3),
    "Chinese, a list reordered": (shuffled(CHINESE_CLAUSES, "，"), 4),
}


@pytest.mark.parametrize(("text", "item"), PLANTED.values(), ids=PLANTED)
def test_a_planted_overlap_is_found(tests: Tests, text: str, item: int) -> None:
    assert items(tests, text) == [item]


@pytest.mark.parametrize(("text", "item"), PLANTED.values(), ids=PLANTED)
def test_it_is_found_inside_other_text_too(tests: Tests, text: str, item: int) -> None:
    assert items(tests, UNRELATED[0], f"{UNRELATED[1]} {text} {UNRELATED[2]}", UNRELATED[3]) == [item]


def test_a_text_spread_over_the_fields_of_a_case_is_found(tests: Tests) -> None:
    pieces = [piece.strip() for piece in CLAUSES.split(",")]
    assert items(tests, *reversed(pieces)) == [2]


@pytest.mark.parametrize("text", UNRELATED)
def test_unrelated_cases_are_left_alone(tests: Tests, text: str) -> None:
    assert items(tests, text) == []


def test_all_of_them_together_are_left_alone(tests: Tests) -> None:
    assert items(tests, *UNRELATED) == []


def stock(rows: Sequence[str]) -> list[dict[str, str]]:
    opening = "A {age}-year-old {person} comes to the physician because of {why}"
    return [
        {"q": opening.format(age=30 + 7 * n, person=("man", "woman")[n % 2], why=why)} for n, why in enumerate(rows)
    ]


def test_a_stock_phrase_is_no_overlap_but_what_follows_is(tmp_path: Path) -> None:
    path = tmp_path / "tests.json"
    path.write_text(json.dumps(stock(("a rash on both shins.", "ringing in one ear.", "double vision at dusk."))))
    tests = Tests(read_tests([path]), Decontaminate())
    assert items(tests, "A 66-year-old woman comes to the physician because of gout in the left big toe.") == []
    assert items(tests, "A 37-year-old woman comes to the physician because of ringing in one ear.") == [2]


def test_a_vignette_that_several_questions_share_is_found(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    path.write_text("\n".join(json.dumps({"q": ENGLISH, "a": str(n)}) for n in range(4)))
    tests = Tests(read_tests([path]), Decontaminate())
    assert items(tests, "Also: " + ENGLISH) == [1, 2, 3, 4]
    assert items(tests, ENGLISH[: len(ENGLISH) * 3 // 5]) == [1, 2, 3, 4]


# --- Files.


def test_test_files_of_any_shape_are_read(tmp_path: Path) -> None:
    nested = {"sets": {"dev": [{"id": 1, "context": [ENGLISH[:80], ENGLISH[80:170]], "options": {"A": CHINESE}}]}}
    path = tmp_path / "tests.json"
    path.write_text(json.dumps(nested), "utf-8")
    found = {each.field: each.text for each in read_tests([path])}
    assert found["sets.dev[0].options.A"] == CHINESE
    assert found["sets.dev[0].context[1]"] == ENGLISH[80:170]
    assert found["sets.dev[0].context"] == f"{ENGLISH[:80]}\n{ENGLISH[80:170]}"
    assert len(found) == 4


def test_a_list_of_names_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    path.write_text(json.dumps({"q": ENGLISH, "accept": ["cancer of the throat", "tumour of the pharynx", "growth"]}))
    assert [each.field for each in read_tests([path])] == ["q"]


def test_short_strings_are_no_test_texts(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    path.write_text(json.dumps({"a": "x" * 40, "b": "y" * 41}))
    assert [each.field for each in read_tests([path])] == ["b"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("tests.jsonl", b'{"q": 1}\n{broken', "tests.jsonl:2: is no valid JSON"),
        ("tests.json", b"\xff\xfe{}", "is not UTF-8"),
        ("tests.json", b'{"q": "short"}', "no text longer than 40"),
    ],
)
def test_a_test_file_that_cannot_be_read_whole_is_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MedAssistError, match=told):
        read_tests([path])


def test_a_folder_gives_its_json_files(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.json", "README.md"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in files_of([tmp_path])] == ["a.json", "b.jsonl"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedAssistError, match=r"no \.json"):
        files_of([tmp_path / "empty"])


# --- The command.


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["decontam", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    against, trained = tmp_path / "tests.jsonl", tmp_path / "train.jsonl"
    against.write_text("\n".join(json.dumps({"q": text}) for text in (ENGLISH, CHINESE)))
    rows = [{"history": UNRELATED[0]}, {"messages": [{"content": shuffled(CHINESE, "。")}]}, {"history": UNRELATED[3]}]
    trained.write_text("\n".join(json.dumps(row) for row in rows))
    return trained, against


def test_the_command_names_the_line_and_the_test_item(files: tuple[Path, Path]) -> None:
    trained, against = files
    ran = run(trained, "--against", against)
    assert ran.exit_code == 1
    assert f"{trained}:2: {against}:2: q: " in ran.stdout and "1 of 3 records overlap" in ran.stdout
    assert "咽部" not in ran.output


def test_the_command_tells_all_as_json(files: tuple[Path, Path]) -> None:
    told = json.loads(run(files[0], "--against", files[1], "--json").stdout)
    assert (told["records"], told["overlapping"]) == (3, 1)
    assert told["found"][0]["line"] == 2 and told["found"][0]["overlaps"][0]["item"] == 2


def test_clean_files_end_well(files: tuple[Path, Path]) -> None:
    trained, against = files
    trained.write_text(json.dumps({"history": UNRELATED[0]}))
    assert run(trained, "--against", against).exit_code == 0


def test_a_row_that_cannot_be_read_is_not_called_clean(files: tuple[Path, Path]) -> None:
    trained, against = files
    trained.write_text('{"history": "fine"}\n{broken')
    ran = run(trained, "--against", against)
    assert ran.exit_code == 2 and f"{trained}:2" in ran.stderr


def test_without_files_or_tests_the_command_says_what_is_missing(files: tuple[Path, Path]) -> None:
    assert run("--against", files[1]).exit_code == 2
    ran = run(files[0])
    assert ran.exit_code == 2 and "--against" in ran.stderr
