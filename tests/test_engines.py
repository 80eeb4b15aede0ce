"""One contract for every engine, then what the local one promises beyond it."""

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from medassist.case import PatientCase
from medassist.config import load_settings
from medassist.engines import Engine, adapters, embedded, lean, loading, packed
from medassist.engines.local import LocalEngine, _overlap, in_own_thread
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import EngineError, UnknownAdapter, UnknownModel
from medassist.parse import parse_answer
from medassist.prompt import (
    OPENING,
    Choices,
    Prompt,
    answer_opening,
    choice_grammar,
    diagnosis_grammar,
    diagnosis_prompt,
)
from medassist.services import read_instructions

ASK = Prompt("en", "You are a clerk.", (("user", "Count upwards from one, in digits, one per line."),))
COUNTED = "".join(f"{n}\n" for n in range(1, 200))
LONG = 'start: "Days: " day (" then " day){30}\nday: "Monday" | "Tuesday" | "Wednesday"\n'


class Contract:
    """An engine, and what to ask it for a text known beforehand. `held` occupies every slot but none more."""

    def __init__(self, engine: Engine, slots: int) -> None:
        self.engine, self.slots = engine, slots

    def saying(self, text: str) -> Prompt:
        """A prompt that is answered with `text`: by script, or by a grammar that leaves no choice."""
        if isinstance(self.engine, ScriptedEngine):
            self.engine.script = text
        return replace(ASK, grammar=choice_grammar([text]))


@pytest.fixture(params=["scripted", "local"])
def contract(request: pytest.FixtureRequest) -> Contract:
    if request.param == "scripted":
        return Contract(ScriptedEngine(slots=2, delay=0.01, piece=3), slots=2)
    engine: LocalEngine = request.getfixturevalue("local_engine")
    return Contract(engine, slots=engine.settings.max_sessions)


def test_an_engine_says_what_it_is(contract: Contract) -> None:
    engine = contract.engine
    engine.load()
    assert engine.ready and engine.name and engine.model and engine.adapter is None
    assert engine.context_tokens > 0 and engine.profile.answer_tokens > 0
    assert 0 < engine.count_tokens(ASK) < engine.count_tokens(replace(ASK, assistant="One two three four five six."))


def test_pieces_join_to_the_text(contract: Contract) -> None:
    stream = contract.engine.stream(contract.saying("Swollen calf, 发热 39 °C — naïve."), max_new_tokens=100)
    pieces = list(stream)
    assert "".join(pieces) == "Swollen calf, 发热 39 °C — naïve."
    assert len([piece for piece in pieces if piece]) > 3
    state = stream.state
    assert (state.finish_reason, state.phase, state.position) == ("stop", "writing", 0)
    assert state.prompt_tokens > 0 and state.new_tokens >= len([piece for piece in pieces if piece])
    assert next(stream, "over") == "over"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (("</think>",), "First the calf"),
        (("calf",), "First the "),
        (("Then", "</think>"), "First the calf"),
        (("zzz", "the"), "First "),
        (("First",), ""),
        (("the calf</think>Then the chest.",), "First "),
    ],
)
def test_a_stop_string_ends_the_text_and_is_no_part_of_it(
    contract: Contract, stop: tuple[str, ...], expected: str
) -> None:
    stream = contract.engine.stream(
        contract.saying("First the calf</think>Then the chest."), max_new_tokens=60, stop=stop
    )
    assert "".join(stream) == expected
    assert stream.state.finish_reason == "stop"


def test_the_beginning_of_a_stop_string_that_never_comes_is_text(contract: Contract) -> None:
    stream = contract.engine.stream(contract.saying("a </thin b </think"), max_new_tokens=60, stop=("</think>",))
    assert "".join(stream) == "a </thin b </think"


def test_the_length_limit_is_said(contract: Contract) -> None:
    stream = contract.engine.stream(contract.saying(COUNTED), max_new_tokens=5)
    text = "".join(stream)
    assert stream.state.finish_reason == "length"
    assert text and COUNTED.startswith(text) and stream.state.new_tokens <= 7


