"""Makes synthetic training cases: `synthesize(config, graph)` yields them, the command writes them as JSON lines.

Every case follows from the seed, the split and its own number alone, so that a file is the same to the byte each time.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medassist.cli_errors import one_line
from medassist.config import load_settings
from medassist.errors import LANGUAGES, BadSetting, KnowledgeError, Language, MedAssistError
from medassist.findings import Status
from medassist.knowledge.graph import Graph
from medassist.knowledge.records import Disease
from medassist.services import build_knowledge
from training.cases import TrainingCase
from training.synthetic.draw import Patient, draw, weights
from training.synthetic.reason import Answer, Reasoner
from training.synthetic.styles import Style, styles
from training.synthetic.weigh import Weighed, Weighing, candidates, place
from training.synthetic.wording import Split
from training.synthetic.world import World
from training.synthetic.write import Note, write

TRIES = 60
REWRITES = 4
UNREAD = 0.25
"""The share of stated findings that the graph's reader may miss: what it cannot read a model has to."""

Share = Annotated[float, Field(ge=0, le=1)]


class Unwritable(MedAssistError):
    """The file cannot be written."""

    code = "unwritable"
    en = "{name} cannot be written ({reason})."
    zh = "{name} 无法写入（{reason}）。"


class Synthesis(BaseModel):
    """What to make."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cases: Annotated[int, Field(ge=1)] = 1000
    seed: int = 1
    split: Split = "train"
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = LANGUAGES
    by_prevalence: bool = False
    """Draw common diseases more often than rare ones."""
    specialty_cap: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The largest share that one specialty may have."""
    withheld: Share = 0.2
    """The share of full cases in which the right disease is not among the candidates."""
    look_alikes: Share = 0.5
    """The share in which the disease's look-alikes come first among the others."""
    choose_one: Share = 0.0
    """The share of short cases that ask for one disease out of three or four."""
    candidates: tuple[int, int] = (4, 6)
    """The fewest and the most candidates of a full case."""

    @model_validator(mode="after")
    def _room_for_a_choice(self) -> "Synthesis":
        if not 3 <= self.candidates[0] <= self.candidates[1] <= 8:
            raise ValueError("candidates must be two numbers from 3 to 8, the smaller first")
        return self


def synthesize(config: Synthesis, graph: Graph) -> Iterator[TrainingCase]:
    """The cases, one after the other."""
    maker = _Maker(config, World(graph))
    for index in range(config.cases):
        yield maker.case(index)


class _Maker:
    """Makes cases of one configuration."""

    def __init__(self, config: Synthesis, world: World) -> None:
        self.config, self.world = config, world
        self.diseases = [world.graph.diseases[name] for name in sorted(world.graph.diseases)]
        self.weights = weights(self.diseases, by_prevalence=config.by_prevalence, cap=config.specialty_cap)

    def case(self, index: int) -> TrainingCase:
        """The case of this number; another patient is drawn as often as one comes out unusable."""
        config = self.config
        rng = random.Random(f"{config.seed}|{config.split}|{index}")
        language = config.languages[index % len(config.languages)]
        few = rng.random() < config.choose_one
        withheld = not few and rng.random() < config.withheld
        alike = rng.random() < config.look_alikes
        count = rng.randint(3, 4) if few else rng.randint(*config.candidates)
        for _ in range(TRIES):
            disease = rng.choices(self.diseases, self.weights)[0]
            made = self._try(disease, language, rng, few=few, withheld=withheld, alike=alike, count=count, index=index)
            if made is not None:
                return made
        raise KnowledgeError(reason=f"no case could be made of it in {TRIES} tries.", reason_zh="无法据此生成病例。")

    def _try(
        self,
        disease: Disease,
        language: Language,
        rng: random.Random,
        *,
        few: bool,
        withheld: bool,
        alike: bool,
        count: int,
        index: int,
    ) -> TrainingCase | None:
        signs = not few and rng.random() < 0.75
        patient = draw(self.world, disease, rng, vital_signs=signs, few=few)
        if patient is None:
            return None
        weighing = Weighing(self.world, patient)
        if not weighing.worth_asking(few=few):
            return None
        weighed = candidates(
            weighing, rng, count=count, look_alikes=alike, withheld=withheld, place=place(index, count)
        )
        note = self._note(patient, language, rng, signs=signs) if weighed else None
        if not weighed or not note:
            return None
        reasoner = Reasoner(self.world, note, language)
        answer = reasoner.choice(weighed) if few else reasoner.answer(weighed, patient.stated, withheld=withheld)
        return self._record(index, language, disease, note, weighed, answer, withheld=withheld)

    def _note(self, patient: Patient, language: Language, rng: random.Random, *, signs: bool) -> Note | None:
        """The patient written up in one of the styles that suit, and read back by the graph without contradiction."""
        urgency = self.world.graph.diseases[patient.disease].urgency
        suited = [
            style
            for style in styles(language)
            if style.suits(patient.age, self.config.split, urgency) and (style.vital_signs != "none" or not signs)
        ]
        for _ in range(REWRITES):
            note = write(self.world, patient, _chosen(suited, rng), language, self.config.split, rng)
            if note is not None and self._reads_as_meant(patient, note):
                return note
        return None

    def _reads_as_meant(self, patient: Patient, note: Note) -> bool:
        """Whether nothing stated is read as denied nor the reverse, and most of it is read at all."""
        world, text = self.world, note.case.text()
        facts = world.graph.read(text, patient.years, patient.sex)
        read = {
            seen.finding
            for seen in facts.observations
            if seen.status in (Status.PRESENT, Status.POSSIBLE)
            and not (seen.loose and world.graph.findings[seen.finding].measure)
        }  # “blood pressure 120/80” is no raised one, though it has its words
        gone, present = set(facts.having(Status.ABSENT)), world.reach(read)
        if gone & (read | world.reach(patient.present)) or read & set(patient.absent):
            return False
        missed = sum(name not in present for name in patient.stated)
        return missed <= UNREAD * len(patient.stated) and all(quote in text for quote in note.quotes.values())

    def _record(
        self,
        index: int,
        language: Language,
        disease: Disease,
        note: Note,
        weighed: list[Weighed],
        answer: Answer,
        *,
        withheld: bool,
    ) -> TrainingCase:
        config = self.config
        return TrainingCase.model_validate(
            {
                **note.fields,
                **vars(answer),
                "id": f"synthetic-{config.split}-{config.seed}-{index:06d}-{disease.id}",
                "specialty": disease.specialty,
                "source": f"synthetic, knowledge {self.world.graph.version}, seed {config.seed}, style {note.style}",
                "synthetic": True,
                "accept": () if withheld else disease.synonyms.of(language),
                "candidates": tuple(each.disease for each in weighed),
                "withheld": withheld,
            }
        )


