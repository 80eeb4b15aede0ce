"""The local engine: one transformers model, shared by all consultations through continuous batching.

All of torch's work is done either in the batching thread or in a thread that ends with it: two live OpenMP pools
on the same cores make each other twice as slow (measured; see benchmarks/README.md).
"""

import hashlib
import logging
import math
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import llguidance.hf
import torch
from tokenizers.decoders import DecodeStream
from transformers import ContinuousBatchingConfig, GenerationConfig, LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessorList

from medassist.config import Settings
from medassist.engines import Profile, StreamState, loading, scoring
from medassist.engines.adapters import chosen, find_adapter, manifest_of
from medassist.engines.admission import Admission
from medassist.engines.chat import as_read
from medassist.engines.guide import Guide, GuideProcessor
from medassist.errors import EngineError, MedAssistError, UnknownAdapter
from medassist.prompt import Prompt

T = TypeVar("T")

logging.getLogger("ContinuousBatchingLogger").setLevel(logging.ERROR)
"""transformers warns when a batch is closed that was never asked anything: no news for an operator."""

PAGE_TOKENS = 16
"""Tokens to a page of the key-value cache: a prompt's beginning is shared in whole pages."""
CPU_CACHE_TOKENS = 16_384
"""Room for eight sessions of 2,048 tokens, about 750 MB for the embedded model; more wait in the queue."""
CPU_BATCH_TOKENS = 512
"""Longest step on a CPU: how long a stop can take, and how long other streams pause for a new prompt."""
HEARTBEAT = 0.25  # seconds


def spare_one(cores: int) -> int:
    """Threads to compute with: a core is left to the pages and to whatever else runs, or OpenMP waits for it."""
    return max(1, cores - 1)


def in_own_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread that ends with it, and its OpenMP pool with the thread."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()


