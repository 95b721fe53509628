"""Recognition node: the power cube in; learned range image, normals, points and scan out."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from sensor_msgs.msg import PointCloud2

from mmwave.inference import ModelError, OnnxModel
from mmwave.resources import share_path
from mmwave.ros.cubes import cube_arrays
from mmwave.ros.diagnostics import Key, Level, Rate, Status
from mmwave.ros.messages import to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import sensor_qos
from panoradar_ros.imaging.cube import Cube
from panoradar_ros.nodes.recognition_parameters import PARAMETERS
from panoradar_ros.nodes.recognition_topics import RecognitionTopics
from panoradar_ros.recognition.models import (
    RANGE_MODEL,
    SEMANTIC_MODEL,
    mismatch,
    model_path,
)
from panoradar_ros.recognition.range_image import RangeRecogniser
from panoradar_ros.recognition.semantics import SemanticRecogniser


class RecognitionNode(LifecycleNode):
    """Makes a range image of every turn that the imaging node hands over.

    Attributes:
        turns: worked through so far.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (*LifecycleNode.USER_ERRORS, ModelError)

    def __init__(self, **options: Any) -> None:
        super().__init__("recognition", **options)
        self._rate = Rate()
        self._last_ms = self._latency_s = 0.0
        self._problem = ""
        self.turns = 0

    def configure(self) -> None:
        """Load the model and create the topics."""
        values = self.parameters.values()
        self._recognise = RangeRecogniser(self._model(values["range_model"] or RANGE_MODEL))
        self._name: SemanticRecogniser | None = None
        if values["semantic"]:
            model = self._model(values["semantic_model"] or SEMANTIC_MODEL)
            self._name = SemanticRecogniser(model, values["minimum_score"])
            if problem := mismatch(self._recognise.model.card, model.card):
                self.get_logger().warning(problem)
        image = self._recognise.warm_up()
        if self._name is not None:
            self._name(self._recognise.echo, image)
        self._topics = RecognitionTopics(self, self._recognise.grid)
        self.diagnostics("recognition").add("range images", self._status)

    def activate(self) -> None:
        """Take cubes, by reference where imaging is in this process."""
        self._cubes = self.handover_subscriber(
            PointCloud2, "cube", cube_from_message, sensor_qos(35_000_000, depth=1), depth=1
        )
        self.work("worker", self._work)

    def _model(self, path: str) -> OnnxModel:
        """A model of the package, or of the user."""
        values = self.parameters.values()
        model = OnnxModel(model_path(path), values["device"], values["threads"])
        card = model.card
        self.get_logger().info(f"{card.name} ({card.sha256[:12]}) runs on {model.provider}")
        return model

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """The scan's ranges must be in order."""
        if not values["minimum_range_m"] < values["maximum_range_m"]:
            return "parameter minimum_range_m must be less than maximum_range_m"
        return ""

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            cube: Cube | None = self._cubes.get(timeout_s=0.05)
            if cube is None or not self._topics.has_listeners():
                continue
            begin_s = time.perf_counter()
            try:
                image = self._recognise(cube.power, cube.coverage, cube.range_bin_m)
                named = self._name(self._recognise.echo, image) if self._name else None
                self._problem = ""
            except ValueError as error:  # no echoes, or of another waveform: nothing is published
                self._problem = str(error)
                continue
            self._topics.publish(cube, image, self._recognise.echo, named)
            self._last_ms = 1e3 * (time.perf_counter() - begin_s)
            self._latency_s = (self.get_clock().now().nanoseconds - cube.end_ns) * 1e-9
            self._rate.tick()
            self.turns += 1

    def _status(self) -> Status:
        values = {
            "range_images_per_s": self._rate.per_s,
            Key.COMPUTED_LATENCY: self._latency_s,
            "range_image_ms": self._last_ms,
            "cubes_dropped": self._cubes.dropped if self.is_active else 0,
            "provider": self._recognise.model.provider,
            "model": self._recognise.model.card.name,
        }
        if self._problem:
            return Status(Level.ERROR, self._problem, values)
        if not self._rate.per_s:
            return Status(Level.WARN, "no cube was recognised: does anyone listen?", values)
        return Status(Level.OK, "recognising", values)


def cube_from_message(message: Any) -> Cube:
    """The cube of a message.

    Raises:
        ValueError: the message is no cube.
    """
    power, rays = cube_arrays(message)
    end_ns = to_time_ns(message.header.stamp)
    offset_s = rays["time_offset_s"].astype(np.float64)
    start_s = float(offset_s.min())
    poses = np.stack([rays["robot_x"], rays["robot_y"], rays["robot_yaw"]], axis=-1)
    return Cube(
        power,
        rays["coverage"],
        offset_s - start_s,
        poses,
        end_ns + round(start_s * 1e9),
        end_ns,
        float(rays["range_bin_m"][0]),
    )


def main() -> int:
    """Run the node."""
    return run(RecognitionNode, profile=share_path("config/fastdds.xml"))
