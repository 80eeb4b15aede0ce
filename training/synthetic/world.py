"""What the graph says can go together: who can have a finding, what implies or contradicts what, who is a look-alike."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from medassist.findings import Status
from medassist.knowledge.graph import Graph
from medassist.knowledge.lexicon import Facts, Observation
from medassist.knowledge.rank import Ranked
from medassist.knowledge.records import Disease
from medassist.knowledge.validate import implied
from training.synthetic.wording import Wording

ALL = 10_000
ASKED = (
    "fever", "cough", "chest_pain", "dyspnea", "vomiting", "nausea", "diarrhea", "headache", "rash", "weight_loss",
    "night_sweats", "dysuria", "hematuria", "palpitations", "syncope", "abdominal_pain", "joint_pain", "leg_swelling",
    "sore_throat", "hemoptysis", "jaundice", "constipation", "dizziness", "seizure", "back_pain", "itching",
    "reduced_vision", "neck_stiffness", "hemiparesis", "diplopia", "wheeze", "heart_murmur", "hepatomegaly", "edema",
)  # fmt: skip
"""What every review of systems asks for."""
COURSE = frozenset({"sudden_onset", "gradual_onset", "progressive_course", "chronic_course", "recurrent_episodes"})
"""How it began and went on: no complaint, and nothing that is denied."""
UNRELATED = (
    "smoking", "hypertension_history", "diabetes", "hyperlipidemia_history", "thyroid_disease_history", "asthma_history",
    "gallstone_history", "kidney_stone_history", "migraine_history", "gout_history", "peptic_ulcer_history",
    "osteoporosis_history", "bph_history", "hernia_history", "fatty_liver_history", "abdominal_surgery_history",
    "sedentary_lifestyle", "caesarean_history", "atopy_history", "statin_use", "ppi_use", "depression_history",
    "family_hypertension", "family_diabetes", "psoriasis_history", "diverticulosis_history", "cat_contact", "dog_contact",
)  # fmt: skip
"""Past illnesses and habits that many people have, whatever they come with."""


@dataclass(frozen=True)
class Who:
    """Who can have a finding: years and sex."""

    low: float = 0.0
    high: float = 130.0
    sex: str = "any"

    def fits(self, age: float, sex: str) -> bool:
        return self.low <= age <= self.high and self.sex in ("any", sex)


_FEMALE = re.compile(
    r"pregnan|trimester|postpartum|menopaus|menstr|vagin|uter(?:us|ine)(?!_veil)|ovar|vulv|cervi(?:x|cal_(?:motion|mass|dil|os|excit))|tampon|lactat|"
    r"breastfeeding|caesarean|gestational|contraceptive|intrauterine|gravid|endometri|amenorrh|dysmenorrh|menorrh|parity|"
    r"adnexal|galactorr|labia|fetal|assisted_conception|hcg|eclampsia|pid_history|miscarr|delivery|membrane_rupture|ectopic_pregnancy"
)
_MALE = re.compile(
    r"prostat|testic|testis|scrot|penis|penile|erect|foreskin|glans|bph|epididym|circumcis|ejacul|spermat|varicocele|men_who"
)
_NEWBORN = re.compile(
    r"newborn|neonat|prematurity|breech|birth_asphyxia|birth_weight|maternal_gbs|blood_group_incomp|exclusive_breastfeeding|formula_milk|honey_infant|infant"
)
_GROWN = re.compile(
    r"smok|alcohol|cannabis|opioid|iv_drug|sex|erection|contracept|occupation|betel|stimulant_use|ketamine|nitrous|"
    r"pregnan|postpartum|caesarean|dementia|parkinson|hypertension_history|coronary|heart_failure|stroke_hist|gout|osteopor|"
    r"bph|statin|men_who|erectile|levodopa|lithium|hormone_therapy|cirrhosis|copd|peptic|hyperlipid|hernia_history|fatty_liver|diverticul|gallstone|kidney_stone|screen|"
    r"sti_history|suicide|sedentary|shift|infertil|cancer_history|depression_history|traumatic_event|antipsychotic"
)
_MONTHLY = re.compile(r"menstr|menorrh|period$|nulliparity")
_FERTILE = re.compile(
    r"pregnan|trimester|postpartum|oral_contraceptive|intrauterine_device|assisted_conc|tampon|lactat(?!e)|breastfeeding$"
)


def _who(name: str, owners: list[Disease]) -> Who:
    """Of its name, and of the diseases that have it: what only children have is a child's."""
    low = min((each.age[0] for each in owners), default=0.0)
    high = max((each.age[1] for each in owners), default=130.0)
    low, high = (low if low >= 10 else 0.0), (high if high <= 20 else 130.0)
    sexes = {each.sex for each in owners}
    sex = sexes.pop() if len(sexes) == 1 and sexes <= {"female", "male"} else "any"
    if sex == "any":
        sex = "female" if _FEMALE.search(name) else "male" if _MALE.search(name) else "any"
    if _NEWBORN.search(name):
        sex, high = "any" if sex == "female" else sex, min(high, 1.5)
    if _MONTHLY.search(name):
        low = max(low, 12.0)
    if _GROWN.search(name) and high > 16:
        low = max(low, 16.0)
    if _FERTILE.search(name) and not name.startswith("family"):
        low, high = max(low, 15.0), min(high, 48.0)
    if name == "newborn_age":
        high = 0.08
    if name == "menopause" or "postmenopausal" in name:
        low = max(low, 47.0)
    return Who(low, high, sex)