class LocalEngine:
    """See `engines.Engine`. Loads on the first `load`; answers from then on."""

    name = "local"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.plan = loading.plan(settings)
        self.model = self.plan.name
        self._profile = loading.DEMO if self.plan.embedded else loading.REASONING
        self._forms: dict[str, str] = {}  # by adapter: how it was taught to answer
        self.adapter: str | None = chosen(settings.adapter, embedded=self.plan.embedded)
        self.context_tokens = loading.DEMO_CONTEXT
        self._loading = threading.Lock()
        self._loaded: loading.Loaded | None = None
        self._failure: MedAssistError | None = None
        self._batching: _Batching | None = None
        self._active: str | None = None  # the adapter the running batch computes with
        self._known: set[str] = set()  # adapters loaded into the model
        self._switching = threading.Lock()
        self._scoring = threading.Lock()
        self.forward_tokens = 0
        on_cpu = self.plan.device == "cpu"
        self._admission = Admission(settings.max_sessions, CPU_CACHE_TOKENS if on_cpu else None)

    @staticmethod
    def ends_of(loaded: loading.Loaded) -> set[int]:
        """The tokens that end a text."""
        ends: int | list[int] = loaded.model.generation_config.eos_token_id or []
        return {loaded.tokenizer.eos_token_id, *([ends] if isinstance(ends, int) else ends)}

    @property
    def profile(self) -> Profile:
        """As the model wants to be asked, and as its adapter was taught to answer."""
        return loading.adapted(self._profile, self._form(self.adapter))

    def _form(self, adapter: str | None) -> str:
        if adapter is None:
            return ""
        if adapter not in self._forms:
            try:
                told = manifest_of(find_adapter(adapter, base=self.model))
            except UnknownAdapter:
                return ""  # told by what loads it
            self._forms[adapter] = str(told.get("form", ""))
        return self._forms[adapter]

    @property
    def ready(self) -> bool:
        return self._batching is not None

    def load(self) -> None:
        """Load and wait; a second caller waits for the first. A failed load is tried again by the next caller."""
        with self._loading:
            if self._batching is None:
                self._loaded = in_own_thread(self._read)
                self._profile, self.context_tokens = self._loaded.profile, self._loaded.context_tokens
                self._batching = _Batching(self._loaded, self.plan, self.settings.max_sessions)

    def _read(self) -> loading.Loaded:
        if self.plan.device == "cpu":
            torch.set_num_threads(self.settings.threads or spare_one(os.cpu_count() or 1))
        if self.adapter is not None:
            find_adapter(self.adapter, base=self.model)  # a wrong name is told before the long work
        loaded = loading.load(self.plan, self.settings)
        if self.adapter is not None:
            self._attach(loaded, self.adapter)
        return loaded

    def _attach(self, loaded: loading.Loaded, name: str | None) -> None:
        """Compute with this adapter, reading it once; None for the bare model."""
        model = loaded.model
        if name is None:
            if self._known:
                model.disable_adapters()
        else:
            slot = hashlib.sha256(name.encode()).hexdigest()[:16]  # peft allows no dots and slashes in a name
            if name not in self._known:
                path = find_adapter(name, base=self.model)
                try:
                    model.load_adapter(str(path), adapter_name=slot)
                except (OSError, ValueError, RuntimeError, KeyError) as error:
                    # What peft had put in already would go on computing, with numbers nobody trained.
                    with suppress(ValueError):
                        model.delete_adapter(slot)
                    self._attach(loaded, self._active)
                    raise UnknownAdapter(
                        name=name,
                        reason=f"it does not fit the model {self.model} ({type(error).__name__}).",
                        reason_zh=f"与模型 {self.model} 不匹配（{type(error).__name__}）。",
                    ) from None
                self._known.add(name)
            model.enable_adapters()
            model.set_adapter(slot)
        loaded.repack()
        self._active = name

    def use_adapter(self, name: str | None) -> None:
        """See `Engine.use_adapter`: checked now, put to work when the streams before it are done."""
        if name is not None:
            find_adapter(name, base=self.model)
        self.adapter = name

    def _activate(self, name: str | None) -> None:
        """Switch the batch to this adapter. Only called when no stream of another adapter runs."""
        with self._switching:
            if name == self._active or self._loaded is None or self._batching is None:
                return
            loaded = self._loaded
            # A fresh batch: cached prompt beginnings were computed with the adapter before.
            self._batching.close()
            try:
                in_own_thread(lambda: self._attach(loaded, name))
            finally:
                self._batching = _Batching(self._loaded, self.plan, self.settings.max_sessions)

    def _parts(self) -> "tuple[loading.Loaded, _Batching]":
        self.load()
        if self._loaded is None or self._batching is None:
            raise EngineError(reason="it was closed.", reason_zh="引擎已关闭。")
        return self._loaded, self._batching

    def text(self, prompt: Prompt) -> str:
        """The prompt as the model reads it, in its own chat template, with what is written of the answer."""
        loaded, _ = self._parts()
        return as_read(loaded.tokenizer, prompt)

    def tokens(self, prompt: Prompt) -> list[int]:
        loaded, _ = self._parts()
        ids: list[int] = loaded.tokenizer(self.text(prompt), add_special_tokens=False)["input_ids"]
        return ids

    def count_tokens(self, prompt: Prompt) -> int:
        return len(self.tokens(prompt))

    def stream(self, prompt: Prompt, *, max_new_tokens: int, stop: Sequence[str] = ()) -> "LocalStream":
        """See `Engine.stream`."""
        return LocalStream(self, prompt, self.adapter, max_new_tokens, tuple(stop))

    def score(
        self, prompts: Sequence[Prompt], continuations: Sequence[str], *, stopped: Callable[[], bool] = lambda: False
    ) -> list[list[list[float]]]:
        """See `Engine.score`. Streams go on meanwhile: both only read the weights, which are those that write."""
        loaded, _ = self._parts()
        before = [self.tokens(prompt) for prompt in prompts]
        after = [loaded.tokenizer(text, add_special_tokens=False)["input_ids"] for text in continuations]
        adapter = self.adapter
        ticket = self._admission.enter(adapter)  # a score of one adapter does not run beside streams of another
        try:
            while not ticket.wait(HEARTBEAT):
                if stopped():
                    return [[[math.nan] * len(each) for each in after] for _ in before]
            self._activate(adapter)
            loaded, _ = self._parts()
            with self._scoring:  # one at a time: a second one would only take the first one's cores
                return in_own_thread(lambda: self._walk(loaded, before, after, stopped))
        finally:
            ticket.leave()

    def _walk(
        self, loaded: loading.Loaded, before: list[list[int]], after: list[list[int]], stopped: Callable[[], bool]
    ) -> list[list[list[float]]]:
        forward = scoring.ModelForward(loaded.model) if loaded.fast is None else scoring.LeanForward(loaded.fast)
        made = scoring.tree(before, after)
        self.forward_tokens += len(made)
        return scoring.walk(forward, made, len(before), after, device=self.plan.device, stopped=stopped)

    def close(self) -> None:
        with self._loading:
            batching, self._batching, self._loaded = self._batching, None, None
            if batching is not None:
                batching.close()


