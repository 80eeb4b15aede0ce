"""`python -m medassist`."""

from medassist.cli import app

app()
