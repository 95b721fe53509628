"""People in a room, and what both radars saw of it, in a Rerun recording (https://rerun.io)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.viewer_server import rerun_module
from rexo_ros.pictures import SHOWN_DB
from rexo_ros.space import DEPTH, HORIZONTAL, Space

TIMELINE = "time"
TRUE_COLOUR, TRAIL_POINTS = (120, 220, 120), 60
COLOURS = (
    (230, 80, 80), (70, 150, 240), (240, 180, 60), (180, 120, 220), (80, 200, 200), (240, 130, 60),
)  # fmt: skip
"""Of tracks by their number, round and round."""


class RoomLog:
    """Logs people and heatmaps. Axes are REP 103's: x ahead of the radars, y to the left, z up.

    Args:
        recording: a :class:`rerun.RecordingStream`.
        space: the room; its floor is drawn.
    """

    def __init__(self, recording: Any, space: Space) -> None:
        self._rerun, self._recording = rerun_module(), recording
        self._trails: dict[int, list[list[float]]] = {}
        recording.log("room", self._rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        near, far = max(space.low_m[DEPTH], 0.0), space.high_m[DEPTH]
        left, right = -space.low_m[HORIZONTAL], -space.high_m[HORIZONTAL]
        lines = [
            [[x, left, space.floor_m], [x, right, space.floor_m]]
            for x in np.arange(near, far + 1e-6).tolist()
        ]
        lines += [
            [[near, y, space.floor_m], [far, y, space.floor_m]]
            for y in np.arange(right, left + 1e-6).tolist()
        ]
        grid = self._rerun.LineStrips3D(lines, colors=(90, 90, 90), radii=0.005)
        recording.log("room/floor", grid, static=True)
        radars = self._rerun.Boxes3D(
            centers=[[0, 0, 0]], half_sizes=[[0.03, 0.08, 0.08]], colors=(200, 200, 200)
        )
        recording.log("room/radars", radars, static=True)

    def log_tracks(self, time_ns: int, numbers: list[int], boxes_m: NDArray[np.floating]) -> None:
        """People who are followed, and where they came from.

        Args:
            time_ns: UNIX time.
            numbers: of the tracks.
            boxes_m: (N, 6) centre and size along x, y and z.
        """
        self._set_time(time_ns)
        colours = [COLOURS[number % len(COLOURS)] for number in numbers]
        self._log_boxes("room/people", boxes_m, colours, [str(one) for one in numbers])
        for gone in set(self._trails) - set(numbers):
            del self._trails[gone]
        for number, box in zip(numbers, boxes_m.tolist(), strict=True):
            trail = self._trails.setdefault(number, [])
            trail.append([box[0], box[1], box[2] - box[5] / 2])
            del trail[:-TRAIL_POINTS]
        strips = [self._trails[number] for number in numbers]
        self._recording.log(
            "room/trails", self._rerun.LineStrips3D(strips, colors=colours, radii=0.015)
        )

    def log_truth(self, time_ns: int, boxes_m: NDArray[np.floating]) -> None:
        """Where people really are, (N, 6) as above; of a simulation."""
        self._set_time(time_ns)
        self._log_boxes("room/truth", boxes_m, [TRUE_COLOUR] * len(boxes_m), [""] * len(boxes_m))

    def log_heatmap(self, time_ns: int, view: str, decibel: NDArray[np.floating]) -> None:
        """A view's heatmap, (row, column) dB."""
        self._set_time(time_ns)
        known = np.where(np.isfinite(decibel), decibel, -np.inf)
        highest = float(known.max())
        if not np.isfinite(highest):
            return
        shade = np.clip((known - highest + SHOWN_DB) / SHOWN_DB, 0, 1)
        image = self._rerun.DepthImage(
            (255 * shade).astype(np.uint8), depth_range=(0, 255), colormap="inferno"
        )
        self._recording.log(f"heatmaps/{view}", image)

    def _log_boxes(
        self, path: str, boxes_m: NDArray[np.floating], colours: list[Any], labels: list[str]
    ) -> None:
        boxes = np.asarray(boxes_m, np.float64).reshape(-1, 6)
        self._recording.log(
            path,
            self._rerun.Boxes3D(
                centers=boxes[:, :3], half_sizes=boxes[:, 3:] / 2, colors=colours, labels=labels
            ),
        )

    def _set_time(self, time_ns: int) -> None:
        self._recording.set_time(TIMELINE, timestamp=np.datetime64(time_ns, "ns"))


def layout() -> Any:
    """The window: the room on the left, both heatmaps on the right."""
    rerun_module()
    import rerun.blueprint as blueprint

    room = blueprint.Spatial3DView(
        origin="room",
        name="Room",
        eye_controls=blueprint.EyeControls3D(
            position=(-3.5, 0.0, 3.5), look_target=(3.5, 0.0, -0.5), eye_up=(0.0, 0.0, 1.0)
        ),
    )
    views = [
        blueprint.Spatial2DView(origin=f"heatmaps/{view}", name=f"{view} radar")
        for view in ("horizontal", "vertical")
    ]
    return blueprint.Blueprint(
        blueprint.Horizontal(room, blueprint.Vertical(*views), column_shares=[3, 2], name="People"),
        blueprint.TimePanel(state="collapsed", timeline=TIMELINE),
        blueprint.SelectionPanel(state="hidden"),
        blueprint.BlueprintPanel(state="hidden"),
        auto_views=False,
    )