def test_closing_ends_it_at_once_and_lets_the_next_one_in(contract: Contract) -> None:
    asked = contract.saying(COUNTED)
    held = [contract.engine.stream(asked, max_new_tokens=300) for _ in range(contract.slots)]
    for stream in held:
        assert next(piece for piece in stream if piece)
    waiting = contract.engine.stream(asked, max_new_tokens=300)
    assert next(waiting) == ""
    assert (waiting.state.phase, waiting.state.position, waiting.state.new_tokens) == ("queued", 1, 0)
    held[0].close()
    assert list(held[0]) == [] and held[0].state.finish_reason == "cancelled"
    began = time.monotonic()
    assert next(piece for piece in waiting if piece)
    assert time.monotonic() - began < 10
    assert waiting.state.position == 0
    for stream in (*held, waiting):
        stream.close()
        stream.close()
    again = contract.engine.stream(contract.saying("All free."), max_new_tokens=20)
    assert "".join(again) == "All free."


def test_a_stream_that_was_never_read_gives_its_place_back(contract: Contract) -> None:
    unread = [contract.engine.stream(contract.saying("x y z"), max_new_tokens=20) for _ in range(contract.slots + 1)]
    for stream in reversed(unread):
        stream.close()
        assert list(stream) == [] and stream.state.finish_reason == "cancelled"
    assert "".join(contract.engine.stream(contract.saying("x y z"), max_new_tokens=20)) == "x y z"


def test_a_queue_gives_a_sign_of_life_twice_a_second(contract: Contract) -> None:
    asked = contract.saying(COUNTED)
    held = [contract.engine.stream(asked, max_new_tokens=300) for _ in range(contract.slots)]
    waiting = [contract.engine.stream(asked, max_new_tokens=300) for _ in range(2)]
    try:
        for stream, place in zip(waiting, (1, 2), strict=True):
            began = time.monotonic()
            assert next(stream) == "" and stream.state.position == place
            assert time.monotonic() - began < 1
    finally:
        for stream in (*waiting, *held):
            stream.close()


def test_score_weighs_every_continuation(contract: Contract) -> None:
    scores = contract.engine.score([ASK], ["1", "1\n2\n3\n4\n5\n6", "nine"])[0]
    assert [len(one) > 0 for one in scores] == [True] * 3
    assert len(scores[1]) > len(scores[0])
    assert all(value <= 0 for one in scores for value in one)


# --- Scripted only.


def test_a_script_can_fail() -> None:
    stream = ScriptedEngine("0123456789", fail_after=6, piece=3).stream(ASK, max_new_tokens=99)
    assert [next(stream), next(stream)] == ["012", "345"]
    with pytest.raises(EngineError):
        next(stream)
    assert stream.state.finish_reason == "cancelled"


# --- Local only.


@pytest.mark.parametrize(
    ("text", "stops", "length"),
    [("abc", ("cd",), 1), ("abc", ("abcd", "cd"), 3), ("abc", ("abc",), 0), ("abc", (), 0), ("", ("a",), 0), ("aa", ("aab",), 2)],
)  # fmt: skip
def test_overlap(text: str, stops: tuple[str, ...], length: int) -> None:
    assert _overlap(text, stops) == length


def test_score_prefers_what_is_likely(local_engine: LocalEngine) -> None:
    asked = Prompt(
        "en", "You are a clerk.", (("user", "What is the capital of France?"),), assistant="The capital of France is"
    )
    likely, unlikely = (sum(one) for one in local_engine.score([asked], [" Paris", " Tirana"])[0])
    assert likely > unlikely + 2


def test_score_agrees_with_the_model_computed_directly(local_engine: LocalEngine) -> None:
    [[got]] = local_engine.score([ASK], ["1\n2\n3"])
    assert local_engine._loaded is not None
    before = local_engine.tokens(ASK)
    after = local_engine._loaded.tokenizer("1\n2\n3", add_special_tokens=False)["input_ids"]
    assert len(got) == len(after)
    with torch.inference_mode():
        logits = local_engine._loaded.model(input_ids=torch.tensor([before + after])).logits[0].float()
    wanted = [float(torch.log_softmax(logits[len(before) + i - 1], -1)[token]) for i, token in enumerate(after)]
    assert got == pytest.approx(wanted, abs=0.1)  # the packed output layer rounds logits to bf16, a score does not


