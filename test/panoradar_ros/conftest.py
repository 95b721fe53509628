"""Scenes that tests of several packages share."""

import numpy as np
import pytest

from mmwave.simulation.scene import SemanticClass
from panoradar_ros.learning.frames import Frame

ROWS, COLUMNS = 16, 64


@pytest.fixture
def object_scene():
    """Makes a frame: a wall at 5 m with objects (class, instance, row, column, height, width)."""
    return _scene


def _scene(*objects):
    label = np.full((ROWS, COLUMNS), SemanticClass.WALL, np.uint8)
    instance = np.zeros((ROWS, COLUMNS), np.int32)
    for class_id, number, row, column, height, width in objects:
        columns = np.arange(column, column + width) % COLUMNS
        label[row : row + height, columns] = class_id
        instance[row : row + height, columns] = number
    zero = np.zeros((ROWS, COLUMNS), np.float32)
    echo, normal = (np.zeros((ROWS, COLUMNS, n), kind) for n, kind in ((2, "u1"), (3, "i1")))
    return Frame(echo, zero + 5, zero, normal, label, instance, np.zeros((ROWS, COLUMNS), bool))
