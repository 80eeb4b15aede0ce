"""Numbers of a study: rates with intervals, agreement, comparisons of arms, blinding, sample size. Pure functions.

Ratings come in as long columns (case, rater, …, value), one rating a row. Whatever is drawn at random follows a seed.
"""

from medassist.statistics.agreement import agreement, cohen_kappa
from medassist.statistics.blinding import bang_index, james_index
from medassist.statistics.crossed import acceptance, acceptance_bootstrap
from medassist.statistics.estimates import (
    Interval,
    Majority,
    Note,
    UnusableRatings,
    majority,
    majority_interval,
    top_k,
    wilson,
)
from medassist.statistics.paired import (
    McNemar,
    mcnemar,
    mcnemar_on_majorities,
    risk_difference,
    risk_difference_two_way,
)
from medassist.statistics.preference import bradley_terry
from medassist.statistics.reliability import icc
from medassist.statistics.simulation import Precision, Studies, plan, precision, simulate

__all__ = [
    "Interval",
    "Majority",
    "McNemar",
    "Note",
    "Precision",
    "Studies",
    "UnusableRatings",
    "acceptance",
    "acceptance_bootstrap",
    "agreement",
    "bang_index",
    "bradley_terry",
    "cohen_kappa",
    "icc",
    "james_index",
    "majority",
    "majority_interval",
    "mcnemar",
    "mcnemar_on_majorities",
    "plan",
    "precision",
    "risk_difference",
    "risk_difference_two_way",
    "simulate",
    "top_k",
    "wilson",
]
