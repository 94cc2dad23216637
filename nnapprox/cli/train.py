"""``nnapprox train``."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.function_data import function_options, read_function
from nnapprox.cli.options import (
    Integers,
    Name,
    data_options,
    json_option,
    load_data,
    plot_option,
    quiet_option,
    require_writable,
)
from nnapprox.cli.region_history import RegionHistory, region_history, stored_box

if TYPE_CHECKING:
    from nnapprox.cli.function_data import FunctionData
    from nnapprox.datasets import Dataset
    from nnapprox.training import Recipe, Run, TrainState

EPILOG = """\b
Examples:
  $ nnapprox train --dataset digits
  $ nnapprox train --dataset digits --hidden 32 --loss cross-entropy --epochs 5
  $ nnapprox train --dataset digits --epochs 2 --seeds 3 --jobs 2 --json
  $ nnapprox train --function x^3-x --domain=-2,2 --samples 2000
"""


@click.command(epilog=EPILOG)
@data_options("auto")
@function_options
@click.option("--hidden", type=Integers(), default="20,20", show_default=True, help="Hidden widths; '' for none.")
@click.option(
    "--activation", type=Name(["identity", "relu", "leaky-relu", "sigmoid", "tanh"]), default="relu", show_default=True
)
@click.option("--loss", type=Name(["squared", "cross-entropy"]), default="squared", show_default=True)
@click.option("--epochs", type=int, default=20, show_default=True, help="As many steps each as there are samples.")
@click.option("--step-size", type=float, help="The first nu (default: one tuned to loss and epochs).")
@click.option("--schedule", default="cosine", show_default=True, metavar="constant|cosine|linear|power:A")
@click.option(
    "--weight-decay",
    type=float,
    help="lambda of the penalty lambda |theta|^2 / 2 (default: tuned for classes, else 0).",
)
@click.option("--average", is_flag=True, help="Give the mean of the iterates of the last 30 % of the steps.")
@click.option("--init", type=Name(["small", "half-glorot", "glorot", "he"]), default="small", show_default=True)
@click.option(
    "--centre/--no-centre",
    default=None,
    help="Subtract the mean sample while training (default: below 200 units in the first hidden layer).",
)
@click.option("--sampling", type=Name(["iid", "shuffle"]), default="iid", show_default=True)
@click.option("--dtype", type=Name(["float32", "float64"]), default="float32", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="Train so often; keep the median run."
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs side by side.")
@click.option(
    "--regions-every", type=click.IntRange(1), metavar="N", help="Count the activation regions every N epochs."
)
@click.option("--checkpoint", type=click.Path(), help="Keep the state here, once an epoch and on Ctrl-C.")
@click.option("--resume", type=click.Path(), help="Go on from a checkpoint.")
@click.option("-o", "--output", "out", type=click.Path(), help="The network file to write.")
@plot_option
@json_option
@quiet_option
@click.pass_context
def command(
    ctx: click.Context, /, dataset: str, data_dir: str | None, target: str | None, function: str | None,
    domain: str | None, samples: int | None, seeds: int, jobs: int, regions_every: int | None,
    checkpoint: str | None, resume: str | None, out: str | None, plot: str | None, as_json: bool, quiet: bool,
    **choices: Any,
) -> None:  # fmt: skip
    """Train a dense network by per-sample SGD and write it.

    Every step takes one sample: theta <- theta - nu_n * gradient of |f(x_i) - y_i|^2. Classes are learnt with a
    penalty on the weights, which makes networks more accurate and smaller to store.
    """
    from nnapprox.training import Recipe, Run
    from nnapprox.training.checkpoint import read_recipe
    from nnapprox.training.checkpoint import resume as take_up

    for path in (out, checkpoint):
        if path is not None:
            require_writable(path)
    if seeds > 1 and (resume or checkpoint):
        raise click.UsageError("a checkpoint holds one run: leave --seeds out")
    if seeds > 1 and regions_every:
        raise click.UsageError("regions are counted along one run: leave --seeds or --regions-every out")
    recipe = Recipe(**choices)
    sampled = read_function(ctx, function, domain, samples)
    if resume is not None:
        stored, recipe = read_recipe(resume)
        _refuse_changes(ctx, recipe)
        if ctx.get_parameter_source("dataset") is click.core.ParameterSource.DEFAULT:
            dataset = stored
    data = sampled.dataset(recipe.seed) if sampled else load_data(dataset, data_dir, target, quiet)
    stem = "function" if sampled else Path(data.name).stem
    out = out or f"{stem}-{'-'.join(map(str, (data.inputs, *recipe.hidden, data.outputs)))}.npz"
    require_writable(out)
    box = sampled.domain if sampled else None
    counted = region_history(regions_every, data, recipe, box) if regions_every else None
    if seeds > 1:
        runs = _train_seeds(data, recipe, seeds, jobs, quiet)
    else:
        run, state = take_up(resume, data) if resume else (Run(data, recipe), None)
        state = state or run.start()
        kept = checkpoint or resume or f"{Path(out).stem}.checkpoint.npz"
        source = {"--dataset": dataset, "--data-dir": data_dir, "--target": target}
        every = None if regions_every is None else str(regions_every)
        if sampled:
            source = {"--function": function, "--domain": domain, "--samples": str(sampled.samples)}
        again = _command_line({**source, "--regions-every": every, "--resume": kept})
        _train_one(run, state, counted, kept, checkpoint is not None, again, quiet)
        runs = [(run, state)]
    if runs:
        _report(runs, sampled, counted, out, plot, as_json)
    if len(runs) < seeds:
        output.note(f"stopped when {len(runs)} of {seeds} runs were finished")
        raise KeyboardInterrupt


def _command_line(options: dict[str, str | None]) -> str:
    import shlex

    given = [word for name, value in options.items() if value is not None for word in (name, value)]
    return shlex.join(["nnapprox", "train", *given])


def _refuse_changes(ctx: click.Context, recipe: Recipe) -> None:
    for name, stored in recipe.to_json().items():
        given = ctx.params.get(name)
        given = list(given) if isinstance(given, tuple) else given
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE and given != stored:
            raise click.UsageError(
                f"the checkpoint's run has {name} = {stored}, not {given}: leave --{name.replace('_', '-')} out"
            )


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no state is torn; a second one ends the process at once."""
    event = threading.Event()

    def first(_signal: int, _frame: object) -> None:
        event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, first)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)


