"""The whole catalogue, the example of every construction and some large ones: size, certificate, what was promised.

Seconds are process CPU time of the command in this process: building, certifying, counting, writing the file.
"""

import argparse
import contextlib
import io
import json
import os
import shlex
import tempfile
import time

from nnapprox.cli import ExitStatus, run
from nnapprox.cli.output import short
from nnapprox.constructions import catalogue
from nnapprox.notation import rational

COLUMNS = ("construction", "L", "M", "certificate", "", "bound", "seconds")
LARGE = (("sawtooth", "--depth 20"), ("sawtooth", "--depth 60"), ("square", "--depth 12"), ("max", "--dim 1000"))
JUSTIFY = (str.ljust, str.rjust, str.rjust, str.rjust, str.ljust, str.rjust, str.rjust)


def measured(name: str, options: str) -> dict[str, object]:
    """What ``nnapprox construct NAME OPTIONS --json`` prints, with its seconds."""
    printed = io.StringIO()
    began = time.process_time()
    with contextlib.redirect_stdout(printed):
        status = run(["construct", name, *shlex.split(options), "--json"])
    seconds = time.process_time() - began
    if status is not ExitStatus.DONE:
        raise SystemExit(f"construct {name} {options} failed")
    return {**json.loads(printed.getvalue()), "options": options, "seconds": seconds}


def number(text: str) -> str:
    """A rational, in decimals where it is long."""
    written = short(rational(text))
    return written if len(written) <= 12 else f"{float(rational(text)):.6g}"


def row(told: dict[str, object]) -> tuple[str, ...]:
    certificate, theorem, network = told["certificate"], told["theorem"], told["network"]
    value = certificate["value"]
    ends = value if isinstance(value, list) else [value]
    return (
        f"{told['construction']} {told['options']}".rstrip(),
        str(network["depth"]),
        str(network["nonzeros"]),
        number(ends[-1]),
        certificate["kind"],
        number(theorem["bound"]) if theorem and theorem["bound"] is not None else "",
        f"{told['seconds']:.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (all)")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else on stdout")
    options = parser.parse_args()
    examples = [(name, entry.example) for name, entry in catalogue().items()]
    wanted = [pair for pair in [*examples, *LARGE] if not options.names or pair[0] in options.names]
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            told = [measured(name, words) for name, words in wanted]
        finally:
            os.chdir(home)
    if options.json:
        print(json.dumps(told, indent=2))
        return
    rows = [COLUMNS, *map(row, told)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for line in rows:
        cells = zip(line, widths, JUSTIFY, strict=True)
        print("  ".join(justify(cell, width) for cell, width, justify in cells).rstrip())


if __name__ == "__main__":
    main()
