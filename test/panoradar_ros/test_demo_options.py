"""Options of the demo's systems: defaults are of all, anything else of one."""

import argparse

import pytest

from panoradar_ros.cli import main
from panoradar_ros.commands import demo
from panoradar_ros.commands.demo_options import OPTIONS, refuse_others


def parsed(*words):
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("system", OPTIONS)
def test_without_options_every_system_runs(system):
    arguments = parsed("--system", system)
    refuse_others(arguments)
    for options in OPTIONS.values():
        assert {name: getattr(arguments, name) for name in options} == options


@pytest.mark.parametrize(
    ("system", "words", "owner"),
    [
        ("panoradar", ["--watch", "fall"], "mmanomaly"),
        ("rexo", ["--camera-fault", "dark"], "mmanomaly"),
        ("mmanomaly", ["--people", "2"], "rexo"),
        ("mmanomaly", ["--style", "home"], "panoradar"),
    ],
)
def test_options_of_another_system_are_refused_by_name(system, words, owner):
    with pytest.raises(ValueError, match=f"{words[0]} is of --system {owner}, not of {system}"):
        refuse_others(parsed("--system", system, *words))


@pytest.mark.parametrize("option", ["--semantic-model", "--range-model"])
def test_a_model_that_nothing_would_use_is_refused(option, capsys):
    assert main(["demo", "--headless", "--seconds", "5", option, "x.onnx"]) == 1
    assert f"{option} is of --" in capsys.readouterr().err