def _train_one(
    run: Run, state: TrainState, counted: RegionHistory | None, checkpoint: str, every_epoch: bool, again: str,
    quiet: bool,
) -> None:  # fmt: skip
    from nnapprox.training.checkpoint import save_checkpoint

    with _interrupts() as interrupted, output.progress(quiet) as report:
        for step in run.advance(state):
            if counted is not None and step.record is not None:
                counted.record(state, run.network(state))
            done = [record for record in state.history[-1:] if record.get("test_accuracy") is not None]
            accuracy = f", test accuracy {100 * done[0]['test_accuracy']:.2f} %" if done else ""
            rate = state.step / max(state.kernel_seconds, 1e-9)
            report(
                step.step / step.total,
                f"epoch {step.epoch}/{run.recipe.epochs}, loss {step.loss:.4f}{accuracy}, {rate:,.0f} samples/s",
            )
            if interrupted.is_set() or (every_epoch and step.record):
                save_checkpoint(checkpoint, run, state)
            if interrupted.is_set():
                output.note(f"stopped in epoch {step.epoch}; go on with: {again}")
                raise KeyboardInterrupt


def _train_seeds(data: Dataset, recipe: Recipe, seeds: int, jobs: int, quiet: bool) -> list[tuple[Run, TrainState]]:
    """Independent runs in threads (the kernels let go of the interpreter), on one copy of the samples.

    Returns those that were finished: all of them, unless Ctrl-C came first.
    """
    import dataclasses
    from concurrent.futures import ThreadPoolExecutor

    from nnapprox.training.sgd import Run, prepare

    samples = prepare(data, recipe)
    runs = [Run(data, dataclasses.replace(recipe, seed=recipe.seed + k), samples) for k in range(seeds)]
    states = [run.start() for run in runs]
    with _interrupts() as interrupted, output.progress(quiet) as report, ThreadPoolExecutor(jobs) as pool:

        def finish(run: Run, state: TrainState) -> None:
            for _ in run.advance(state):
                if interrupted.is_set():
                    return

        futures = [pool.submit(finish, run, state) for run, state in zip(runs, states, strict=True)]
        while not all(future.done() for future in futures):
            time.sleep(0.05)
            share = sum(state.step for state in states) / sum(run.total for run in runs)
            report(share, f"{sum(future.done() for future in futures)}/{seeds} runs")
        for future in futures:
            future.result()
    return [(run, state) for run, state in zip(runs, states, strict=True) if state.step == run.total]


