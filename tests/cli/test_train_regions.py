"""``nnapprox train --regions-every``."""

import json
from pathlib import Path

import pytest

QUICK = ("--hidden", "8", "--quiet")


def test_the_history_has_the_counts_that_the_network_has(cli):
    train = cli("train", "--dataset", "digits", "--epochs", 4, "--regions-every", 2, *QUICK, "-o", "a.npz", "--json")
    told = json.loads(train.out)
    assert ["activation_regions" in record for record in told["history"]] == [False, True, False, True]
    assert "through the training samples" in told["regions_counted_on"]
    counted = json.loads(cli("regions", "a.npz", "--through-classes", "--activation-only", "--json").out)
    assert counted["activation_regions"] == told["history"][-1]["activation_regions"] > 1


@pytest.mark.parametrize(("function", "domain"), [("x^2", "-2,3"), ("x*y", "-1,1,0,2")])
def test_functions_of_few_inputs_are_counted_where_they_are_sampled(cli, function, domain):
    options = ("--function", function, f"--domain={domain}", "--samples", 300, "--epochs", 2, "--regions-every", 1)
    told = json.loads(cli("train", *options, *QUICK, "-o", "a.npz", "--json").out)
    counted = json.loads(cli("regions", "a.npz", "--json").out)
    assert ",".join(end for ends in counted["domain"] for end in ends) == domain
    assert counted["activation_regions"] == told["history"][-1]["activation_regions"]


def test_the_plot_shows_them(cli):
    options = ("--function", "x^2", "--samples", 300, "--epochs", 2, "--regions-every", 1, "--plot", "a.svg")
    assert cli("train", *options, *QUICK).status == 0
    assert Path("a.svg").stat().st_size > 1000


def test_counting_does_not_change_what_is_trained(cli):
    options = ("--dataset", "digits", "--epochs", 2, *QUICK)
    assert cli("train", *options, "-o", "a.npz").status == 0
    assert cli("train", *options, "-o", "b.npz", "--regions-every", 1).status == 0
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--activation", "tanh"), "no regions"),
        (("--seeds", 2), "along one run"),
        (("--regions-every", 0), "regions-every"),
    ],
)
def test_bad_options_write_nothing(cli, arguments, message):
    options = ("--dataset", "digits", "--epochs", 1, "--regions-every", 1, *QUICK, "-o", "a.npz")
    assert message in cli("train", *options, *arguments).failed(2)
    assert not Path("a.npz").exists()
