"""Run every comparison, arms taking turns, and write benchmarks/README.md. `make bench`; `--rounds N` for fewer."""

import argparse
import datetime
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.arms import THREADS

HERE = Path(__file__).resolve().parent
TOKENS = 96


class Arm:
    """A worker process that measures when it is asked to."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.arms", name],
            cwd=HERE.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the arm {name} did not start; run `python -m benchmarks.arms {name}` to see why")

    def __call__(self, what: str, **arguments: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


class Row:
    """One line of the table: the ratio of two arms, pair by pair."""

    def __init__(self, title: str, goal: str, unit: str) -> None:
        self.title, self.goal, self.unit = title, goal, unit
        self.pairs: list[tuple[float, float]] = []

    def add(self, ours: float, theirs: float) -> None:
        self.pairs.append((ours, theirs))

    def line(self) -> str:
        ratios = sorted(a / b for a, b in self.pairs)
        ours = statistics.median(a for a, _ in self.pairs)
        theirs = statistics.median(b for _, b in self.pairs)
        return (
            f"| {self.title} | {ours:.3g} {self.unit} | {theirs:.3g} {self.unit} | **{statistics.median(ratios):.2f}**"
            f" ({ratios[0]:.2f}–{ratios[-1]:.2f}) | {self.goal} | {len(self.pairs)} |"
        )


def p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


def single(rounds: int) -> list[Row]:
    """One session: streamed against bare, and both against llama.cpp."""
    streamed = Row("streamed answer over bare `model.generate`, wall a token", "≤ 1.05", "s")
    whole = Row("tokens/s over llama.cpp, one session, prompt read each time", "≥ 0.5", "tok/s")
    decode = Row("tokens/s over llama.cpp, one session, writing alone", "≥ 0.5", "tok/s")
    ours, bare, llama = Arm("ours"), Arm("bare"), Arm("llama")
    for n in range(rounds):
        a = ours("one", number=n, tokens=TOKENS)
        b = bare("one", number=n, tokens=TOKENS)
        c = llama("sessions", number=n, tokens=TOKENS, count=1)
        streamed.add(a["wall"] / a["tokens"], b["wall"] / b["tokens"])
        whole.add(a["tokens"] / a["wall"], c["tokens"] / c["wall"])
        decode.add((a["tokens"] - 1) / (a["wall"] - a["first"]), c["rate"])
    for arm in (ours, bare, llama):
        arm.close()
    return [streamed, whole, decode]


def eight(rounds: int) -> list[Row]:
    """Eight sessions: against one after the other, against llama.cpp's batch, and how long the first token takes."""
    gain = Row("8 sessions at once over one after the other, tokens/s", "≥ 3", "tok/s")
    whole = Row("tokens/s over llama.cpp, 8 sessions, prompts read each time", "≥ 0.8", "tok/s")
    first = Row("first token, p95 while 8 sessions come and go, over idle", "≤ 3", "s")
    burst = Row("first token, last of 8 begun in the same instant, over idle", "–", "s")
    ours, llama = Arm("ours"), Arm("llama")
    for n in range(rounds):
        at = 50 * n
        together = ours("sessions", number=at, tokens=TOKENS, count=8)
        alone = [ours("one", number=at + 10 + k, tokens=TOKENS) for k in range(3)]
        other = llama("sessions", number=at, tokens=TOKENS, count=8)
        idle = statistics.median(a["first"] for a in alone)
        gain.add(together["tokens"] / together["wall"], sum(a["tokens"] for a in alone) / sum(a["wall"] for a in alone))
        whole.add(together["tokens"] / together["wall"], other["tokens"] / other["wall"])
        burst.add(together["last_first"], idle)
        busy = ours("busy_first", number=5000 + 1000 * n, tokens=TOKENS // 2, count=8, rounds=3)
        first.add(p95(busy["firsts"]), idle)
    ours.close()
    llama.close()
    return [gain, first, burst, whole]


def prefix(rounds: int) -> list[Row]:
    what = "first token, nothing of the prompt cached over"
    rows = {
        "prefix": (Row(f"{what} the instructions cached, English case", "≥ 4", "s"), {"language": "en"}),
        "prefix zh": (Row(f"{what} the instructions cached, Chinese case", "≥ 4", "s"), {"language": "zh"}),
        "follow_up": (Row(f"{what} the conversation cached, follow-up question", "≥ 4", "s"), {}),
    }
    ours = Arm("ours")
    for name, (row, more) in rows.items():
        for n in range(2 * rounds):
            cold, warm = (
                ours(name.split()[0], number=9000 * cached + n, cached=bool(cached), **more) for cached in (0, 1)
            )
            row.add(cold["first"], warm["first"])
    ours.close()
    return [row for row, _ in rows.values()]


def loads(rounds: int) -> list[Row]:
    row = Row("dequantising the GGUF over a warm load", "≥ 10", "s")
    arm = Arm("loading")
    arm("converted", _=0)
    for n in range(max(3, rounds // 2)):
        warm = arm("converted", _=n)
        row.add(arm("dequantised", _=n)["wall"], warm["wall"])
    arm.close()
    return [row]


def page(rounds: int) -> list[Row]:
    row = Row("CPU of the page for one answer, coalesced over every token", "≤ 0.33", "s")
    arm = Arm("page")
    for n in range(rounds):
        row.add(
            arm("measure_cpu", number=n, coalesced=True)["cpu"], arm("measure_cpu", number=n, coalesced=False)["cpu"]
        )
    arm.close()
    return [row]


def explain(rounds: int) -> list[Row]:
    """Weighing 64 perturbed texts and five candidates: as lime is usually given it, and as one tree of tokens."""
    user = Row("CPU of lime's usual call (fp32, a forward each) over ours as run", "≥ 15", "s")
    same = Row("the same over ours in the same fp32", "≥ 8", "s")
    gap = Row("gap between streamed pieces, p95, two explanations beside four streams over none", "≤ 2", "s")
    ours, stock, streams = Arm("weighing"), Arm("stock"), Arm("streams")
    ours("weigh", number=99)
    furthest, tokens = 0.0, 0.0
    for n in range(max(1, rounds // 3)):
        a, b, c = ours("weigh", number=n), stock("weigh", number=n), stock("weigh_as_tree", number=n)
        user.add(b["cpu"], a["cpu"])
        same.add(b["cpu"], c["cpu"])
        pairs = zip(b["told"], c["told"], strict=True)
        furthest = max(
            furthest,
            *(
                abs(x - y)
                for one, other in pairs
                for p, q in zip(one, other, strict=True)
                for x, y in zip(p, q, strict=True)
            ),
        )
        tokens = c["naive_tokens"] / c["tokens"]
    same.title += f" (log-probabilities within {furthest:.1e}; {tokens:.1f} times fewer tokens)"
    for n in range(max(2, rounds // 2)):
        quiet, busy = (streams("gaps", number=2 * n + explaining, explaining=bool(explaining)) for explaining in (0, 1))
        gap.add(p95(busy["gaps"]), p95(quiet["gaps"]))
    for arm in (ours, stock, streams):
        arm.close()
    return [user, same, gap]


SUITES: dict[str, Callable[[int], list[Row]]] = {
    "single": single,
    "eight": eight,
    "prefix": prefix,
    "loads": loads,
    "page": page,
    "explain": explain,
}


def machine() -> str:
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = f"{len(named)} × {named[0]}" if named else model
    import torch

    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "transformers", "llama-cpp-python")
    )
    return (
        f"{model} ({torch.backends.cpu.get_cpu_capability()}), {THREADS} threads, Python {platform.python_version()}, "
        f"{versions}, {datetime.date.today().isoformat()}"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7, help="pairs for each comparison (seven)")
    options.add_argument(
        "--only", choices=sorted(SUITES), action="append", help="only this suite; the table is printed"
    )
    chosen = options.parse_args()
    rows: list[Row] = []
    for name, suite in SUITES.items():
        if not chosen.only or name in chosen.only:
            print(f"{name} …", flush=True)
            found = suite(chosen.rounds)
            print("\n".join(row.line() for row in found), flush=True)
            rows += found
    if not chosen.only:
        write(rows)


def write(rows: list[Row]) -> None:
    """Put the table between its marks in README.md; the words around it are written by hand."""
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition("<!-- table -->")
    after = rest.partition("<!-- /table -->")[2]
    table = "\n".join(
        [
            f"\nMeasured on {machine()}.\n",
            "| what | this arm | other arm | ratio, median (range) | goal | pairs |",
            "|---|---|---|---|---|---|",
            *(row.line() for row in rows),
            "",
        ]
    )
    readme.write_text(f"{before}<!-- table -->{table}<!-- /table -->{after}")


if __name__ == "__main__":
    main()
