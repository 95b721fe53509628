"""Commands of mmAnomaly as a user runs them, on scenes made by hand."""

import json
from dataclasses import replace

import numpy as np
from fake_scenes import spectrum_db

from mmanomaly_ros.spectrum import quantised
from panoradar_ros.cli import main

WATCHES = ("weapon", "intruder")
FRAMES = 6
STRANGER_M = (-0.6, 3.0)


def anomalous(one):
    """The same scene with somebody else, who returns a lot; noise stays what it is."""
    rng = np.random.default_rng(one.seed)
    more = np.stack([spectrum_db(rng, STRANGER_M) for _ in range(len(one))])
    more += 12 * (more > 12)
    spectra = np.maximum(quantised(more), one.spectra)
    everywhere = np.tile(np.float32(STRANGER_M), (len(one), 1))
    return replace(
        one,
        name=one.name.replace("_", "_anomaly_", 1),
        spectra=spectra,
        anomalous=np.ones(len(one), bool),
        position_m=everywhere,
        meta={**one.meta, "hidden": "pistol", "worn_at": "chest"},
    )


def panoradar(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    told = capsys.readouterr()
    assert status == 0, told.err
    return json.loads(told.out)


def evaluated(capsys, models, data, *more):
    words = ["evaluate", "mmanomaly", "--models", models, "--data", data, "--threads", 1]
    return panoradar(capsys, *words, "--watches", *WATCHES, "--json", *more)
