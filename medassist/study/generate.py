"""Write the answers of a study's engine arms: each kept and blinded as soon as it is there, so that a run can go on.

The arms take turns case by case, in an order drawn for every case, so that nothing like the load of the machine or the
time of day hangs on an arm. Several arms that each load a model would change models with every answer; they take turns
by blocks of cases instead, and the order is drawn for every block.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from medassist.case import PatientCase
from medassist.errors import (
    BadSetting,
    KnowledgeError,
    MedAssistError,
    StorageError,
    UnknownAdapter,
    UnknownEngine,
    UnknownModel,
)
from medassist.store.studies import AnswerOutline, StudyStore
from medassist.store.study_tables import Response, StudyArm, StudyCase
from medassist.study.answering import Answer, Stopped
from medassist.study.order import shuffled
from medassist.study.responses import Blinder, answered, config_of, failed

logger = logging.getLogger(__name__)

BLOCK = 25
"""Cases between two changes of the model in memory."""
BEAT_SECONDS = 5.0
"""How long a stop can go unnoticed while an answer is written."""

_OF_THE_ARM = (UnknownModel, UnknownAdapter, UnknownEngine, BadSetting, KnowledgeError, StorageError)
"""What would be the same with every case: it ends the job instead of failing answer after answer."""

Pair = tuple[StudyCase, StudyArm]


@dataclass(frozen=True)
class Tally:
    """Of the pairs of case and engine arm: how many there are, and how far they are."""

    all: int
    done: int
    failed: int  # attempted and without an answer
    blocked: int  # answered, and to be read by a person before a rater may
    stopped: bool = False  # before all were attempted


def generate(
    studies: StudyStore,
    study_id: str,
    answer: Answer,
    *,
    holder: str,
    stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Tally], object] = lambda _: None,
    explained: bool = False,
) -> Tally:
    """Write what is missing, and try again what had failed. `holder` names who is at it, for `StudyStore.beat`.

    Stops within one token when `stopped` says so or the job is told to; a call later goes on from there. An answer that
    fails is kept as such and does not keep the others from being written. Raises `UnknownStudy`, `NotNow` where others
    are at it or the study has begun, and whatever makes all further answers pointless.
    """
    studies.begin_generation(study_id, holder)
    state, said = "failed", ""
    try:
        with _alive(studies, study_id, holder, stopped) as told_to_stop:
            job = _Job(studies, study_id, answer, told_to_stop, explained)
            tally = job.run(on_progress)
        state = "stopped" if tally.stopped else "done"
        return tally
    except KeyboardInterrupt:
        state = "stopped"
        raise
    except MedAssistError as error:
        said = f"{error.text('en')}\n{error.text('zh')}"
        raise
    finally:
        studies.end_generation(study_id, holder, state, said)


def pending(studies: StudyStore, study_id: str) -> tuple[list[Pair], Tally]:
    """The pairs of case and engine arm without an answer, in the order in which they are to be asked; and the count."""
    arms = [arm for arm in studies.arms(study_id) if config_of(arm).source == "engine"]
    mine = {arm.id for arm in arms}
    kept = {(each.case_id, each.arm_id): each for each in studies.answers(study_id) if each.arm_id in mine}
    pairs = order(studies.cases(study_id), arms, f"{studies.study(study_id).secret} answers")
    missing = [(case, arm) for case, arm in pairs if _wanting(kept.get((case.id, arm.id)))]
    return missing, Tally(
        all=len(pairs),
        done=sum(not each.failed for each in kept.values()),
        failed=sum(bool(each.failed) for each in kept.values()),
        blocked=sum(each.blocked for each in kept.values()),
    )


def order(cases: Sequence[StudyCase], arms: Sequence[StudyArm], seed: str) -> list[Pair]:
    """Every case with every arm, the arms taking turns: see the head of this module. The same for the same seed."""
    rng = random.Random(seed)
    several = sum(config_of(arm).loads_model for arm in arms) > 1
    size = BLOCK if several else 1
    mixed = shuffled(sorted(cases, key=lambda case: case.id), rng)
    blocks = [mixed[start : start + size] for start in range(0, len(mixed), size)]
    by_id = sorted(arms, key=lambda arm: arm.id)
    return [(case, arm) for block in blocks for arm in shuffled(by_id, rng) for case in block]


def _wanting(response: AnswerOutline | None) -> bool:
    return response is None or bool(response.failed)


@dataclass
class _Job:
    studies: StudyStore
    study_id: str
    answer: Answer
    stopped: Callable[[], bool]
    explained: bool

    def run(self, on_progress: Callable[[Tally], object]) -> Tally:
        blinder = Blinder.of(self.studies, self.study_id)
        missing, tally = pending(self.studies, self.study_id)
        tally = replace(tally, failed=0)  # those are tried again
        on_progress(tally)
        for case, arm in missing:
            response = None if self.stopped() else self._response(case, arm, blinder)
            if response is None:
                return replace(tally, stopped=True)
            self.studies.put_response(self.study_id, response)
            tally = replace(
                tally,
                done=tally.done + (not response.failed),
                failed=tally.failed + bool(response.failed),
                blocked=tally.blocked + response.blocked,
            )
            on_progress(tally)
        return tally

    def _response(self, case: StudyCase, arm: StudyArm, blinder: Blinder) -> Response | None:
        """The answer or its failure; None where the work was stopped meanwhile."""
        try:
            asked = PatientCase.model_validate_json(case.case_json)
            told = self.answer(config_of(arm), asked, case.language, stopped=self.stopped, explained=self.explained)
        except Stopped:
            return None
        except _OF_THE_ARM:
            raise
        except MedAssistError as error:
            logger.warning("No answer of arm %s to a case: %s", arm.code, error.code)
            return failed(case, arm, error)
        return answered(case, arm, told, blinder)


@contextmanager
def _alive(
    studies: StudyStore, study_id: str, holder: str, stopped: Callable[[], bool]
) -> Iterator[Callable[[], bool]]:
    """Gives signs of life from a thread of its own, also while an answer is being written; says when to stop."""
    end, over = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                if not studies.beat(study_id, holder):
                    end.set()
            except StorageError:
                continue  # the next one may get through; who is silent too long is taken over, and told so then

    thread = threading.Thread(target=beat, name="medassist-study-beat", daemon=True)
    thread.start()
    try:
        yield lambda: end.is_set() or stopped()
    finally:
        over.set()
        thread.join()
