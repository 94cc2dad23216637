"""The ``nnapprox`` command: one file a command, imported when it is called, and how a run of it ends.

A command is a file of this package that defines ``command``, and a line in `COMMANDS`. Nothing but click is imported
here, so that ``nnapprox --help`` costs next to nothing.
"""

from __future__ import annotations

import enum
import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from nnapprox import __version__
from nnapprox.errors import NnapproxError, UsageError

COMMANDS = {
    "train": "Train a network by per-sample SGD.",
    "test": "Measure a network's accuracy on a data set.",
    "construct": "Build a network exactly, with a certificate of its error.",
    "check": "Compute the certificate of a network file anew.",
    "compose": "Compose networks exactly.",
    "parallel": "Put networks side by side, exactly.",
    "add": "Add networks with coefficients, exactly.",
    "show": "Tell a network's architecture and what its file says of it.",
    "regions": "Count the regions on which a network is affine, exactly.",
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
        command: click.Command = import_module(f"nnapprox.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from nnapprox.notation import nearest

            raise click.UsageError(f"no such command {args[0]!r}: {nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


EPILOG = """\b
Examples:
  $ nnapprox --version
  $ nnapprox show --help

\b
Completion, in the start-up file of the shell:
  bash: eval "$(_NNAPPROX_COMPLETE=bash_source nnapprox)"
  zsh:  eval "$(_NNAPPROX_COMPLETE=zsh_source nnapprox)"
  fish: _NNAPPROX_COMPLETE=fish_source nnapprox | source
"""


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=EPILOG,
    # The width is fixed so that help is the same in a terminal and in the docs; measuring it would import shutil, too.
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 78},
)
@click.option("--debug", is_flag=True, help="Show the traceback of what fails.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context, debug: bool) -> None:
    """Compute what the approximation theory of neural networks is about."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: list[str]) -> ExitStatus:
    """Run the command line given, print what went wrong as one line, and tell how it ended."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show must not fail a command
    try:
        status = group.main(arguments, prog_name="nnapprox", standalone_mode=False)
        if sys.stdout is not None:  # as it is where the shell closed it
            sys.stdout.flush()
        return ExitStatus(status or ExitStatus.DONE)
    except (Exception, KeyboardInterrupt) as error:
        with suppress(OSError):
            _report(error, "--debug" in arguments)
        _discard_unwritable()
        return _status(error)


def _status(error: BaseException) -> ExitStatus:
    match error:
        case KeyboardInterrupt() | click.Abort():
            return ExitStatus.INTERRUPTED
        case click.UsageError() | UsageError():
            return ExitStatus.USAGE
        case _:
            return ExitStatus.FAILED


def _report(error: BaseException, debug: bool) -> None:
    from nnapprox.cli.output import printable

    if isinstance(error, BrokenPipeError):  # whoever read the output wants no more of it
        return
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("nnapprox: interrupted", err=True)
        return
    if debug:
        import traceback

        traceback.print_exception(error)
    click.echo(f"nnapprox: error: {printable(' '.join(_message(error).split()))}", err=True)


def _message(error: BaseException) -> str:
    match error:
        case click.UsageError():
            text = error.format_message().removesuffix(".")
            where = f" (see {error.ctx.command_path} -h)" if error.ctx else ""
            return text[:1].lower() + text[1:] + where
        case NnapproxError():
            return str(error)
        case OSError():
            reason = error.strerror or str(error)
            return reason if error.filename is None else f"{os.fsdecode(error.filename)}: {reason}"
        case MemoryError():
            return "there is not enough memory for that"
        case _:
            return (
                f"{type(error).__name__}: {error} (this is a defect of nnapprox: "
                "please report it with what 'nnapprox --debug ...' shows)"
            )


def _discard_unwritable() -> None:
    """Send output that cannot be written to nowhere, or the interpreter would complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))
