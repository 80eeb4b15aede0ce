"""What is measured, one class an arm. `python -m benchmarks.arms NAME` serves an arm: a JSON line in, a JSON line out.

An arm loads once, then answers any number of `measure` calls; while one arm measures the other is idle, so that
both see the same machine and neither pays for the other's threads.
"""

import ctypes
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = 2
NEVER = 1_000_000
"""A token no vocabulary has: as the end of a text, it never comes."""
CASES = (
    "Patient: 34 years old, female\nChief complaint: Breathlessness since this morning\n"
    "History of present illness: Ten days after knee surgery. Left calf swollen and tender. No fever. Case {}.",
    "Patient: 58 years old, male\nChief complaint: Chest pressure for two hours\n"
    "History of present illness: Sweating, pain in the left arm. Smoker, hypertension for ten years. Case {}.",
    "Patient: 23 years old, male\nChief complaint: Pain in the right lower abdomen\n"
    "History of present illness: Began around the navel last night. Vomited once. No diarrhoea. Case {}.",
)
"""Synthetic; the number keeps one measurement from finding the key-value cache of another."""

CASE_ZH = "患者：男，23岁\n主诉：右下腹痛12小时\n现病史：脐周起病，后移至右下腹。恶心，呕吐一次，无腹泻。编号{}。"

ANSWER = "\n".join(
    f"{rank}) {name}\n   For: the complaint and how it began; the history as given\n   Next: {test}"
    for rank, (name, test) in enumerate(
        [
            ("Pulmonary embolism", "CT pulmonary angiography, D-dimer"),
            ("Acute coronary syndrome", "electrocardiogram, troponin"),
            ("Community-acquired pneumonia", "chest radiograph, C-reactive protein"),
            ("Acute appendicitis", "abdominal ultrasound, white cell count"),
            ("Anxiety disorder", "a careful history once the rest is excluded"),
        ],
        1,
    )
)
"""An answer to ask further about: its words do not matter here, its length does."""


def case(number: int) -> str:
    return CASES[number % len(CASES)].format(number)


class Ours:
    """The local engine as the app uses it, without grammar and end, so that every arm writes as many tokens."""

    def __init__(self) -> None:
        from medassist.config import load_settings
        from medassist.engines.local import LocalEngine

        LocalEngine.ends_of = staticmethod(lambda loaded: {NEVER})  # every arm writes to the last token
        self.engine = LocalEngine(load_settings(adapter="none", threads=THREADS, max_sessions=8))
        self.engine.load()
        self.time(self.prompt(case(10_000)), 4)
        self.time(self.prompt(CASE_ZH, language="zh"), 4)

    def prompt(self, text: str, *, language: Any = "en", salt: str = "") -> Any:
        from dataclasses import replace

        from medassist.prompt import OPENING, diagnosis_prompt

        asked = diagnosis_prompt(text, language).continued(OPENING)
        return replace(asked, system=f"{salt}{asked.system}")

    def time(self, prompt: Any, tokens: int) -> dict[str, float]:
        """Seconds to the first token and to the last, and how many there were."""
        began, first = time.perf_counter(), 0.0
        stream = self.engine.stream(prompt, max_new_tokens=tokens)
        for _ in stream:
            if not first and stream.state.new_tokens:
                first = time.perf_counter() - began
        return {"first": first, "wall": time.perf_counter() - began, "tokens": stream.state.new_tokens}

    def one(self, number: int, tokens: int) -> dict[str, float]:
        return self.time(self.prompt(case(number)), tokens)

    def sessions(self, number: int, tokens: int, count: int) -> dict[str, float]:
        """`count` streams begun together: tokens per second of all."""
        done: list[dict[str, float]] = []
        workers = [threading.Thread(target=lambda n=n: done.append(self.one(number + n, tokens))) for n in range(count)]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        wall = time.perf_counter() - began
        return {"wall": wall, "tokens": sum(d["tokens"] for d in done), "last_first": max(d["first"] for d in done)}

    def busy_first(self, number: int, tokens: int, count: int, rounds: int) -> dict[str, list[float]]:
        """First tokens of sessions that come and go, `count` at a time, each new one while the others write."""
        firsts: list[float] = []

        def session(n: int) -> None:
            time.sleep(n * 0.37)
            for turn in range(rounds):
                firsts.append(self.one(number + 100 * n + turn, tokens + 11 * (n % 3))["first"])

        workers = [threading.Thread(target=session, args=(n,)) for n in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return {"firsts": firsts}

    def prefix(self, number: int, cached: bool, language: Any = "en") -> dict[str, float]:
        """Time to the first token when the instructions were read before, or when nothing of the prompt was."""
        text = case(number) if language == "en" else CASE_ZH.format(number)
        return self.time(self.prompt(text, language=language, salt="" if cached else f"{number} "), 1)

    def follow_up(self, number: int, cached: bool) -> dict[str, float]:
        """Time to the first token of the reply to a question, the conversation read before, or none of it."""
        from dataclasses import replace

        from medassist.prompt import follow_up_prompt

        def ask(question: str) -> Any:
            return follow_up_prompt(case(number), "en", ANSWER, [], question)

        if cached:
            self.time(ask("What else could it be?"), 4)
            return self.time(ask("Which test first?"), 1)
        asked = ask("Which test first?")
        return self.time(replace(asked, system=f"{number} {asked.system}"), 1)


class Bare:
    """`model.generate` of transformers on the same packed model, same prompt, same number of tokens."""

    def __init__(self) -> None:
        import torch

        from medassist.config import load_settings
        from medassist.engines import loading

        torch.set_num_threads(THREADS)
        settings = load_settings(adapter="none", threads=THREADS)
        loaded = loading.load(loading.plan(settings), settings)
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        self.penalty = loaded.profile.repetition_penalty
        self.one(10_000, 4)

    def ids(self, number: int) -> list[int]:
        from medassist.prompt import OPENING, diagnosis_prompt

        asked = diagnosis_prompt(case(number), "en")
        messages = [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.messages[0][1]}]
        text = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False) + OPENING
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def one(self, number: int, tokens: int) -> dict[str, float]:
        import torch

        ids = torch.tensor([self.ids(number)])
        began = time.perf_counter()
        with torch.inference_mode():
            written = self.model.generate(
                ids,
                max_new_tokens=tokens,
                do_sample=False,
                repetition_penalty=self.penalty,
                pad_token_id=2,
                eos_token_id=NEVER,
            )
        return {"wall": time.perf_counter() - began, "tokens": written.shape[1] - ids.shape[1]}


