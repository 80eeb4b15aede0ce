"""Alembic's environment. A change of the tables is a new file in `versions/`, written by hand; none is ever edited."""