def test_the_grammar_holds(local_engine: LocalEngine) -> None:
    text = "".join(local_engine.stream(replace(ASK, grammar=LONG), max_new_tokens=200))
    first, *days = text.removeprefix("Days: ").split(" then ")
    assert text.startswith("Days: ") and len(days) == 30
    assert {first, *days} <= {"Monday", "Tuesday", "Wednesday"}


def test_a_wrong_grammar_is_an_error_and_frees_the_slot(local_engine: LocalEngine) -> None:
    for _ in range(local_engine.settings.max_sessions + 1):
        stream = local_engine.stream(replace(ASK, grammar="start: ((("), max_new_tokens=5)
        try:
            with pytest.raises((ValueError, EngineError)):
                list(stream)
        finally:
            stream.close()
    assert "".join(local_engine.stream(replace(ASK, grammar=choice_grammar(["ok"])), max_new_tokens=5)) == "ok"


def test_greedy_output_is_the_same_twice(local_engine: LocalEngine) -> None:
    first, second = ("".join(local_engine.stream(ASK, max_new_tokens=24)) for _ in range(2))
    assert first == second and first


def test_eight_answers_at_once_are_each_whole(
    local_engine: LocalEngine, case_en: PatientCase, case_zh: PatientCase
) -> None:
    def one(number: int) -> int:
        case = case_zh if number % 2 else case_en
        language, text = case.written_in, f"{case.text()}\nx: note {number}"
        asked = diagnosis_prompt(text, language).continued(
            answer_opening(language, ""), diagnosis_grammar(language, text, Choices.of(language), 1)
        )
        stream = local_engine.stream(asked, max_new_tokens=400)
        written = "".join(stream)
        assert stream.state.finish_reason == "stop"
        return len(parse_answer(asked.assistant.removeprefix(OPENING) + written, language, text).diagnoses)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(8))) == {1}


def test_a_stream_goes_on_while_others_are_weighed(local_engine: LocalEngine) -> None:
    asked = replace(ASK, grammar=LONG)
    alone = "".join(local_engine.stream(asked, max_new_tokens=200))
    stream = local_engine.stream(asked, max_new_tokens=200)
    text = next(piece for piece in stream if piece)
    before = local_engine.score([ASK], ["1\n2"])
    assert stream.state.finish_reason is None
    text += "".join(stream)
    assert text == alone and stream.state.finish_reason == "stop"
    assert local_engine.score([ASK], ["1\n2"]) == before


def test_the_text_of_a_prompt_ends_with_what_is_written(local_engine: LocalEngine) -> None:
    text = local_engine.text(replace(ASK, assistant="One\n"))
    assert ASK.system in text and ASK.messages[0][1] in text and text.endswith("One\n")


# --- What cannot be loaded.


def nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was loaded before its names were checked")

    monkeypatch.setattr(loading, "load", fail)


@pytest.mark.parametrize(
    ("model", "revision", "en", "zh"),
    [
        ("no-such-model", None, "no such folder", "没有此目录"),
        ("/no/such/folder", None, "no such folder", "没有此目录"),
        ("owner/name", None, "MEDASSIST_MODEL_REVISION", "MEDASSIST_MODEL_REVISION"),
        ("owner/name", "main", "40-digit commit", "40 位提交号"),
        ("owner/name", "A" * 40, "40-digit commit", "40 位提交号"),
    ],
)
def test_a_model_that_cannot_be_named_so(
    monkeypatch: pytest.MonkeyPatch, model: str, revision: str | None, en: str, zh: str
) -> None:
    nothing_is_loaded(monkeypatch)
    with pytest.raises(UnknownModel) as caught:
        LocalEngine(load_settings(model=model, model_revision=revision))
    assert model in caught.value.text("en") and en in caught.value.text("en") and zh in caught.value.text("zh")


def test_a_pinned_model_that_the_hub_does_not_give(caplog: pytest.LogCaptureFixture) -> None:
    engine = LocalEngine(load_settings(model="owner/no-such-model", model_revision="0" * 40))
    for _ in range(2):  # a failed load is tried again
        with pytest.raises(UnknownModel) as caught:
            engine.load()
        assert "owner/no-such-model" in caught.value.text("en") and "no connection to the hub" in caught.value.text(
            "en"
        )
        assert "无法连接 hub" in caught.value.text("zh") and "\n" not in str(caught.value)
        assert not engine.ready
    with pytest.raises(UnknownModel):
        list(engine.stream(ASK, max_new_tokens=5))


