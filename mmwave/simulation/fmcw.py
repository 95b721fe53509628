"""IF samples of a turning, driving FMCW radar in a world of scatterers.

A reflector at one-way distance d adds to sample n of a chirp (stop-and-hop: the distance is the one
at the middle of that transmitter's sampling)::

    s[n] += A exp(+j (4 pi d_a f_n / c + phase)),      d_a = d - h_a sin(elevation)

d_a is the far-field distance of virtual antenna a at height h_a above the array's centre, and
A = sqrt(P_r) by the radar equation with the two-way antenna gain. :func:`synthesize` evaluates the
sum as a non-uniform FFT, :func:`synthesize_direct` term by term; they agree to 1e-4.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from mmwave.simulation import spreading
from mmwave.simulation.receiver import LinkBudget
from mmwave.waveform import SPEED_OF_LIGHT_MPS, AntennaArray, Waveform

GAIN_LIMIT_DB = -50.0
"""Scatterers with less two-way gain than this are left out."""
POINT, PLANE, EDGE = spreading.POINT, spreading.PLANE, spreading.EDGE


@dataclass(frozen=True)
class Scatterers:
    """What reflects during one interval of time.

    Attributes:
        position_m: (scatterer, 3) world position at the interval's reference time; of a mirror, any
            point on it.
        velocity_mps: (scatterer, 3) world velocity.
        strength: (scatterer, 2) at the beginning and at the end of the interval, linear in between.
            For a point the square root of its radar cross-section in metres; for a mirror its
            amplitude reflection coefficient (a smooth plane answers like a radar cross-section of
            pi R^2 |Gamma|^2 at its distance R: the radar's own image at 2 R).
        phase_rad: (scatterer,) reflection phase.
        kind: (scatterer,) uint8 :data:`POINT`, :data:`PLANE` or :data:`EDGE` (two planes at a right
            angle, which send everything back as their common edge's mirror image).
        axis: (scatterer, 3) unit normal of a plane, unit direction of an edge, zero for a point.

    Raises:
        ValueError: shapes disagree.
    """

    position_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    strength: NDArray[np.float32]
    phase_rad: NDArray[np.float64]
    kind: NDArray[np.uint8]
    axis: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.position_m)
        for name, shape in (
            ("position_m", (count, 3)),
            ("velocity_mps", (count, 3)),
            ("strength", (count, 2)),
            ("phase_rad", (count,)),
            ("kind", (count,)),
            ("axis", (count, 3)),
        ):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} must be {shape}, got {found}")

    def __len__(self) -> int:
        return len(self.position_m)

    @staticmethod
    def points(
        position_m: NDArray[np.floating],
        radar_cross_section_m2: NDArray[np.floating] | float,
        velocity_mps: NDArray[np.floating] | None = None,
        phase_rad: NDArray[np.floating] | None = None,
    ) -> "Scatterers":
        """Points of constant radar cross-section, shapes (scatterer, 3) and (scatterer,)."""
        position = np.atleast_2d(np.asarray(position_m, np.float64))
        count = len(position)
        root = np.sqrt(np.broadcast_to(np.asarray(radar_cross_section_m2, np.float64), (count,)))
        velocity = np.zeros((count, 3)) if velocity_mps is None else np.atleast_2d(velocity_mps)
        return Scatterers(
            position,
            np.asarray(velocity, np.float64),
            np.repeat(root[:, None], 2, axis=1).astype(np.float32),
            np.zeros(count) if phase_rad is None else np.asarray(phase_rad, np.float64),
            np.full(count, POINT, np.uint8),
            np.zeros((count, 3)),
        )

    @staticmethod
    def mirrors(
        position_m: NDArray[np.floating],
        axis: NDArray[np.floating],
        reflection: NDArray[np.floating],
        kind: int = PLANE,
    ) -> "Scatterers":
        """Planes or edges: a point on each, its axis (scatterer, 3), |Gamma| (scatterer, 2)."""
        position = np.asarray(position_m, np.float64).reshape(-1, 3)
        count = len(position)
        return Scatterers(
            position,
            np.zeros((count, 3)),
            np.asarray(reflection, np.float32).reshape(-1, 2),
            np.full(count, np.pi),
            np.full(count, kind, np.uint8),
            np.asarray(axis, np.float64).reshape(-1, 3),
        )

    @staticmethod
    def join(parts: "list[Scatterers]") -> "Scatterers":
        """Concatenate, in order."""
        return Scatterers(
            np.concatenate([part.position_m for part in parts]),
            np.concatenate([part.velocity_mps for part in parts]),
            np.concatenate([part.strength for part in parts]),
            np.concatenate([part.phase_rad for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.axis for part in parts]),
        )


@dataclass(frozen=True)
class AntennaTrack:
    """Where the array's centre is whenever a transmitter samples.

    Attributes:
        time_s: (position, transmitter) time after the scatterers' reference time.
        position_m: (position, transmitter, 3) array centre in the world.
        boresight_rad: (position, transmitter) boresight azimuth in the world.
        blend: (position,) 0 at the beginning of the scatterers' interval, 1 at its end.

    Raises:
        ValueError: shapes disagree.
    """

    time_s: NDArray[np.float64]
    position_m: NDArray[np.float64]
    boresight_rad: NDArray[np.float64]
    blend: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = self.time_s.shape
        if (
            len(shape) != 2
            or self.position_m.shape != (*shape, 3)
            or self.boresight_rad.shape != shape
            or self.blend.shape != shape[:1]
        ):
            raise ValueError(
                "an antenna track needs time_s (position, transmitter), position_m (..., 3), "
                f"boresight_rad and blend (position,), got {shape}, {self.position_m.shape}, "
                f"{self.boresight_rad.shape}, {self.blend.shape}"
            )

    @staticmethod
    def from_pose(
        time_s: NDArray[np.float64],
        turntable_rad: NDArray[np.float64],
        pose: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
        radius_m: float,
        height_m: float,
        blend: NDArray[np.float64] | None = None,
    ) -> "AntennaTrack":
        """Place the array on its arm.

        Args:
            time_s: (position, transmitter) times after the scatterers' reference time.
            turntable_rad: (position, transmitter) turntable angle in base_link.
            pose: x_m, y_m and yaw_rad of base_link, each (position, transmitter).
            radius_m: length of the arm.
            height_m: height of the array's centre in the world.
            blend: see the class; zero without it.
        """
        x_m, y_m, yaw_rad = pose
        boresight_rad = yaw_rad + turntable_rad
        position_m = np.stack(
            [
                x_m + radius_m * np.cos(boresight_rad),
                y_m + radius_m * np.sin(boresight_rad),
                np.full_like(boresight_rad, height_m),
            ],
            axis=-1,
        )
        if blend is None:
            blend = np.zeros(len(time_s))
        return AntennaTrack(time_s, position_m, boresight_rad, blend)


def _gain_tables(array: AntennaArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Azimuth and elevation gain over the sine of the angle, -1..1."""
    angle_rad = np.arcsin(np.linspace(-1, 1, spreading.GAIN_STEPS + 1))
    zero = np.zeros_like(angle_rad)
    azimuth = array.two_way_gain(angle_rad, zero)
    elevation = array.two_way_gain(zero, angle_rad)
    return azimuth.astype(np.float32), elevation.astype(np.float32)


def synthesize(
    scatterers: Scatterers,
    track: AntennaTrack,
    waveform: Waveform,
    array: AntennaArray,
    budget: LinkBudget | None = None,
) -> NDArray[np.complex64]:
    """Samples without leakage and noise, in ADC counts, by non-uniform FFT.

    Scatterers beyond ``waveform.max_range_m`` are left out, as by an anti-aliasing filter.

    Returns:
        (position, antenna, sample) complex64.

    Raises:
        ValueError: the array does not fit the waveform, or is too tall for the range grid.
    """
    _check(waveform, array)
    budget = budget or LinkBudget()
    samples = waveform.samples_per_chirp
    cells = spreading.OVERSAMPLING * samples
    cells_per_m = cells / waveform.max_range_m
    tallest_cells = float(np.abs(array.heights_m).max()) * cells_per_m
    if tallest_cells > spreading.SLACK_CELLS:
        raise ValueError(
            f"heights_m reach {tallest_cells:.2f} range grid cells from the array's centre; "
            f"at most {spreading.SLACK_CELLS} are simulated"
        )
    azimuth_gain, elevation_gain = _gain_tables(array)
    turns_per_m = 2 * float(waveform.sample_hz[samples // 2]) / SPEED_OF_LIGHT_MPS
    # widest azimuth that can pass the gain limit, and how far a block of positions turns
    passing = azimuth_gain > 10 ** (GAIN_LIMIT_DB / 20)
    widest = np.arcsin(np.abs(np.linspace(-1, 1, spreading.GAIN_STEPS + 1)[passing]).max())
    turned = np.abs(np.diff(np.unwrap(track.boresight_rad[:, 0])))
    half_block = float(turned.max(initial=0)) * spreading.POSITIONS_PER_BLOCK / 2
    reach_rad = widest + half_block + np.deg2rad(2)
    spectrum = np.empty((*track.time_s.shape[:1], array.antennas, cells), np.complex64)
    spreading.spread(
        scatterers.position_m,
        scatterers.velocity_mps,
        scatterers.axis,
        scatterers.kind,
        scatterers.strength,
        scatterers.phase_rad / (2 * np.pi),
        track.position_m,
        np.stack([np.cos(track.boresight_rad), np.sin(track.boresight_rad)], axis=-1),
        track.time_s,
        track.blend,
        tuple((array.heights_m * turns_per_m).astype(np.float32)),
        tuple((array.heights_m * cells_per_m).astype(np.float32)),
        tuple(range(waveform.receivers)),
        azimuth_gain,
        elevation_gain,
        spreading.tap_polynomials(),
        cells_per_m,
        turns_per_m,
        float(budget.counts(waveform, 1.0, 1.0)),
        10 ** (GAIN_LIMIT_DB / 20),
        float(np.cos(min(reach_rad, np.pi / 2))),
        cells,
        spectrum,
    )
    time_domain = scipy.fft.ifft(spectrum, axis=-1, norm="forward", overwrite_x=True)
    half = samples // 2
    factor = spreading.deapodisation(samples).astype(np.float32)
    result = np.empty((*spectrum.shape[:2], samples), np.complex64)
    np.multiply(time_domain[..., -half:], factor[:half], out=result[..., :half])
    np.multiply(time_domain[..., : samples - half], factor[half:], out=result[..., half:])
    return result


def synthesize_direct(
    scatterers: Scatterers,
    track: AntennaTrack,
    waveform: Waveform,
    array: AntennaArray,
    budget: LinkBudget | None = None,
) -> NDArray[np.complex128]:
    """The same as :func:`synthesize`, every term summed in float64: slow, the reference."""
    _check(waveform, array)
    budget = budget or LinkBudget()
    result = np.zeros(
        (len(track.time_s), array.antennas, waveform.samples_per_chirp), np.complex128
    )
    receivers = array.antennas // waveform.transmitters
    for p, k in np.ndindex(*track.time_s.shape):
        offset = reflection_offset_m(scatterers, float(track.time_s[p, k]), track.position_m[p, k])
        distance = np.linalg.norm(offset, axis=1)
        bearing = np.arctan2(offset[:, 1], offset[:, 0]) - track.boresight_rad[p, k]
        azimuth = np.angle(np.exp(1j * bearing))
        azimuth[np.hypot(offset[:, 0], offset[:, 1]) < 1e-6] = 0.0  # straight up or down
        sine = offset[:, 2] / distance
        gain = array.two_way_gain(azimuth, np.arcsin(sine))
        seen = (gain >= 10 ** (GAIN_LIMIT_DB / 20)) & (distance < waveform.max_range_m)
        seen &= np.abs(azimuth) < np.pi / 2
        strength = scatterers.strength @ [1 - track.blend[p], track.blend[p]]
        mirror = scatterers.kind != POINT
        root_rcs = np.where(mirror, np.sqrt(np.pi) * distance * strength, strength)
        amplitude = budget.counts(waveform, root_rcs**2, distance) * gain
        for a in range(k * receivers, (k + 1) * receivers):
            one_way = (distance - array.heights_m[a] * sine)[seen]
            phase = 4 * np.pi * np.outer(one_way, waveform.sample_hz) / SPEED_OF_LIGHT_MPS
            phasor = np.exp(1j * (phase + scatterers.phase_rad[seen, None]))
            result[p, a] = amplitude[seen] @ phasor
    return result


def reflection_offset_m(
    scatterers: Scatterers, time_s: float, antenna_m: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Vectors (scatterer, 3) from an antenna (3,) to where each scatterer reflects.

    Args:
        scatterers: points and mirrors.
        time_s: time after their reference time.
        antenna_m: position of the antenna.
    """
    offset = scatterers.position_m + scatterers.velocity_mps * time_s - antenna_m
    along = np.sum(offset * scatterers.axis, axis=1, keepdims=True) * scatterers.axis
    kind = scatterers.kind[:, None]
    return np.where(kind == PLANE, along, np.where(kind == EDGE, offset - along, offset))


def _check(waveform: Waveform, array: AntennaArray) -> None:
    if array.antennas != waveform.virtual_antennas:
        raise ValueError(
            f"the array has {array.antennas} antennas, the waveform makes "
            f"{waveform.virtual_antennas} (transmitters x receivers)"
        )
