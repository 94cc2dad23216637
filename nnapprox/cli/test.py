"""``nnapprox test``."""

from __future__ import annotations

from pathlib import Path

import click

from nnapprox.cli import output
from nnapprox.cli.options import data_options, json_option, load_data, network_argument, quiet_option

EPILOG = """\b
Examples:
  $ nnapprox test network.npz --dataset digits
"""


@click.command(epilog=EPILOG)
@network_argument
@data_options(None)
@json_option
@quiet_option
def command(
    file: Path, dataset: str | None, data_dir: str | None, target: str | None, as_json: bool, quiet: bool
) -> None:
    """Measure a network on the test set of a data set: accuracy with its standard error, confusion matrix.

    Without --dataset, on what the file says it was trained on.
    """
    from nnapprox import files
    from nnapprox.training.score import score

    stored = files.read(file)
    trained_on = stored.metadata.get("dataset") or {}
    name = dataset or trained_on.get("name") or "auto"
    data = load_data(name, data_dir, target, quiet)
    network = stored.network if stored.network.dtype != "rational" else stored.network.astype("float64")
    if data.x_test is None or data.y_test is None:
        raise click.UsageError(f"{name} has no test set: name another with --dataset")
    loss = (stored.metadata.get("recipe") or {}).get("loss", "squared")
    result = score(network, data.x_test, data.y_test, data, loss)
    if as_json:
        keys = ("accuracy", "standard_error", "errors", "loss", "confusion")
        described = {"network": output.network_json(stored.network, file), "dataset": data.name}
        output.print_json({**described, **{key: getattr(result, key) for key in keys}})
        return
    pairs: dict[str, object] = {"network": file, "data set": data.describe(), f"mean {loss} loss": f"{result.loss:.6g}"}
    if result.accuracy is not None and result.standard_error is not None:
        pairs["accuracy"] = f"{output.accuracy_text(result.accuracy, result.standard_error)} % ({result.errors} errors)"
    output.print_pairs(pairs)
    if result.confusion is not None:
        click.echo("\nrows: true class, columns: predicted")
        classes = range(len(result.confusion))
        output.print_table(["", *map(str, classes)], [[k, *result.confusion[k]] for k in classes])
