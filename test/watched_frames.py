"""Frames, images and a detector for tests of what is live: a reflector before a wall."""

from functools import lru_cache

import numpy as np

from mmanomaly_ros.alarm import AlarmSettings
from mmanomaly_ros.comparison import Comparison
from mmanomaly_ros.decision import Decision, WatchDecision
from mmanomaly_ros.detector import AnomalyDetector
from mmanomaly_ros.expectation import Expectation
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.spectrum import CHANNELS, FLOOR_DB, NOISE_COUNTS
from mmanomaly_ros.spectrum import WATCH_WAVEFORM as WAVE
from mmanomaly_ros.watch import ANGLES, RANGES, TASKS, cell_of
from mmwave.camera import RGBD_CAMERA
from mmwave.dca1000 import PositionBlock

PLACE_M = (0.6, 2.4)
"""Where the stub finds something."""
COLUMNS, ROWS = RGBD_CAMERA.size_px
FIRST_BIN, BIN_STEP = 20, 2
STEP = 6
"""By which the image of a frame is brighter than that of the one before."""


@lru_cache
def samples(number):
    """int16 (loop, antenna, sample, 2): leakage, noise, and a reflector straight ahead in a bin of
    the frame's own.
    """
    chirp = 2j * np.pi * np.arange(WAVE.samples_per_chirp) / WAVE.samples_per_chirp
    tone = 2000 * np.exp((FIRST_BIN + BIN_STEP * number) * chirp) + 3000 * np.exp(chirp)
    noise = np.random.default_rng(number).normal(
        0, NOISE_COUNTS / np.sqrt(2), (WAVE.loops_per_frame, WAVE.virtual_antennas, *chirp.shape, 2)
    )
    return (np.stack([tone.real, tone.imag], axis=-1) + noise).round().astype(np.int16)


def block(number, time_ns, valid=None, changed=None):
    """What the capture node hands over; its samples may be changed."""
    there = np.ones((WAVE.loops_per_frame, WAVE.virtual_antennas), bool)
    there = there if valid is None else valid
    offsets_ns = np.round(WAVE.position_offsets_s * 1e9).astype(np.int64)
    sent = samples(number) if changed is None else changed(samples(number))
    return PositionBlock(number, sent, time_ns + offsets_ns, there, WAVE)


def colour(number):
    """uint8 (row, column, 3): a pattern whose brightness tells the number."""
    pattern = 60 + 40 * ((np.arange(COLUMNS) // 8 + np.arange(ROWS)[:, None] // 8) % 2)
    return np.repeat((pattern + STEP * number).astype(np.uint8)[..., None], 3, axis=2)


def depth_mm():
    """uint16 (row, column): two walls that meet in a corner, with a box in it and a floor."""
    across = np.abs(np.arange(COLUMNS) - 70)[None, :] / COLUMNS
    depth = 3.5 - 2.0 * across + np.zeros((ROWS, 1))
    down = (np.arange(ROWS)[:, None] - RGBD_CAMERA.centre_px[1]) / RGBD_CAMERA.focal_px[1]
    depth = np.minimum(depth, 1.1 / np.maximum(down, 1e-6))
    depth[30:60, 60:85] = 2.2
    return np.rint(1e3 * depth).astype(np.uint16)


def number_of(context):
    """Whose image a context was made of."""
    brightness = 255 * (context.image[:3].max() + 0.5)
    return round((brightness - 100) / STEP)


def bin_of(spectrum_db):
    """Whose frame a spectrum was made of."""
    return (int(spectrum_db[0, 10:].max(axis=1).argmax()) + 10 - FIRST_BIN) / BIN_STEP


class Expects:
    """Expects nothing, before a wall that is as new as a test sets; keeps the contexts."""

    def __init__(self):
        self.contexts, self.wall_novelty = [], np.nan

    def __call__(self, context, generator):
        self.contexts.append(context)
        floor = np.full((len(CHANNELS), RANGES, ANGLES), FLOOR_DB, np.float32)
        some = np.ones(1)
        return Expectation(
            floor, floor * 0 + 2, floor[None], floor, some, some, some,
            wall_novelty=self.wall_novelty,
        )  # fmt: skip


class Compares:
    """Gives the score that a test sets, and one hot place; keeps the spectra."""

    def __init__(self):
        self.score, self.spectra = -1.0, []

    def __call__(self, measured_db, expectation, watch, fusion, range_bin_m):
        self.spectra.append(measured_db)
        row, column = cell_of(np.array(PLACE_M), range_bin_m)
        rows, columns = np.meshgrid(np.arange(RANGES), np.arange(ANGLES), indexing="ij")
        heat = 0.9 * np.exp(-(((rows - row) / 3) ** 2) - ((columns - column) / 3) ** 2)
        features = FrameFeatures(self.score)
        other = np.zeros((len(CHANNELS), RANGES, ANGLES), np.float32)
        return Comparison(
            heat.astype(np.float32), other, None, other, other, 0.0, self.score, features
        )


def detector(watch="weapon", window=2):
    """The real detector about both stubs, which it carries as ``expects`` and ``compares``."""
    decision = WatchDecision(window, AlarmSettings(0.0, 0.0, 1, 2))
    expects, compares = Expects(), Compares()
    found = AnomalyDetector(expects, compares, Decision({watch: decision}, {}), TASKS.index(watch))
    found.expects, found.compares = expects, compares
    return found
