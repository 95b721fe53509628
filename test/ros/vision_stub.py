"""Messages of vision_msgs 4.1 as they are defined there: no wheel of them is to be had."""

from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

from geometry_msgs.msg import Pose, PoseWithCovariance, Vector3
from std_msgs.msg import Header


@dataclass
class Hypothesis:
    class_id: str = ""
    score: float = 0.0


@dataclass
class ObjectHypothesisWithPose:
    hypothesis: Hypothesis = field(default_factory=Hypothesis)
    pose: PoseWithCovariance = field(default_factory=PoseWithCovariance)


@dataclass
class BoundingBox2D:
    center: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(position=SimpleNamespace(x=0.0, y=0.0), theta=0.0)
    )
    size_x: float = 0.0
    size_y: float = 0.0


@dataclass
class BoundingBox3D:
    center: Pose = field(default_factory=Pose)
    size: Vector3 = field(default_factory=Vector3)


@dataclass
class Detection2D:
    header: Header = field(default_factory=Header)
    results: list = field(default_factory=list)
    bbox: BoundingBox2D = field(default_factory=BoundingBox2D)
    id: str = ""


@dataclass
class Detection3D:
    header: Header = field(default_factory=Header)
    results: list = field(default_factory=list)
    bbox: BoundingBox3D = field(default_factory=BoundingBox3D)
    id: str = ""


@dataclass
class Array:
    header: Header = field(default_factory=Header)
    detections: list = field(default_factory=list)


def vision_module() -> ModuleType:
    """What stands for ``vision_msgs.msg``."""
    module = ModuleType("vision_msgs.msg")
    module.Detection2DArray = module.Detection3DArray = Array
    module.Detection2D, module.Detection3D = Detection2D, Detection3D
    module.ObjectHypothesisWithPose = ObjectHypothesisWithPose
    return module