_POLES = (
    ("hyper", "hypo"), ("tachy", "brady"), ("gain", "loss"), ("sudden", "gradual"), ("acute", "chronic"),
    ("productive", "dry"), ("raised", "low"), ("raised", "reduced"), ("high", "low"), ("increased", "reduced"),
    ("increased", "decreased"), ("painful", "painless"), ("wide", "narrow"), ("hot", "cold"), ("large", "small"),
    ("micro", "macro"), ("constipation", "diarrhea"), ("dilated", "constricted"), ("bilateral", "unilateral"),
    ("fast", "slow"), ("heavy", "light"), ("cytosis", "penia"), ("thrombocytosis", "thrombocytopenia"),
    ("polycythemia", "anemia"), ("upper", "lower"), ("brief", "prolonged"), ("obese", "wasted"), ("early", "late"),
    ("right", "left"), ("anterior", "posterior"), ("brisk", "absent"), ("fixed", "mobile"), ("hard", "soft"),
    ("flaccid", "spastic"), ("watery", "bloody"), ("mild", "severe"), ("overweight", "underweight"),
)  # fmt: skip
_EXCLUSIVE: tuple[frozenset[str], ...] = (
    frozenset({"constipation", "diarrhea"}), frozenset({"weight_loss", "weight_gain"}),
    frozenset({"insomnia", "daytime_sleepiness"}), frozenset({"pregnancy", "menopause"}), frozenset({"dry_cough", "productive_cough"}),
    frozenset({"weight_loss", "increased_appetite"}), frozenset({"obesity", "cachexia"}), frozenset({"obesity", "weight_loss"}),
    frozenset({"early_pregnancy", "late_pregnancy", "second_trimester", "postpartum", "menopause", "nulliparity"}),
    frozenset({"anuria", "polyuria"}), frozenset({"shock", "hypertension"}), frozenset({"hyperreflexia", "areflexia"}),
    frozenset({"type_1_diabetes", "diabetes", "gestational_diabetes", "poorly_controlled_diabetes"}),
    frozenset({"reduced_vision", "vision_corrects_with_lens_or_pinhole"}), frozenset({"unable_to_walk", "gait_disturbance"}),
    frozenset({"heat_intolerance", "cold_intolerance"}), frozenset({"coma", "confusion"}),
)  # fmt: skip


class World:
    """One version of the graph with what follows from it. Built once; read only."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.wording = Wording(graph.findings)
        self.line = {name: frozenset(implied(graph.findings, name)) for name in graph.findings}
        self.told = {name: frozenset(graph.told(name)) for name in graph.diseases}
        owners: dict[str, list[Disease]] = defaultdict(list)
        for disease in graph.diseases.values():
            for name in (*disease.findings.for_, *disease.findings.pathognomonic):
                owners[name].append(disease)
        self.who = {name: _who(name, owners[name]) for name in graph.findings}
        self.limits = {
            measure: [
                (each.id, limit) for each in graph.findings.values() for limit in each.measure if limit.of == measure
            ]
            for measure in graph.measures
        }

    @cached_property
    def asked(self) -> tuple[str, ...]:
        return tuple(name for name in ASKED if name in self.graph.findings)

    @cached_property
    def unrelated(self) -> tuple[str, ...]:
        return tuple(name for name in UNRELATED if name in self.graph.findings)

    def reach(self, findings: Iterable[str]) -> set[str]:
        """The findings with all that they imply."""
        return {broader for name in findings for broader in self.line[name]}

    def clash(self, one: str, other: str) -> bool:
        """Whether two findings cannot both be: opposites by name, or values on either side of a measure."""
        if {one, other} in _EXCLUSIVE or any({one, other} <= group for group in _EXCLUSIVE):
            return True
        if _opposite(one, other):
            return True
        mine = {limit.of: limit for limit in self.graph.findings[one].measure}
        for limit in self.graph.findings[other].measure:
            if (own := mine.get(limit.of)) and (own.at_least is None) != (limit.at_least is None):
                return True
        return False

    def ranked(self, facts: Facts, age: float, sex: str) -> dict[str, Ranked]:
        """Every disease that something speaks for, the likeliest first."""
        return {each.disease: each for each in self.graph.rank(facts, age=age, sex=sex, top=ALL)}


def facts_of(stated: Iterable[str], denied: Iterable[str]) -> Facts:
    """What is so, in the form in which the graph ranks it."""
    return Facts(
        tuple(
            [Observation(name, Status.PRESENT, 0, 0) for name in stated]
            + [Observation(name, Status.ABSENT, 0, 0) for name in denied]
        )
    )


def _opposite(one: str, other: str) -> bool:
    return any(
        (a in one and one.replace(a, b) == other) or (b in one and one.replace(b, a) == other) for a, b in _POLES
    )
