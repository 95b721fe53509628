"""``panoradar simulate``: a simulated drive, or many buildings or rooms to learn from, on disk."""

import argparse

from panoradar_ros.commands import (
    simulate_dataset,
    simulate_drive,
    simulate_rooms,
    simulate_scenes,
)

KINDS = {
    "drive": (simulate_drive, "rotations of a drive through one building, and their truth"),
    "dataset": (simulate_dataset, "frames of many buildings, to train and evaluate networks"),
    "rooms": (simulate_rooms, "rooms with people before two fixed radars, to train REXO on"),
    "scenes": (simulate_scenes, "people in clothes and rooms behind walls, to train mmAnomaly on"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the kinds and their options."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, (module, purpose) in KINDS.items():
        one = kinds.add_parser(name, help=purpose, description=purpose)
        module.add_arguments(one)
        one.set_defaults(simulate=module.run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate what is asked for."""
    return int(arguments.simulate(arguments))