def test_the_names_of_the_embedded_model() -> None:
    for name in ("embedded", embedded.NAME):
        chosen = loading.plan(load_settings(model=name, model_revision="main"))
        assert (chosen.embedded, chosen.name, chosen.revision) == (True, embedded.NAME, None)


def test_flash_attention_is_refused_where_it_cannot_run() -> None:
    assert loading.attention_kernel("auto", "cpu") == "sdpa"
    with pytest.raises(EngineError, match="MEDASSIST_ATTENTION=auto"):
        loading.attention_kernel("flash_attention_2", "cpu")


# --- Adapters.


@pytest.fixture(scope="module")
def adapter(local_engine: LocalEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real LoRA adapter with a random B, so that it matters."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters") / "random"
    source = embedded.ensure_converted(local_engine.settings.cache_dir)
    torch.manual_seed(0)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16),
        LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM"),
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.5)
    model.save_pretrained(folder)
    _manifest(folder)
    return folder


def _manifest(folder: Path) -> None:
    files = {name: embedded.sha256(folder / name) for name in ("adapter_config.json", "adapter_model.safetensors")}
    (folder / "manifest.json").write_text(json.dumps({"files": files}))


def _copy(adapter: Path, folder: Path, spoil: Callable[[Path], object]) -> Path:
    copied = Path(shutil.copytree(adapter, folder / "copy"))
    spoil(copied)
    return copied


