"""``panoradar doctor``: what is wrong with this machine and the command that mends it."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Check everything; 1 if something fails."""
    from panoradar_ros import doctor

    checks = doctor.run_doctor()
    print(doctor.as_json(checks) if arguments.json else doctor.as_text(checks))
    return 0 if doctor.is_healthy(checks) else 1
