"""The works a report rests on, numbered as they are first cited."""

REFERENCES = {
    "wilson": "Wilson EB. Probable inference, the law of succession, and statistical inference. Journal of the American Statistical Association 1927;22:209–212.",
    "cameron": "Cameron AC, Gelbach JB, Miller DL. Robust inference with multiway clustering. Journal of Business & Economic Statistics 2011;29:238–249.",
    "owen": "Owen AB. The pigeonhole bootstrap. Annals of Applied Statistics 2007;1:386–411.",
    "mccullagh": "McCullagh P. Resampling and exchangeable arrays. Bernoulli 2000;6:285–301.",
    "gwet": "Gwet KL. Computing inter-rater reliability and its variance in the presence of high agreement. British Journal of Mathematical and Statistical Psychology 2008;61:29–48.",
    "handbook": "Gwet KL. Handbook of inter-rater reliability. 4th ed. Advanced Analytics, 2014.",
    "krippendorff": "Krippendorff K. Content analysis: an introduction to its methodology. 2nd ed. Sage, 2004.",
    "feinstein": "Feinstein AR, Cicchetti DV. High agreement but low kappa: I. The problems of two paradoxes. Journal of Clinical Epidemiology 1990;43:543–549.",
    "cohen": "Cohen J. A coefficient of agreement for nominal scales. Educational and Psychological Measurement 1960;20:37–46.",
    "mcnemar": "McNemar Q. Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika 1947;12:153–157.",
    "bradley": "Bradley RA, Terry ME. Rank analysis of incomplete block designs: I. The method of paired comparisons. Biometrika 1952;39:324–345.",
    "bang": "Bang H, Ni L, Davis CE. Assessment of blinding in clinical trials. Controlled Clinical Trials 2004;25:143–156.",
    "james": "James KE, Bloch DA, Lee KK, Kraemer HC, Fuller RK. An index for assessing blindness in a multi-centre clinical trial: disulfiram for alcohol cessation, a VA cooperative study. Statistics in Medicine 1996;15:1421–1434.",
    "spearman": "Spearman C. The proof and measurement of association between two things. American Journal of Psychology 1904;15:72–101.",
    "tripod": "Gallifant J, Afshar M, Ameen S, et al. The TRIPOD-LLM reporting guideline for studies using large language models. Nature Medicine 2025;31:60–69.",
    "decide": "Vasey B, Nagendran M, Campbell B, et al. Reporting guideline for the early-stage clinical evaluation of decision support systems driven by artificial intelligence: DECIDE-AI. Nature Medicine 2022;28:924–933.",
}


class Citations:
    """Numbers for the works cited so far in one report."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, *keys: str) -> str:
        """“[1, 2]” for `keys` of `REFERENCES`."""
        numbers = [self._numbers.setdefault(key, len(self._numbers) + 1) for key in keys if REFERENCES[key]]
        return f"[{', '.join(map(str, numbers))}]"

    @property
    def cited(self) -> list[str]:
        """The works, in the order of their numbers."""
        return [REFERENCES[key] for key in self._numbers]
