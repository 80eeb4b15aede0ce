"""What a command does with an error: one line on stderr and the right exit code instead of a traceback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from medassist.errors import MedAssistError


@contextmanager
def one_line(language: Callable[[], str] = lambda: "en") -> Iterator[None]:
    """Exit with 2 where the input was wrong, 1 where the work failed, and say why in `language`."""
    try:
        yield
    except MedAssistError as error:
        typer.echo(error.text(language()), err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