def _chosen(suited: list[Style], rng: random.Random) -> Style:
    """One of the styles; those for an age of life only come more often in that age."""
    return rng.choices(suited, [2.5 if style.ages[0] > 50 or style.ages[1] < 50 else 1.0 for style in suited])[0]


def write_cases(path: Path, config: Synthesis, graph: Graph) -> int:
    """Write the cases to `path`, one JSON object a line, whole or not at all; how many."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            with typer.progressbar(synthesize(config, graph), length=config.cases, file=sys.stderr) as made:
                for case in made:
                    record = {"kind": case.kind, **case.model_dump(mode="json", exclude_defaults=True)}
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
        part.replace(path)
    except OSError as error:
        raise Unwritable(name=path.name, reason=error.strerror) from None
    finally:
        part.unlink(missing_ok=True)
    return config.cases


app = typer.Typer(help="Synthetic training cases from the knowledge graph.")


@app.command("synthesize")
def synthesize_command(
    out: Annotated[Path, typer.Argument(help="The JSON lines file to write.")],
    cases: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Annotated[int, typer.Option()] = 1,
    split: Annotated[
        str, typer.Option(help="train, or test: note styles and words that training never sees.")
    ] = "train",
    language: Annotated[list[str] | None, typer.Option(help="en, zh; both when not given.")] = None,
    by_prevalence: Annotated[bool, typer.Option("--by-prevalence", help="Common diseases more often.")] = False,
    specialty_cap: Annotated[float, typer.Option(help="The largest share of one specialty.")] = 0.1,
    withheld: Annotated[
        float, typer.Option(help="Share of cases without the right disease among the candidates.")
    ] = 0.2,
    look_alikes: Annotated[float, typer.Option(help="Share of cases with close look-alikes as candidates.")] = 0.5,
    choose_one: Annotated[float, typer.Option(help="Share of short cases that ask for one disease of a few.")] = 0.0,
    fewest: Annotated[int, typer.Option(help="The fewest candidates of a full case.")] = 4,
    most: Annotated[int, typer.Option(help="The most candidates of a full case.")] = 6,
) -> None:
    """Write synthetic cases of both languages. The same options give the same bytes."""
    with one_line():
        config = configured(
            cases=cases,
            seed=seed,
            split=split,
            languages=language or LANGUAGES,
            by_prevalence=by_prevalence,
            specialty_cap=specialty_cap,
            withheld=withheld,
            look_alikes=look_alikes,
            choose_one=choose_one,
            candidates=(fewest, most),
        )
        versions = build_knowledge(load_settings())
        versions.start()
        count = write_cases(out, config, versions.current())
    typer.echo(f"{count} cases in {out}")


def configured(**settings: object) -> Synthesis:
    """The settings checked. Raises `BadSetting` that names the first wrong one."""
    try:
        return Synthesis.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "candidates"
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise BadSetting(where=where, reason=reason, reason_zh=f"取值无效（{reason}）。") from None