class _Batching:
    """The continuous batch over one model: takes requests, hands each its tokens as they come."""

    def __init__(self, loaded: loading.Loaded, plan: loading.Plan, sessions: int) -> None:
        self.tokenizer = loaded.tokenizer
        self.profile = loaded.profile
        self.grammar_tokens = llguidance.hf.from_tokenizer(loaded.tokenizer) if loaded.profile.constrained else None
        on_cpu = plan.device == "cpu"
        config = ContinuousBatchingConfig(
            page_size=PAGE_TOKENS if plan.attention != "flash_attention_2" else 256,
            num_blocks=CPU_CACHE_TOKENS // PAGE_TOKENS if on_cpu else None,
            max_batch_tokens=CPU_BATCH_TOKENS if on_cpu else None,
            max_requests_per_batch=max(sessions, 8),
            auto_switch_to_flash=False,
            # A grammar needs the last token before it can allow the next: no step ahead, no captured graph.
            use_async_batching=False if loaded.profile.constrained or on_cpu else None,
            use_cuda_graph=False if loaded.profile.constrained or on_cpu else None,
        )
        self.manager = loaded.model.init_continuous_batching(self._generation(loaded), config)
        if loaded.profile.constrained:
            self.manager.logit_processor = _guides()
        self._streams: dict[str, queue.SimpleQueue[Any]] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._closed = False
        self.manager.start()
        threading.Thread(target=self._hand_out, name="medassist-tokens", daemon=True).start()

    def _generation(self, loaded: loading.Loaded) -> GenerationConfig:
        profile = loaded.profile
        self.ends = LocalEngine.ends_of(loaded)
        sampling = {"do_sample": False}
        if profile.temperature > 0:
            sampling = {"do_sample": True, "temperature": profile.temperature, "top_p": profile.top_p}  # type: ignore[dict-item]
        return GenerationConfig(
            max_new_tokens=profile.answer_tokens,
            eos_token_id=sorted(self.ends),
            pad_token_id=min(self.ends),
            **sampling,
        )

    def add(self, ids: list[int], max_new_tokens: int, grammar: str | None) -> tuple[str, "queue.SimpleQueue[Any]"]:
        """Put a request into the batch; its outputs arrive in the queue, an exception last if the batch breaks."""
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self._lock:
            self._count += 1
            key = f"answer-{self._count}"
            self._streams[key] = inbox
        guide = {}
        if self.grammar_tokens is not None:
            guide["guide"] = Guide(self.grammar_tokens, grammar, self.profile.repetition_penalty)
        self.manager.add_request(ids, request_id=key, max_new_tokens=max_new_tokens, streaming=True, **guide)
        return key, inbox

    def cancel(self, key: str) -> None:
        with self._lock:
            self._streams.pop(key, None)
        self.manager.cancel_request(key)

    def _hand_out(self) -> None:
        while not self._closed:
            if not self.manager.is_running():
                self._fail()
                return
            output = self.manager.get_result(timeout=HEARTBEAT)
            if output is None:
                continue
            with self._lock:
                inbox = self._streams.get(output.request_id)
                if output.is_finished():
                    self._streams.pop(output.request_id, None)
            if inbox is not None:
                inbox.put(output)

    def _fail(self) -> None:
        with self._lock:
            for inbox in self._streams.values():
                inbox.put(EngineError(reason="it stopped working.", reason_zh="引擎已停止工作。"))
            self._streams.clear()

    def close(self) -> None:
        self._closed = True
        self._fail()
        self.manager.stop(block=True, timeout=10, hard_stop=True)
        self.manager.destroy()