def _report(
    runs: list[tuple[Run, TrainState]], sampled: FunctionData | None, counted: RegionHistory | None, out: str,
    plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    from statistics import mean, stdev

    from nnapprox import files

    def quality(pair: tuple[Run, TrainState]) -> float:
        record = pair[1].history[-1]
        accuracy = record.get("test_accuracy")
        return float(accuracy if accuracy is not None else -record.get("test_loss", record["train_loss"]))

    run, state = sorted(runs, key=quality)[(len(runs) - 1) // 2]
    network = run.network(state)
    dataset = {"name": run.dataset.name, "fingerprint": run.dataset.fingerprint, "image_shape": run.dataset.image_shape}
    dataset |= stored_box(run.dataset, sampled.domain if sampled else None)
    metadata = {"command": "train", "recipe": run.recipe.to_json(), "seed": run.recipe.seed, "dataset": dataset}
    files.save(network, out, metadata)
    proved = sampled.certify(network) if sampled else {}
    if proved:
        files.save(network, out, {**metadata, **proved})
    if plot is not None:
        from nnapprox import plots

        widths = ", ".join(map(str, network.widths))
        plots.save(plots.learning_curve(state.history, f"[{widths}] on {run.dataset.name}"), plot)
    last = state.history[-1]
    rate = sum(s.step for _, s in runs) / max(sum(s.kernel_seconds for _, s in runs), 1e-9)
    result: dict[str, Any] = {
        "dataset": run.dataset.name,
        "network": output.network_json(network, out),
        "history": state.history,
        "test_accuracy": last.get("test_accuracy"),
        "samples_per_second": rate,
        "kernel_seconds": sum(s.kernel_seconds for _, s in runs),
        "cpu_seconds": time.process_time(),
        "seed": run.recipe.seed,
        "weight_decay": run.decay,
    }
    qualities = [abs(quality(pair)) for pair in runs]
    if len(runs) > 1:
        result["seeds"] = [r.recipe.seed for r, _ in runs]
        result["test_accuracies" if last.get("test_accuracy") is not None else "test_losses"] = qualities
        result["mean"], result["standard_deviation"] = mean(qualities), stdev(qualities)
    if counted is not None:
        result["regions_counted_on"] = counted.text
    if proved:
        result["certificate"] = proved["certificate"]
    if as_json:
        output.print_json(result)
        return
    pairs: dict[str, object] = {
        "data set": run.dataset.describe(),
        "network": f"{list(network.widths)}, {network.activation}",
    }
    if last.get("test_accuracy") is not None:
        pairs["test accuracy"] = f"{100 * last['test_accuracy']:.2f} %"
    elif "test_loss" in last:
        pairs["test loss"] = f"{last['test_loss']:.6g}"
    if len(runs) > 1:
        unit = 100 if last.get("test_accuracy") is not None else 1
        pairs[f"over {len(runs)} seeds"] = (
            f"{unit * mean(qualities):.4g} ± {unit * stdev(qualities):.2g}, the median run kept"
        )
    if proved:
        pairs["certificate"] = output.certificate_text(proved["certificate"])
    if "activation_regions" in last and counted is not None:
        pairs["activation regions"] = f"{last['activation_regions']:,} on {counted.text}"
    penalty = f", without the penalty {run.decay:g} |theta|^2 / 2" if run.decay else ""
    pairs["training loss"] = f"{last['train_loss']:.6g}{penalty}"
    pairs["speed"] = f"{rate:,.0f} samples/s"
    pairs["seed"] = run.recipe.seed
    pairs["written"] = out if plot is None else f"{out}, {plot}"
    output.print_pairs(pairs)
