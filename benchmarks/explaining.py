"""Arms of explanations: 64 perturbed texts of one case, five candidates, weighed in three ways."""

import time
from typing import Any

from benchmarks.arms import THREADS

SAMPLES = 64
CASE = (
    "Patient: 58 years old, male\nChief complaint: Chest pressure for two hours\n"
    "History of present illness: Sweating, pain in the left arm, nausea, one vomit. Short of breath on stairs, "
    "no fever, no cough, no leg swelling. The pain does not change with breathing. Aspirin brought no relief.\n"
    "Past history: hypertension for ten years, type 2 diabetes, no surgery\n"
    "Vital signs: heart rate 104/min, respiratory rate 22/min, SpO2 95 %, blood pressure 98/62 mmHg\n"
    "Examination: pale, cold skin, lungs clear, regular rhythm. Case {}."
)
"""Synthetic; the number keeps one measurement from another's cache."""
NAMES = (
    "Acute myocardial infarction",
    "Unstable angina",
    "Pulmonary embolism",
    "Aortic dissection",
    "Acute pericarditis",
)


def asked(number: int) -> tuple[list[Any], list[str]]:
    """The prompts for the perturbed texts of a case."""
    from medassist.fitting import halves
    from medassist.prompt import answer_opening, diagnosis_prompt
    from medassist.units import units, without

    text = CASE.format(number)
    found = units(text)
    kept, _ = halves(len(found), SAMPLES, number)
    texts = [without(text, found, [bool(each) for each in row]) for row in kept]
    return [diagnosis_prompt(each, "en").continued(answer_opening("en", "")) for each in texts], texts


class Engine:
    """As the app weighs: one tree of tokens, in the packed weights."""

    def __init__(self) -> None:
        from medassist.config import load_settings
        from medassist.engines.local import LocalEngine

        self.engine = LocalEngine(load_settings(adapter="none", threads=THREADS))
        self.engine.load()

    def weigh(self, number: int) -> dict[str, Any]:
        """CPU seconds, and the log-probabilities, [samples, names, tokens]."""
        prompts, _ = asked(number)
        began, wall = time.process_time(), time.perf_counter()
        told = self.engine.score(prompts, NAMES)
        return {"cpu": time.process_time() - began, "wall": time.perf_counter() - wall, "told": told}


class Stock:
    """As lime's own classifier call is usually written: transformers in fp32, a forward for each sample and candidate."""

    def __init__(self) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from medassist.config import load_settings
        from medassist.engines import embedded

        torch.set_num_threads(THREADS)
        folder = str(embedded.ensure_converted(load_settings().cache_dir))
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def _tokens(self, number: int) -> tuple[list[list[int]], list[list[int]]]:
        from medassist.engines.chat import as_read

        def ids(text: str) -> list[int]:
            return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

        prompts, _ = asked(number)
        return [ids(as_read(self.tokenizer, prompt)) for prompt in prompts], [ids(name) for name in NAMES]

    def weigh(self, number: int) -> dict[str, Any]:
        """The same, one forward each."""
        import torch

        prompts, names = self._tokens(number)
        began, wall = time.process_time(), time.perf_counter()
        told = []
        with torch.inference_mode():
            for prompt in prompts:
                rows = []
                for name in names:
                    ids = torch.tensor([[*prompt, *name]])
                    logits = self.model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
                    picked = torch.log_softmax(logits, dim=-1).gather(1, torch.tensor(name)[:, None])
                    rows.append(picked[:, 0].tolist())
                told.append(rows)
        return {"cpu": time.process_time() - began, "wall": time.perf_counter() - wall, "told": told}

    def weigh_as_tree(self, number: int) -> dict[str, Any]:
        """The same model and numbers by our tree."""
        from medassist.engines.scoring import ModelForward, tree, walk

        prompts, names = self._tokens(number)
        began, wall = time.process_time(), time.perf_counter()
        made = tree(prompts, names)
        told = walk(ModelForward(self.model), made, len(prompts), names)
        return {
            "cpu": time.process_time() - began,
            "wall": time.perf_counter() - wall,
            "told": told,
            "tokens": len(made),
            "naive_tokens": sum(len(prompt) + len(name) for prompt in prompts for name in names),
        }


class Streams:
    """The gap between the pieces of four streams, with and without two explanations beside them."""

    def __init__(self) -> None:
        from medassist.config import load_settings
        from medassist.engines.local import LocalEngine

        self.engine = LocalEngine(load_settings(adapter="none"))  # as many threads as the app takes
        self.engine.load()

    def gaps(self, number: int, explaining: bool) -> dict[str, Any]:
        """Seconds between two pieces of a stream, all of four streams."""
        import threading

        from medassist.prompt import OPENING, diagnosis_prompt

        gaps: list[float] = []
        ended = threading.Event()

        def write(place: int) -> None:
            prompt = diagnosis_prompt(CASE.format(1000 * number + place), "en").continued(OPENING)
            last = 0.0
            for piece in self.engine.stream(prompt, max_new_tokens=96):
                now = time.perf_counter()
                if piece:
                    if last:
                        gaps.append(now - last)
                    last = now

        def explain(place: int) -> None:
            prompts, _ = asked(100 * number + place)
            self.engine.score(prompts, NAMES, stopped=ended.is_set)

        streams = [threading.Thread(target=write, args=(place,)) for place in range(4)]
        beside = [threading.Thread(target=explain, args=(place,)) for place in range(2)] if explaining else []
        for each in (*beside, *streams):
            each.start()
        for each in streams:
            each.join()
        ended.set()
        for each in beside:
            each.join()
        return {"gaps": gaps}
