"""A watched scene, and what the radar should have seen of it, in a Rerun recording."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.spectrum import CEILING_DB, FLOOR_DB
from mmwave.viewer_server import rerun_module

TIMELINE = "time"
PICTURES = ("depth", "image", "measured", "expected", "spread", "heatmap")
"""Topics under ``anomaly/`` that are shown as they are."""

FOUND_COLOUR, TRUE_COLOUR, RADAR_COLOUR = (240, 70, 60), (100, 220, 100), (200, 200, 200)
PLACE_M = (0.15, 0.15, 0.8)
"""Half sizes of what marks a place."""
RADAR_HEIGHT_M = 1.0
SPREAD_DB = 10.0
FARTHEST_M = 8.0
"""Depths beyond it are shown alike."""

_RANGES = {
    "depth": (0.0, FARTHEST_M),
    "measured": (FLOOR_DB, CEILING_DB),
    "expected": (FLOOR_DB, CEILING_DB),
    "spread": (0.0, SPREAD_DB),
    "heatmap": (0.0, 1.0),
}
_COLOURS = {"depth": "turbo", "heatmap": "inferno"}


class WatchLog:
    """Logs one watch. Axes are REP 103's: x ahead of the radar, y to the left, z up.

    Args:
        recording: a :class:`rerun.RecordingStream`.
        reach_m: of the radar; the floor is drawn as far.
    """

    def __init__(self, recording: Any, reach_m: float) -> None:
        self._rerun, self._recording = rerun_module(), recording
        recording.log("scene", self._rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        azimuth = np.linspace(-np.pi / 3, np.pi / 3, 61)
        arcs = [
            np.stack([r * np.cos(azimuth), r * np.sin(azimuth), 0 * azimuth - RADAR_HEIGHT_M], -1)
            for r in np.arange(1.0, reach_m + 1e-6)
        ]
        sides = [np.stack([arc[edge] for arc in arcs]) for edge in (0, -1)]
        floor = self._rerun.LineStrips3D([*arcs, *sides], colors=(90, 90, 90), radii=0.005)
        recording.log("scene/floor", floor, static=True)
        radar = self._rerun.Boxes3D(
            centers=[[0, 0, 0]], half_sizes=[[0.02, 0.08, 0.04]], colors=RADAR_COLOUR
        )
        recording.log("scene/radar", radar, static=True)

    def log_found(self, time_ns: int, position_m: NDArray[np.floating]) -> None:
        """Places of anomalies.

        Args:
            time_ns: UNIX time.
            position_m: (anomaly, 2) right and depth.
        """
        self._log_places("scene/found", time_ns, position_m, FOUND_COLOUR)

    def log_truth(self, time_ns: int, position_m: NDArray[np.floating]) -> None:
        """Where they really are, likewise; of a simulation."""
        self._log_places("scene/truth", time_ns, position_m, TRUE_COLOUR)

    def log_state(self, time_ns: int, text: str) -> None:
        """The alarm's state in words."""
        self._set_time(time_ns)
        self._recording.log(
            "state", self._rerun.TextDocument(f"# {text}", media_type="text/markdown")
        )

    def log_picture(self, time_ns: int, name: str, pixels: NDArray[Any]) -> None:
        """One of :data:`PICTURES`; spectra and heatmap with the nearest range in the first row.

        Args:
            time_ns: UNIX time.
            name: of it.
            pixels: (row, column), or (row, column, 3) uint8 of the image.
        """
        self._set_time(time_ns)
        if pixels.ndim == 3:
            self._recording.log(f"pictures/{name}", self._rerun.Image(np.asarray(pixels)))
            return
        low, high = _RANGES[name]
        upright = pixels if name == "depth" else pixels[::-1]
        known = np.nan_to_num(np.asarray(upright, np.float64), nan=low, posinf=high, neginf=low)
        shade = np.clip((known - low) / (high - low), 0, 1)
        picture = self._rerun.DepthImage(
            (255 * shade).astype(np.uint8),
            depth_range=(0, 255),
            colormap=_COLOURS.get(name, "viridis"),
        )
        self._recording.log(f"pictures/{name}", picture)

    def _log_places(
        self, path: str, time_ns: int, position_m: NDArray[np.floating], colour: tuple[int, ...]
    ) -> None:
        self._set_time(time_ns)
        places = np.asarray(position_m, np.float64).reshape(-1, 2)
        centres = np.stack(
            [places[:, 1], -places[:, 0], np.full(len(places), PLACE_M[2] - RADAR_HEIGHT_M)], -1
        )
        labels = [f"{ahead:.2f} m ahead, {right:+.2f} m right" for right, ahead in places.tolist()]
        self._recording.log(
            path,
            self._rerun.Boxes3D(
                centers=centres,
                half_sizes=[PLACE_M] * len(places),
                colors=[colour] * len(places),
                labels=labels,
            ),
        )

    def _set_time(self, time_ns: int) -> None:
        self._recording.set_time(TIMELINE, timestamp=np.datetime64(time_ns, "ns"))


def layout() -> Any:
    """The window: scene and state on the left, pictures on the right."""
    rerun_module()
    import rerun.blueprint as blueprint

    scene = blueprint.Spatial3DView(
        origin="scene",
        name="Scene",
        eye_controls=blueprint.EyeControls3D(
            position=(-3.0, 0.0, 3.0), look_target=(2.5, 0.0, -0.5), eye_up=(0.0, 0.0, 1.0)
        ),
    )
    state = blueprint.TextDocumentView(origin="state", name="State")
    tabs = (
        {"depth": "Depth", "image": "Colour"},
        {"heatmap": "Heatmap: range up, sine across"},
        {"measured": "Measured, dB"},
        {"expected": "Expected, dB", "spread": "Spread, dB"},
    )
    views = [
        blueprint.Tabs(
            *(blueprint.Spatial2DView(origin=f"pictures/{one}", name=title)
              for one, title in tab.items()),
            active_tab=0,
        )
        for tab in tabs
    ]  # fmt: skip
    return blueprint.Blueprint(
        blueprint.Horizontal(
            blueprint.Vertical(scene, state, row_shares=[4, 1]),
            blueprint.Grid(*views, grid_columns=2),
            column_shares=[2, 3],
            name="Watch",
        ),
        blueprint.TimePanel(state="collapsed", timeline=TIMELINE),
        blueprint.SelectionPanel(state="hidden"),
        blueprint.BlueprintPanel(state="hidden"),
        auto_views=False,
    )
