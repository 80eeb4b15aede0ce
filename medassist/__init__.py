"""MedAssist: a clinician-facing assistant that streams a step-by-step differential diagnosis."""

__version__ = "0.1.0"
