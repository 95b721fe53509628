"""Inner loops of :mod:`panoradar_ros.imaging.votes`: moments of a block of rays, and its votes."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def fill_kernels(path_m, taper, delay_s, wavenumber, kernel):
    """Real block matrices [[Re, -Im], [Im, Re]] of taper * t^n * exp(j wavenumber path), n = 0, 1,
    2 below each other.
    """
    rays, width = path_m.shape
    for i in range(rays):
        for p in range(width):
            weight = taper[i, p]
            if weight == 0.0:
                for n in range(6):
                    kernel[n * rays + i, p] = 0.0
                    kernel[n * rays + i, width + p] = 0.0
                continue
            phase = wavenumber * path_m[i, p]
            real = weight * np.cos(phase)
            imag = weight * np.sin(phase)
            for n in range(3):
                kernel[2 * n * rays + i, p] = real
                kernel[2 * n * rays + i, width + p] = -imag
                kernel[(2 * n + 1) * rays + i, p] = imag
                kernel[(2 * n + 1) * rays + i, width + p] = real
                real *= delay_s[i, p]
                imag *= delay_s[i, p]


@numba.njit(nogil=True, cache=True)
def form_moments(planes, first, path_m, taper, delay_s, wavenumbers, moments, energy):
    """Moments and energies of one block of rays in all beams, without asking for the interpreter.

    planes are (beam, 2 * position, bin), real above imaginary parts, first the first position of
    the block's band, wavenumbers (beam,) float32. Filled are moments (beam, 6 * ray, bin) and
    energy (beam, ray, bin).
    """
    rays, width = path_m.shape
    beams, bins = planes.shape[0], planes.shape[2]
    positions = planes.shape[1] // 2
    kernel = np.empty((6 * rays, 2 * width), np.float32)
    band = np.empty((2 * width, bins), np.float32)
    squared = np.empty((width, bins), np.float32)
    for step in range(beams):
        # from the middle outwards: both signs of an elevation share their kernel
        beam = beams // 2 + (step + 1) // 2 * (1 if step % 2 else -1)
        if step == 0 or step % 2:
            fill_kernels(path_m, taper, delay_s, wavenumbers[beam], kernel)
        for p in range(width):
            for k in range(bins):
                real = planes[beam, first + p, k]
                imag = planes[beam, positions + first + p, k]
                band[p, k] = real
                band[width + p, k] = imag
                squared[p, k] = real * real + imag * imag
        np.dot(kernel, band, moments[beam])
        np.dot(taper, squared, energy[beam])


@numba.njit(nogil=True, cache=True)
def peak_offset(before, at, after):
    """Where between three evenly spaced powers the peak lies, by a parabola in their logarithms."""
    if before <= 0.0 or at <= 0.0 or after <= 0.0:
        return 0.0
    low, middle, high = np.log(before), np.log(at), np.log(after)
    curvature = min(low - 2 * middle + high, -1e-6)
    return min(max(0.5 * (low - high) / curvature, -0.6), 0.6)


@numba.njit(nogil=True, cache=True)
def collect_votes(
    moments, energy, per_bin, offset_s, speed_factor, curvature_factor, lobe_semblance,
    cosine, spacing_rad, first_bin, least_semblance, weakest, turn, ray_0, strongest, out,
):  # fmt: skip
    """Votes of one block of rays; returns how many.

    moments are (beam, 6 * ray, bin), real and imaginary B0, B1, B2 below each other, energy (beam,
    ray, bin), per_bin (ray,) the range bins that a reflector migrates a second, turn the phase
    between neighbouring range bins as a complex number. Filled are strongest (ray, bin), the power
    of the strongest beam, and out (vote, 8): ray, bin, speed error, curvature error, cosine ratio,
    S / limit, cosine of the elevation, power.
    """
    beams, rays, bins = energy.shape
    votes = 0
    middle = (beams - 1) / 2
    for i in range(rays):
        for k in range(first_bin, bins - 1):
            best = 0
            best_power = -1.0
            for beam in range(beams):
                power = moments[beam, i, k] ** 2 + moments[beam, rays + i, k] ** 2
                if power > best_power:
                    best, best_power = beam, power
            strongest[i, k] = best_power
            elevation = (best - middle) * spacing_rad
            if 0 < best < beams - 1:
                before = moments[best - 1, i, k] ** 2 + moments[best - 1, rays + i, k] ** 2
                after = moments[best + 1, i, k] ** 2 + moments[best + 1, rays + i, k] ** 2
                elevation += spacing_rad * peak_offset(before, best_power, after)
            for beam in range(beams):
                r0 = moments[beam, i, k]
                i0 = moments[beam, rays + i, k]
                power = r0 * r0 + i0 * i0
                if power < weakest * best_power:
                    continue
                semblance = power / max(energy[beam, i, k], 1e-30)
                if semblance < least_semblance:
                    continue
                # a reflector between bins grows in one while it leaves the other: take that off
                b1 = complex(moments[beam, 2 * rays + i, k], moments[beam, 3 * rays + i, k])
                upper = complex(
                    moments[beam, 4 * rays + i, k + 1], moments[beam, 5 * rays + i, k + 1]
                )
                lower = complex(
                    moments[beam, 4 * rays + i, k - 1], moments[beam, 5 * rays + i, k - 1]
                )
                b1 -= per_bin[i] * 0.5 * (upper * turn - lower * turn.conjugate())
                centre = (b1.real * r0 + b1.imag * i0) / power
                r2 = moments[beam, 4 * rays + i, k]
                i2 = moments[beam, 5 * rays + i, k]
                out[votes, 0] = ray_0 + i
                out[votes, 1] = k
                out[votes, 2] = -speed_factor[i] * (centre - offset_s[i])
                out[votes, 3] = curvature_factor[i] / cosine[beam] * (i2 * r0 - r2 * i0) / power
                out[votes, 4] = np.cos(elevation) / cosine[beam]
                out[votes, 5] = semblance / lobe_semblance[i]
                out[votes, 6] = np.cos(elevation)
                out[votes, 7] = power
                votes += 1
    return votes
