"""``panoradar``: everything the stack does, from one command."""

import argparse
import importlib
import logging
import signal
import sys

COMMANDS = {
    "demo": "watch an emulated radar image a simulated building, live",
    "up": "start capture, motor and imaging for a real or emulated radar",
    "record": "record topics into a bag",
    "replay": "play a bag, or image it again",
    "simulate": "write simulated drives, or frames of many buildings, to disk",
    "prepare": "make frames to train on of PanoRadar's raw recordings",
    "train": "train a network on frames from disk",
    "export": "write a trained network as an ONNX file with its card",
    "quantise": "an exported network of PanoRadar in 8 bits, for slow processors",
    "decide": "choose thresholds of alarms on normal frames, for a stated rate of false alarms",
    "adapt": "to a new place, from a few minutes of its normal frames",
    "ablate": "train and compare variants of a network, as one table",
    "evaluate": "what the networks are worth in places that they never saw",
    "check": "whether a data set on disk is what the loaders take it for",
    "image": "make pictures and points of a bag, a DCA1000 file or PanoRadar's raw format",
    "calibrate": "measure turntable and antennas with a standing radar, for the imaging node",
    "bench": "measure, as ratios to a reference",
    "doctor": "say what is wrong with this machine and the command that mends it",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; by default the program's.

    Returns:
        Exit status: 0, 1 when something did not work, 2 for wrong usage, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="panoradar", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--version", action="version", version=f"panoradar_ros {_version()}")
    parser.add_argument("--verbose", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in words if word in COMMANDS), None)
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        if name == chosen:  # importing all of them would make every start slow
            module = importlib.import_module(f"panoradar_ros.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    parsed = parser.parse_args(words)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # the same clean end as Ctrl-C; commands that run nodes have handlers of their own
        signal.signal(number, signal.default_int_handler)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not parsed.verbose:  # it warns of what is normal: a stopped radar that is stopped
        logging.getLogger("xwr/AWR1843").setLevel(logging.ERROR)
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        if parsed.verbose:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("panoradar_ros")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
