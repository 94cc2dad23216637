"""The ``nnapprox`` command: one file a command, imported when it is called."""

from __future__ import annotations

import difflib
import enum
import os
import sys
from importlib import import_module
from typing import Any

import click

from nnapprox.errors import NnapproxError, UsageError

COMMANDS = {
    "train": "Train a network by per-sample SGD.",
    "test": "Measure a network's accuracy on a data set.",
    "show": "Tell a network's architecture and what its file says of it.",
    "eval": "Evaluate a network at points, exactly if wanted.",
    "convert": "Write a network in another format or with other numbers.",
}
"""Every command with its help line; `nnapprox.cli.NAME` holds it as ``command``."""


class ExitStatus(enum.IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"nnapprox.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], COMMANDS, n=1) if args else []
        if near and args[0] not in COMMANDS:
            raise click.UsageError(f"no such command {args[0]!r}: did you mean {near[0]}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from nnapprox import __version__

        click.echo(f"nnapprox {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def group(debug: bool) -> None:
    """The approximation theory of neural networks, as commands that compute."""


def run(arguments: list[str]) -> ExitStatus:
    """Run the command line given, print what went wrong as one line, and tell how it ended."""
    try:
        status = group.main(arguments, prog_name="nnapprox", standalone_mode=False)
        sys.stdout.flush()
        return ExitStatus(status) if isinstance(status, int) else ExitStatus.DONE
    except (click.Abort, KeyboardInterrupt):
        click.echo("nnapprox: interrupted", err=True)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return ExitStatus.FAILED
    except (click.ClickException, NnapproxError, OSError, MemoryError) as error:
        if "--debug" in arguments:
            raise
        click.echo(f"nnapprox: error: {_message(error)}", err=True)
        wrong_use = isinstance(error, click.UsageError | UsageError)
        return ExitStatus.USAGE if wrong_use else ExitStatus.FAILED


def _message(error: Any) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory for that"
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return " ".join(text.split())


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))
