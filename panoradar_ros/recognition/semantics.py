"""Classes, boxes and people of a learned range image (ONNX)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import OnnxModel
from panoradar_ros.recognition.detections import (
    OBJECTS,
    PUBLISHED_SCORE,
    Detection,
    decode_cells,
    person_position_m,
    ranges_in,
)
from panoradar_ros.recognition.features import CHANNELS, CLASSES, semantic_features
from panoradar_ros.recognition.range_image import LearnedRangeImage

IGNORED = 255
"""Label of rays without a range."""

COLOURS = np.array(
    [
        (230, 60, 60),  # person
        (240, 160, 40),  # chair or table
        (170, 120, 60),  # railing
        (250, 230, 70),  # trashcan
        (160, 60, 200),  # stairs
        (60, 200, 200),  # elevator
        (120, 80, 40),  # door
        (90, 180, 250),  # window
        (110, 110, 110),  # ceiling
        (190, 190, 190),  # wall
        (90, 140, 70),  # floor
    ],
    np.uint8,
)
"""(class, 3) rgb, in the order of the classes."""


@dataclass(frozen=True)
class Person:
    """Somebody in view.

    Attributes:
        range_m: from the turntable's axis.
        azimuth_rad: counter-clockwise from straight ahead, -pi to pi.
        score: 0 to 1.
    """

    range_m: float
    azimuth_rad: float
    score: float


@dataclass(frozen=True)
class SemanticImage:
    """What the second network says of one turn.

    Attributes:
        label: (row, column) uint8 classes, IGNORED where there is no range.
        detections: boxes with a range in them, the best first.
        people: where the people among them stand.
    """

    label: NDArray[np.uint8]
    detections: list[Detection]
    people: list[Person]


class SemanticRecogniser:
    """Names what is in a range image.

    Args:
        model: the exported semantic network.
        least_score: weaker detections are left out.

    Raises:
        ModelError: the model is no semantic network.
    """

    def __init__(self, model: OnnxModel, least_score: float = PUBLISHED_SCORE) -> None:
        model.require(
            {"features": ("float32", (1, len(CHANNELS), None, None))},
            {
                "logits": (CLASSES, None, None),
                "objects": (len(OBJECTS), None, None),
                "edges": (4, None, None),
            },
            f"features of {len(CHANNELS)} channels: choose a panoradar_semantic model",
        )
        self.model = model
        self.least_score = least_score

    def __call__(self, echo: NDArray[np.uint8], image: LearnedRangeImage) -> SemanticImage:
        """Name what is in a turn.

        Args:
            echo: (row, column, range) that the image was made of.
            image: learned ranges, confidence and normals.

        Raises:
            ModelError: the image has another shape than the model wants.
        """
        range_m = image.range_m
        features = semantic_features(
            echo, range_m, image.spread_m, image.confidence, image.ray_normal, image.hint
        )
        found = self.model.run(features=features[None])
        label = labels_of(found["logits"], range_m)
        boxes = decode_cells(found["objects"], found["edges"], self.least_score)
        detections = [one for one in boxes if ranges_in(one, range_m).size]
        people = []
        for one in detections:
            where = person_position_m(one, range_m) if one.kind == 0 else None
            if where is not None:
                people.append(Person(*where, one.score))
        return SemanticImage(label, detections, people)


def labels_of(logits: NDArray[np.floating], range_m: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Classes as they are published.

    Args:
        logits: (class, row, column).
        range_m: (row, column) learned.

    Returns:
        (row, column) classes, IGNORED where there is no range.
    """
    label = logits.argmax(axis=0).astype(np.uint8)
    label[~np.isfinite(range_m)] = IGNORED
    return label


def coloured(label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Classes as colours, (row, column, 3) rgb8; black where there is none."""
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(COLOURS)] = COLOURS
    return palette[label]
