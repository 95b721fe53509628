"""Holding results against the truth: one definition of every figure that the project prints."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.metrics import azimuth_difference_rad


@dataclass(frozen=True)
class MotionScore:
    """Errors of estimated velocities.

    Attributes:
        rotations: velocities that were compared.
        speed_mae_mps: mean absolute error of the speed.
        speed_p95_mps: its 95 % quantile.
        heading_mae_deg: mean absolute error of the direction, where the true speed is enough to
            have one; NaN if it never was.
        heading_p95_deg: its 95 % quantile.
    """

    rotations: int
    speed_mae_mps: float
    speed_p95_mps: float
    heading_mae_deg: float
    heading_p95_deg: float


def score_motion(
    estimated_mps: NDArray[np.float64],
    true_mps: NDArray[np.float64],
    minimum_speed_mps: float = 0.1,
) -> MotionScore:
    """Compare velocities as Lai et al. 2024 (section 8) do: speed and heading apart.

    Args:
        estimated_mps: (rotation, 2) in base_link.
        true_mps: (rotation, 2), mean over the same rotation.
        minimum_speed_mps: slower rotations have no heading.

    Raises:
        ValueError: shapes disagree or there is nothing to compare.
    """
    if estimated_mps.shape != true_mps.shape or estimated_mps.ndim != 2:
        raise ValueError(f"shapes must agree, got {estimated_mps.shape} and {true_mps.shape}")
    if not len(estimated_mps):
        raise ValueError("no rotation to compare")
    speed = np.hypot(*true_mps.T)
    speed_error = np.abs(np.hypot(*estimated_mps.T) - speed)
    moving = speed > minimum_speed_mps
    headings = (np.arctan2(*one[moving].T[::-1]) for one in (estimated_mps, true_mps))
    heading_error = np.rad2deg(np.abs(azimuth_difference_rad(*headings)))
    return MotionScore(
        len(speed),
        float(speed_error.mean()),
        float(np.quantile(speed_error, 0.95)),
        float(heading_error.mean()) if moving.any() else float("nan"),
        float(np.quantile(heading_error, 0.95)) if moving.any() else float("nan"),
    )


@dataclass(frozen=True)
class ScanScore:
    """Errors of a planar scan.

    Attributes:
        median_error_m: median of the absolute range error over the rays that both have.
        p90_error_m: its 90 % quantile.
        detected_fraction: share of the rays with a true range that have a measured one.
    """

    median_error_m: float
    p90_error_m: float
    detected_fraction: float


def score_scan(
    measured_m: NDArray[np.floating], true_m: NDArray[np.floating], maximum_m: float
) -> ScanScore:
    """Compare ranges ray by ray.

    Args:
        measured_m: any shape; not finite where nothing was measured.
        true_m: the same shape; not finite where there is nothing.
        maximum_m: true ranges beyond it are left out: the radar does not reach them.

    Raises:
        ValueError: shapes disagree or no ray has both ranges.
    """
    if measured_m.shape != true_m.shape:
        raise ValueError(f"shapes must agree, got {measured_m.shape} and {true_m.shape}")
    reachable = np.isfinite(true_m) & (true_m <= maximum_m)
    both = reachable & np.isfinite(measured_m)
    if not both.any():
        raise ValueError("no ray has both a measured and a true range")
    error = np.abs(measured_m[both] - true_m[both])
    return ScanScore(
        float(np.median(error)),
        float(np.quantile(error, 0.9)),
        float(both.sum() / reachable.sum()),
    )
