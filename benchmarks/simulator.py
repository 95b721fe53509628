"""What does a simulated rotation cost, stage by stage?

Run as ``python benchmarks/simulator.py [rotations]``; prints JSON. The stages' wall times overlap:
visibility is found on a thread of its own.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numba

from mmwave.simulation import rotation
from mmwave.simulation.building import generate_building
from mmwave.simulation.rotation import DriveSimulator

STAGES = ("between", "synthesize", "leakage", "receive")


def timed(owner: Any, name: str, spent_s: dict[str, float]) -> None:
    function: Callable[..., Any] = getattr(owner, name)

    def wrapper(*arguments: Any) -> Any:
        begin = time.perf_counter()
        result = function(*arguments)
        spent_s[name] = spent_s.get(name, 0.0) + time.perf_counter() - begin
        return result

    setattr(owner, name, wrapper)


def run(rotations: float) -> dict[str, Any]:
    building = generate_building(1)
    begin = time.perf_counter()
    simulator = DriveSimulator(building, building.drive_loop())
    sampling_s = time.perf_counter() - begin
    begin = time.perf_counter()
    next(simulator.frames(1))
    first_s = time.perf_counter() - begin
    spent_s: dict[str, float] = {}
    for stage in STAGES:
        timed(rotation, stage, spent_s)
    timed(simulator, "view", spent_s)
    turn_s = 1 / simulator.revolutions_per_s
    frames = round(rotations * turn_s / simulator.waveform.frame_period_s)
    actual = frames * simulator.waveform.frame_period_s / turn_s
    begin, cpu = time.perf_counter(), time.process_time()
    for _ in simulator.frames(frames):
        pass
    return {
        "rotations": actual,
        "threads": numba.get_num_threads(),
        "load_before": os.getloadavg()[0],
        "surface_sampling_s": sampling_s,
        "first_frame_s": first_s,
        "wall_s_per_rotation": (time.perf_counter() - begin) / actual,
        "cpu_s_per_rotation": (time.process_time() - cpu) / actual,
        "stage_wall_s_per_rotation": {name: value / actual for name, value in spent_s.items()},
    }


if __name__ == "__main__":
    print(json.dumps(run(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0), indent=2))
