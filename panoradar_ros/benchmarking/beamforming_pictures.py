"""Pictures of the beam for docs/beamforming.md, made by ``panoradar bench beamforming --pictures``.

Compare Lai et al. 2024, figures 5 and 6: the pattern of a circular aperture and what two reflectors
close to each other look like through it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import j0

from mmwave.line_chart import Chart, Line, save
from mmwave.waveform import AntennaArray
from panoradar_ros.benchmarking.point_reflectors import point_rotation
from panoradar_ros.imaging.beamforming import Beamformer, range_profiles
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion

COLUMNS = 4096
DISTANCE_M = 5.0
AMPLITUDE = 1500.0


def beam_cut(reflectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power over azimuth near zero at the range of the strongest echo, by the beamformer itself.

    Args:
        reflectors: (reflector, 3) of :func:`point_rotation`.

    Returns:
        Azimuth in degrees, rising, and power over its largest value, (column,) each.
    """
    array = AntennaArray()
    rotation = point_rotation(reflectors, array)
    grid = PanoramaGrid(columns=COLUMNS, rows=2, elevation_limit_rad=1e-3)
    power, _ = Beamformer(array).power(rotation, range_profiles(rotation), PlanarMotion(), grid)
    cell = int(power[0].max(axis=0).argmax())
    azimuth_deg = -360.0 * np.arange(COLUMNS) / COLUMNS
    azimuth_deg[azimuth_deg <= -180] += 360
    order = np.argsort(azimuth_deg)
    beam = power[0, order, cell].astype(np.float64)
    return azimuth_deg[order], beam / beam.max()


def half_power_width_deg() -> float:
    """Full width at half power of the beam on one reflector, between columns by straight lines."""
    azimuth_deg, beam = beam_cut(np.array([[DISTANCE_M, 0.0, AMPLITUDE]]))
    above = np.flatnonzero(beam >= 0.5)
    first, last = above[0], above[-1]
    left = np.interp(0.5, beam[first - 1 : first + 1], azimuth_deg[first - 1 : first + 1])
    right = np.interp(-0.5, -beam[last : last + 2], azimuth_deg[last : last + 2])
    return float(right - left)


def omnidirectional_cut(azimuth_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power of a whole circle of antennas that see all around, by direct summation."""
    array = AntennaArray()
    turn = 2 * np.pi * np.arange(2048) / 2048
    path_m = array.radius_m * (np.cos(turn - np.deg2rad(azimuth_deg)[:, None]) - np.cos(turn))
    return np.abs(np.exp(1j * array.wavenumber_rad_per_m * path_m).mean(axis=1)) ** 2


def save_beam_width(path: Path) -> None:
    """The beam of the matched taper, and eq. 4 beside the circle it describes."""
    array = AntennaArray()
    azimuth_deg, beam = beam_cut(np.array([[DISTANCE_M, 0.0, AMPLITUDE]]))
    fine_deg = np.linspace(-6, 6, 2401)
    argument = 2 * array.wavenumber_rad_per_m * array.radius_m * np.sin(np.deg2rad(fine_deg) / 2)
    level = (-3.0, "half power")
    width_deg = half_power_width_deg()
    matched = Chart(
        "A point reflector at 5 m through the beamformer",
        "azimuth, deg",
        "power, dB",
        [Line(f"matched taper, {width_deg:.2f} deg wide", azimuth_deg, _decibel(beam))],
        (-12, 12),
        (-60, 3),
        levels=[level],
    )
    theory = Chart(
        "A whole circle of antennas without a pattern",
        "azimuth, deg",
        "power, dB",
        [
            Line("direct sum", fine_deg[::8], _decibel(omnidirectional_cut(fine_deg[::8])), True),
            Line("J0(2 K r sin(D/2)), eq. 4", fine_deg, _decibel(j0(argument) ** 2)),
        ],
        (-3, 3),
        (-30, 3),
        levels=[level],
    )
    save(path, [matched, theory])


def save_two_reflectors(path: Path) -> None:
    """Two equal reflectors, 3 and 1.5 degrees apart, for three differences of their phases."""
    wavelength_m = AntennaArray().wavelength_m
    charts = []
    for apart_deg in (3.0, 1.5):
        lines = []
        for quarter in (0, 1, 2):
            farther_m = quarter * wavelength_m / 8
            half = np.deg2rad(apart_deg) / 2
            azimuth_deg, beam = beam_cut(
                np.array(
                    [[DISTANCE_M, -half, AMPLITUDE], [DISTANCE_M + farther_m, half, AMPLITUDE]]
                )
            )
            lines.append(Line(f"phases {90 * quarter} deg apart", azimuth_deg, _decibel(beam)))
        title = f"Two reflectors {apart_deg:g} deg apart"
        charts.append(Chart(title, "azimuth, deg", "power, dB", lines, (-8, 8), (-30, 6)))
    save(path, charts)


def _decibel(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, 1e-12))