def _guides() -> ContinuousBatchingLogitsProcessorList:
    processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([GuideProcessor()]))
    processors.tensors_required = 1  # one row of arguments for each processor with arguments per request
    return processors


class LocalStream:
    """One answer being written. See `engines.TokenStream`."""

    def __init__(
        self, engine: LocalEngine, prompt: Prompt, adapter: str | None, max_new_tokens: int, stop: tuple[str, ...]
    ) -> None:
        self.state = StreamState()
        self._engine, self._adapter, self._budget, self._stop = engine, adapter, max_new_tokens, stop
        self._ids = engine.tokens(prompt)
        self._grammar = prompt.grammar
        self._batching: _Batching | None = None
        self._key = ""
        self._taken = 0  # tokens already turned into text
        self._held = ""  # text that may yet turn out to begin a stop string
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._done = False
        self._ticket = engine._admission.enter(adapter, len(self._ids) + max_new_tokens + PAGE_TOKENS)

    def __iter__(self) -> "LocalStream":
        return self

    def __next__(self) -> str:
        if self._done:
            raise StopIteration
        if self._batching is None:
            if not self._ticket.wait(HEARTBEAT):
                self.state.position = self._ticket.position
                return ""
            try:
                self._submit()
            except BaseException:
                self.close()
                raise
        try:
            output = self._inbox.get(timeout=HEARTBEAT)
            while not self._inbox.empty():  # several tokens may have come meanwhile: the latest output has all
                output = self._inbox.get()
        except queue.Empty:
            return ""
        if isinstance(output, MedAssistError):
            self.close()
            raise output
        return self._take(output)

    def _submit(self) -> None:
        """From the queue into the batch."""
        self.state.phase, self.state.position, self.state.prompt_tokens = "reading", 0, len(self._ids)
        self._engine._activate(self._adapter)
        _, self._batching = self._engine._parts()
        self._key, self._inbox = self._batching.add(self._ids, self._budget, self._grammar)

    def _take(self, output: Any) -> str:
        """The text of the tokens that are new in `output`, held back where a stop string may begin."""
        if output.error is not None:
            self.close()
            raise EngineError(reason="the computation failed.", reason_zh="计算失败。")
        assert self._batching is not None
        tokens = output.generated_tokens
        tokenizer = self._batching.tokenizer.backend_tokenizer
        new = tokens[self._taken :]
        text = self._held + "".join(piece for token in new if (piece := self._decoder.step(tokenizer, token)))
        self._taken += len(new)
        self.state.phase, self.state.new_tokens = "writing", self._taken
        ended = output.is_finished()
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found or ended:
            over = bool(found) or (bool(tokens) and tokens[-1] in self._batching.ends)
            self.state.finish_reason = "stop" if over else "length"
            self.close()
            return text[: min(found)] if found else text
        keep = _overlap(text, self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def close(self) -> None:
        """Leave the batch within one step of it, and the queue at once."""
        if self._done:
            return
        self._done = True
        self.state.finish_reason = self.state.finish_reason or "cancelled"
        if self._batching is not None:
            self._batching.cancel(self._key)
        self._ticket.leave()


def _overlap(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end of `text` could be the beginning of a stop string."""
    longest = 0
    for stop in stops:
        for length in range(min(len(stop) - 1, len(text)), longest, -1):
            if text.endswith(stop[:length]):
                longest = length
                break
    return longest