def _pickle_only(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    (folder / "manifest.json").unlink()


def _change_weights(folder: Path) -> None:
    data = bytearray((folder / "adapter_model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "adapter_model.safetensors").write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "en", "zh"),
    [
        (_pickle_only, "it has no adapter_model.safetensors; no other format is loaded", "不加载其他格式"),
        (_change_weights, "adapter_model.safetensors does not match the manifest", "与清单不符"),
        (lambda f: (f / "adapter_config.json").write_text("{}"), "adapter_config.json does not match", "与清单不符"),
        (lambda f: (f / "manifest.json").write_text("[]"), "manifest.json does not match", "与清单不符"),
        (lambda f: (f / "manifest.json").write_text("{"), "manifest.json does not match", "与清单不符"),
        (
            lambda f: (f / "manifest.json").write_text('{"files": {"gone.json": "0"}}'),
            "gone.json does not match",
            "与清单不符",
        ),
        (lambda f: (f / "adapter_config.json").unlink(), "no such folder with an adapter_config.json", "没有包含"),
    ],
)
def test_an_adapter_that_is_not_as_it_should_be(
    local_engine: LocalEngine, adapter: Path, tmp_path: Path, spoil: Callable[[Path], object], en: str, zh: str
) -> None:
    folder = _copy(adapter, tmp_path, spoil)
    with pytest.raises(UnknownAdapter) as caught:
        local_engine.use_adapter(str(folder))
    assert en in caught.value.text("en") and zh in caught.value.text("zh")
    assert local_engine.adapter is None


def test_a_missing_adapter_is_named_with_those_there_are(
    adapter: Path, monkeypatch: pytest.MonkeyPatch, local_engine: LocalEngine
) -> None:
    assert adapters.available(adapter.parent) == ["random"]
    assert adapters.find_adapter("random", adapter.parent) == adapter
    with pytest.raises(UnknownAdapter, match=r"“absent” cannot be used: .* Installed: random\."):
        adapters.find_adapter("absent", adapter.parent)
    for name in ("absent", "owner/name", "owner/name@main"):
        with pytest.raises(UnknownAdapter, match=f"“{name}”"):
            local_engine.use_adapter(name)
    with pytest.raises(UnknownAdapter, match="the hub did not give it"):
        local_engine.use_adapter(f"owner/name@{'0' * 40}")


def test_a_missing_adapter_is_noticed_before_the_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_is_loaded(monkeypatch)
    with pytest.raises(UnknownAdapter, match="absent"):
        LocalEngine(load_settings(model="embedded", adapter="absent")).load()


def test_an_adapter_changes_the_answer_and_the_bare_model_comes_back(local_engine: LocalEngine, adapter: Path) -> None:
    def answer() -> str:
        return "".join(local_engine.stream(ASK, max_new_tokens=16))

    assert local_engine._loaded is not None
    bare, model = answer(), id(local_engine._loaded.model)
    try:
        local_engine.use_adapter(str(adapter))
        assert local_engine.adapter == str(adapter)
        changed = answer()
        assert changed != bare
        local_engine.use_adapter(None)
        assert answer() == bare
        local_engine.use_adapter(str(adapter))
        assert answer() == changed
    finally:
        local_engine.use_adapter(None)
    assert answer() == bare
    assert id(local_engine._loaded.model) == model


def test_a_running_answer_finishes_on_the_adapter_it_began_with(local_engine: LocalEngine, adapter: Path) -> None:
    bare = "".join(local_engine.stream(ASK, max_new_tokens=24))
    running = local_engine.stream(ASK, max_new_tokens=24)
    text = next(piece for piece in running if piece)
    try:
        local_engine.use_adapter(str(adapter))
        other = local_engine.stream(ASK, max_new_tokens=24)
        assert next(other) == "" and other.state.phase == "queued"
        text += "".join(running)
        assert text == bare
        assert "".join(other) != bare
    finally:
        local_engine.use_adapter(None)
    assert "".join(local_engine.stream(ASK, max_new_tokens=24)) == bare


def test_score_uses_the_adapter_in_use(local_engine: LocalEngine, adapter: Path) -> None:
    bare = local_engine.score([ASK], ["1\n2"])
    try:
        local_engine.use_adapter(str(adapter))
        assert local_engine.score([ASK], ["1\n2"]) != bare
    finally:
        local_engine.use_adapter(None)
    assert local_engine.score([ASK], ["1\n2"]) == bare


@pytest.mark.filterwarnings("ignore:Adapter .* was active which is now deleted")
def test_an_adapter_for_another_model_does_not_fit(local_engine: LocalEngine, adapter: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    def widen(folder: Path) -> None:
        weights = load_file(folder / "adapter_model.safetensors")
        save_file(
            {n: torch.cat([w, w], dim=-1).contiguous() for n, w in weights.items()},
            folder / "adapter_model.safetensors",
        )
        _manifest(folder)

    folder = _copy(adapter, tmp_path, widen)
    engine = LocalEngine(local_engine.settings)  # one that never had an adapter: nothing was disabled before
    try:
        bare = "".join(engine.stream(ASK, max_new_tokens=12))
        for good, expected in ((None, bare), (str(adapter), None)):
            engine.use_adapter(good)
            before = "".join(engine.stream(ASK, max_new_tokens=12))
            assert (before == bare) == (expected == bare)
            engine.use_adapter(str(folder))
            with pytest.raises(UnknownAdapter, match=f"does not fit the model {embedded.NAME}"):
                list(engine.stream(ASK, max_new_tokens=12))
            engine.use_adapter(good)
            assert "".join(engine.stream(ASK, max_new_tokens=12)) == before
    finally:
        engine.close()


# --- The embedded model's conversion and packing.


@pytest.fixture
def linked_cache(local_engine: LocalEngine, tmp_path: Path) -> Path:
    """A cache of its own whose converted files can be damaged."""
    source = embedded.ensure_converted(local_engine.settings.cache_dir)
    shutil.copytree(source, tmp_path / "models" / source.name)
    return tmp_path


def test_what_was_converted_is_as_the_manifest_says(local_engine: LocalEngine) -> None:
    folder = embedded.ensure_converted(local_engine.settings.cache_dir)
    assert embedded.verify(folder) == []
    listed = set(json.loads((folder / "manifest.json").read_text())["files"])
    assert listed == {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert {"model.safetensors", "codes.safetensors", "config.json", "tokenizer.json"} <= listed


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "codes.safetensors", "tokenizer.json", "manifest.json"]
)
def test_a_damaged_file_is_noticed_and_made_anew(
    linked_cache: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = embedded.ensure_converted(linked_cache)
    good = Path(shutil.copytree(folder, linked_cache / "good"))
    conversions = []

    def convert(_: Path, work: Path) -> None:  # the real one takes long; that it is called is the point
        conversions.append(work)
        shutil.copytree(good, work, dirs_exist_ok=True)
        (work / "manifest.json").unlink()

    monkeypatch.setattr(embedded, "_convert", convert)
    embedded.ensure_converted(linked_cache)
    assert not conversions
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    assert embedded.ensure_converted(linked_cache) == folder
    assert len(conversions) == 1 and embedded.verify(folder) == []
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # no work folder left behind


@pytest.mark.parametrize("name", ["model.safetensors", "codes.safetensors"])
def test_verify_finds_a_single_changed_bit(linked_cache: Path, name: str) -> None:
    folder = embedded.ensure_converted(linked_cache)
    with (folder / name).open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    assert embedded.verify(folder) == [name]


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package_here")
    with pytest.raises(UnknownModel, match="make setup"):
        embedded.ensure_converted(tmp_path)


def _divergence(model: Any, reference: Any, ids: torch.Tensor) -> float:
    """Mean Kullback-Leibler divergence in nats, one token at a time as when writing."""
    with torch.inference_mode():
        wanted = torch.log_softmax(reference(input_ids=ids).logits[0].float(), -1)
        rows, past = [], None
        for at in range(ids.shape[1]):
            out = model(input_ids=ids[:, at : at + 1], past_key_values=past, use_cache=True)
            past = out.past_key_values
            rows.append(torch.log_softmax(out.logits[0, -1].float(), -1))
        got = torch.stack(rows)
    return float((wanted.exp() * (wanted - got)).sum(-1).mean())


@pytest.fixture(scope="module")
def reference(local_engine: LocalEngine) -> Any:
    """The embedded model as transformers computes it, in fp32."""
    from transformers import AutoModelForCausalLM

    folder = embedded.ensure_converted(local_engine.settings.cache_dir)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def _ids(local_engine: LocalEngine) -> torch.Tensor:
    assert local_engine._loaded is not None
    text = "The calf is swollen and the patient is short of breath ten days after surgery."
    return torch.tensor([local_engine._loaded.tokenizer(text)["input_ids"]])


def test_the_lean_forward_computes_what_the_model_does(local_engine: LocalEngine, reference: Any) -> None:
    from transformers import AutoModelForCausalLM

    folder = embedded.ensure_converted(local_engine.settings.cache_dir)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    fast = lean.Lean(model, packed.read_codes(folder / embedded.CODES))
    ids = _ids(local_engine)
    assert 0 <= _divergence(model, reference, ids) < 0.02
    with torch.inference_mode():  # read in one go, what went before cached, and only the last logits
        whole = model(input_ids=ids).logits[0]
        past = model(input_ids=ids[:, :7], use_cache=True).past_key_values
        rest = model(input_ids=ids[:, 7:], past_key_values=past, logits_to_keep=3).logits[0]
    assert rest.shape[0] == 3
    wanted, got = torch.log_softmax(whole[-3:], -1), torch.log_softmax(rest, -1)
    assert 0 <= float((wanted.exp() * (wanted - got)).sum(-1).mean()) < 0.005
    down = fast.layers[0].down
    down._scales = down._scales.roll(1, dims=0)  # the codes of other groups
    assert _divergence(model, reference, ids) > 0.1


def test_sessions_of_a_batch_do_not_see_each_other(local_engine: LocalEngine) -> None:
    """Six texts of different lengths written together continue as each does alone."""
    prompts = [
        Prompt("en", "You continue the text.", (("user", text),))
        for text in (
            "Fever " * 40,
            "Cough",
            "A swollen calf after surgery.",
            "头痛三天，伴呕吐。",
            "Rash " * 15,
            "Pain.",
        )
    ]

    def write(prompt: Prompt) -> str:
        return "".join(local_engine.stream(prompt, max_new_tokens=24))

    alone = [write(prompt) for prompt in prompts]
    with ThreadPoolExecutor(len(prompts)) as pool:
        together = list(pool.map(write, prompts))
    # Kernels for one row and for more round differently: a near tie may fall the other way, once in a while.
    same = [one[:12] == other[:12] for one, other in zip(alone, together, strict=True)]
    assert sum(same) >= len(prompts) - 1, list(zip(alone, together, strict=True))
    assert len(set(together)) == len(prompts)


def test_instructions_read_at_the_start_are_not_read_again(
    local_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first case reads little more than itself, once the service has started."""
    assert local_engine._loaded is not None and local_engine._loaded.fast is not None
    fast, read = local_engine._loaded.fast, list[int]()
    usual = fast.hidden

    def counted(ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        read.append(len(ids))
        return usual(ids, *rest)

    monkeypatch.setattr(fast, "hidden", counted)
    read_instructions(local_engine)
    for language, case in (("en", "Chief complaint: Cough for two days."), ("zh", "主诉：咳嗽2天。")):
        read.clear()
        prompt = diagnosis_prompt(case, language)
        list(local_engine.stream(prompt, max_new_tokens=1))
        assert read[0] < 60 < local_engine.count_tokens(prompt) / 3


def test_a_lean_model_packs_the_adapter_in_use(local_engine: LocalEngine, adapter: Path, reference: Any) -> None:
    """Merged weights in eight bits say what peft's own layers say."""
    from peft import PeftModel

    assert local_engine._loaded is not None
    ids = _ids(local_engine)
    try:
        local_engine.use_adapter(str(adapter))
        local_engine.score([Prompt("en", "", (("user", "x"),))], [" y"])  # puts the adapter to work
        with torch.inference_mode():
            got = torch.log_softmax(in_own_thread(lambda: local_engine._loaded.model(input_ids=ids).logits[0]), -1)
    finally:
        local_engine.use_adapter(None)
    adapted = PeftModel.from_pretrained(reference, str(adapter))
    with torch.inference_mode():
        wanted = torch.log_softmax(adapted(input_ids=ids).logits[0].float(), -1)
        with adapted.disable_adapter():
            bare = torch.log_softmax(adapted(input_ids=ids).logits[0].float(), -1)
    off = float((wanted.exp() * (wanted - got)).sum(-1).mean())
    assert 0 <= off < 0.005 < 0.03 < float((wanted.exp() * (wanted - bare)).sum(-1).mean())


@pytest.mark.parametrize(("columns", "four_bit"), [(64, True), (48, False)])
def test_codes_of_a_weight_in_sixteen_steps_are_found_exactly(columns: int, four_bit: bool) -> None:
    torch.manual_seed(1)
    codes = torch.randint(0, 16, (32, columns))
    codes[:, 0::16], codes[:, 1::16] = 0, 15  # every group reaches both ends
    weight = codes * 0.25 - 1.5
    found, scales = packed.find_codes(weight)
    assert (found.dtype == torch.uint8) == four_bit
    if four_bit:
        assert torch.equal(found.long(), codes)
        assert torch.equal(scales[..., 0].float(), torch.full((columns // 32, 32), 0.25))


@pytest.mark.parametrize("columns", [64, 48])  # 4-bit codes, 8-bit codes
@pytest.mark.parametrize("rows", [1, 4, 5, 40])
def test_a_packed_weight_with_few_and_many_rows(rows: int, columns: int) -> None:
    torch.manual_seed(2)
    weights = [(torch.randint(0, 16, (32, columns)) - 8) * 0.0625 for _ in range(2)]
    made = packed.Matrix.stacked(weights, [packed.find_codes(weight) for weight in weights])
    given = torch.randn(rows, columns).bfloat16()
    wanted, got = given.float() @ torch.cat(weights).T, made(given)
    assert got.shape == wanted.shape
    assert (got.float() - wanted).abs().max() < 0.05 * wanted.abs().max()


def test_weights_of_both_kinds_stack_in_eight_bits() -> None:
    torch.manual_seed(3)
    sixteen = torch.randint(0, 16, (32, 64))
    sixteen[:, 0::32], sixteen[:, 1::32] = 0, 15  # every group reaches both ends
    weights = [(sixteen - 8) * 0.0625, torch.randn(32, 64)]
    codes = [packed.find_codes(weight) for weight in weights]
    assert [kind.dtype for kind, _ in codes] == [torch.uint8, torch.int8]
    given = torch.randn(1, 64).bfloat16()
    wanted = given.float() @ torch.cat(weights).T
    assert (packed.Matrix.stacked(weights, codes)(given).float() - wanted).abs().max() < 0.05 * wanted.abs().max()