class Llama:
    """llama.cpp on the packaged GGUF, as many threads, greedy, through its own batch interface."""

    def __init__(self) -> None:
        import llama_cpp

        from medassist.engines import embedded

        self.c = llama_cpp
        llama_cpp.llama_backend_init()
        self._quiet = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self._quiet, ctypes.c_void_p(0))
        weights = llama_cpp.llama_model_default_params()
        weights.use_extra_bufts = False  # its AMX kernels crash on Q4_1
        self.model = llama_cpp.llama_model_load_from_file(str(embedded.gguf_path()).encode(), weights)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_seq_max = 8 * 1024, 2048, 8
        params.n_threads = params.n_threads_batch = THREADS
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.batch = llama_cpp.llama_batch_init(2048, 0, 8)
        self.bare: Any = None
        self.prompts: dict[int, list[int]] = {}
        self.sessions(10_000, 4, 1)

    def ids(self, number: int) -> list[int]:
        """The same prompt, tokenised by llama.cpp."""
        from medassist.prompt import OPENING, diagnosis_prompt

        asked = diagnosis_prompt(case(number), "en")
        text = (
            f"<|im_start|>system\n{asked.system}<|im_end|>\n<|im_start|>user\n{asked.messages[0][1]}<|im_end|>\n"
            f"<|im_start|>assistant\n{OPENING}"
        ).encode()
        room = (self.c.llama_token * 2048)()
        count = self.c.llama_tokenize(self.vocabulary, text, len(text), room, 2048, False, True)
        return list(room[:count])

    def _decode(self, rows: list[tuple[int, int, int, bool]]) -> None:
        """Rows of (token, position, sequence, wants logits)."""
        self.batch.n_tokens = len(rows)
        for at, (token, position, sequence, wanted) in enumerate(rows):
            self.batch.token[at], self.batch.pos[at] = token, position
            self.batch.n_seq_id[at], self.batch.seq_id[at][0] = 1, sequence
            self.batch.logits[at] = wanted
        if self.c.llama_decode(self.context, self.batch):
            raise RuntimeError("llama.cpp could not decode")

    def _greedy(self, row: int) -> int:
        import numpy as np

        return int(np.ctypeslib.as_array(self.c.llama_get_logits_ith(self.context, row), (self.size,)).argmax())

    def sessions(self, number: int, tokens: int, count: int) -> dict[str, float]:
        self.c.llama_memory_clear(self.c.llama_get_memory(self.context), True)
        prompts = [self.ids(number + n) for n in range(count)]
        began = time.perf_counter()
        last, lengths = [0] * count, [len(p) for p in prompts]
        for sequence, ids in enumerate(prompts):
            self._decode([(token, at, sequence, at == len(ids) - 1) for at, token in enumerate(ids)])
            last[sequence] = self._greedy(len(ids) - 1)
        read = time.perf_counter() - began
        for step in range(tokens - 1):
            self._decode([(last[s], lengths[s] + step, s, True) for s in range(count)])
            last = [self._greedy(s) for s in range(count)]
        wall = time.perf_counter() - began
        return {"wall": wall, "read": read, "tokens": tokens * count, "rate": (tokens - 1) * count / (wall - read)}


class Loading:
    """Reading the converted model against dequantising the packaged GGUF."""

    def converted(self, _: int) -> dict[str, float]:
        from medassist.config import load_settings
        from medassist.engines import loading

        settings = load_settings(adapter="none", threads=THREADS)
        began = time.perf_counter()
        loading.load(loading.plan(settings), settings)
        return {"wall": time.perf_counter() - began}

    def dequantised(self, _: int) -> dict[str, float]:
        from medassist.engines import embedded

        began = time.perf_counter()
        embedded.dequantise(embedded.gguf_path())
        return {"wall": time.perf_counter() - began}


class Page:
    """CPU of the page's handler for one answer: events folded, rendered and sent, coalesced or for every token."""

    def measure_cpu(self, number: int, coalesced: bool) -> dict[str, float]:
        from benchmarks.page import answer_cpu

        return {"cpu": answer_cpu(coalesced)}


def _explaining(name: str) -> Any:
    from benchmarks import explaining

    return getattr(explaining, name)()


ARMS: dict[str, Callable[[], Any]] = {
    "ours": Ours,
    "bare": Bare,
    "llama": Llama,
    "loading": Loading,
    "page": Page,
    "weighing": lambda: _explaining("Engine"),
    "stock": lambda: _explaining("Stock"),
    "streams": lambda: _explaining("Streams"),
}


def main() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["MEDASSIST_DATA_DIR"] = tempfile.mkdtemp()
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the results
    arm = ARMS[sys.argv[1]]()
    results.write("ready\n")
    results.flush()
    for line in sys.stdin:
        call = json.loads(line)
        results.write(json.dumps(getattr(arm, call.pop("what"))(**call)) + "\n")
        results.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
