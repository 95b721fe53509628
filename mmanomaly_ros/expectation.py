"""What the radar should see: the networks draw spectra that fit the scene before the camera.

The context network looks at the scene once. The denoiser takes noise out of latents in a few steps
of DDIM (Song et al. 2021, equation 12, with sigma 0), the decoder makes spectra of them. The mean
of the draws is what is expected; how far they lie apart, with what the context network holds for
unpredictable, is the spread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import Context, farthest_surface_m
from mmanomaly_ros.looks import WallLooks, growth_of, wall_look
from mmanomaly_ros.spectrum import CEILING_DB, CHANNELS, FLOOR_DB, from_unit
from mmanomaly_ros.watch import ANGLES, RANGES, is_behind_a_wall
from mmwave.inference import ModelCard, ModelError, OnnxModel

LATENT = (8, 16, 8)
DB_PER_UNIT = (CEILING_DB - FLOOR_DB) / 2
LEAST_SPREAD_DB = 0.5
"""Spreads below this would be of the steps in which spectra are stored."""
PREDICTIONS = ("v_prediction", "epsilon")

Denoise = Callable[[NDArray[np.float32], int], NDArray[np.floating]]
"""From (K, ...) noisy latents and their time to the network's prediction, of the same shape."""


@dataclass(frozen=True)
class Schedule:
    """How much of a latent is left at every time, and what the network predicts.

    The network's latents are (encoder's latents - shift) / scale.

    Attributes:
        alphas_cumulative: (time,) share of the signal's power, falling.
        prediction: ``v_prediction`` (Salimans and Ho 2022, appendix D) or ``epsilon``.
        shift: (latent channel,).
        scale: (latent channel,).

    Raises:
        ValueError: shares do not fall from 1 to 0, the prediction is unknown, or a scale is not
            positive.
    """

    alphas_cumulative: NDArray[np.float64]
    prediction: str
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    def __post_init__(self) -> None:
        kept = self.alphas_cumulative
        if kept.ndim != 1 or kept.size < 2 or not (np.diff(kept) < 0).all():
            raise ValueError(f"alphas_cumulative must be falling, got {kept}")
        if not (kept[0] <= 1 and kept[-1] >= 0):
            raise ValueError(f"alphas_cumulative must be in 0..1, got {kept[-1]} to {kept[0]}")
        if self.prediction not in PREDICTIONS:
            raise ValueError(f"prediction must be of {PREDICTIONS}, got {self.prediction!r}")
        if self.prediction == "epsilon" and kept[-1] == 0:
            raise ValueError("noise alone tells nothing of the signal: the last alpha is 0")
        if self.shift.shape != self.scale.shape or not (self.scale > 0).all():
            raise ValueError(f"scale must be positive and as long as shift, got {self.scale}")

    @staticmethod
    def of(card: ModelCard) -> "Schedule":
        """What the denoiser's card says.

        Raises:
            ModelError: it does not say it, or something impossible.
        """
        try:
            told = card.about["schedule"]
            kept, shift, scale = (
                np.asarray(told[name], np.float64)
                for name in ("alphas_cumulative", "shift", "scale")
            )
            if shift.shape != LATENT[:1]:
                raise ValueError(f"shift must have {LATENT[0]} numbers, got {shift.shape}")
            return Schedule(kept, str(told["prediction"]), shift, scale)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the card of {card.name} does not say with which schedule it was trained "
                f"({error!r}): is it a denoiser of mmAnomaly? Export it anew"
            ) from error

    def way_back(self, steps: int) -> list[tuple[int, int]]:
        """Pairs of a time and the one after it, the last of them -1, which is clean.

        Raises:
            ValueError: there are fewer times than steps, or no steps.
        """
        times = len(self.alphas_cumulative)
        if not 1 <= steps <= times:
            raise ValueError(f"steps must be from 1 to {times}, got {steps}")
        return list(pairwise(np.linspace(times - 1, -1, steps + 1).round().astype(int).tolist()))

    def clean_and_noise(
        self, noisy: NDArray[np.float64], predicted: NDArray[np.floating], time: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What of noisy latents is signal and what noise, by the network's prediction."""
        signal = np.sqrt(self.alphas_cumulative[time])
        noise = np.sqrt(1 - self.alphas_cumulative[time])
        if self.prediction == "epsilon":
            return (noisy - noise * predicted) / signal, np.asarray(predicted, np.float64)
        return signal * noisy - noise * predicted, noise * noisy + signal * predicted


def draw(
    schedule: Schedule, denoise: Denoise, noise: NDArray[np.floating], steps: int
) -> NDArray[np.float64]:
    """Latents from noise, deterministically.

    Args:
        schedule: the network was trained with.
        denoise: the network.
        noise: (K, ...) standard normal.
        steps: of the way back.

    Returns:
        (K, ...) latents as the network knows them.

    Raises:
        ValueError: see :meth:`Schedule.way_back`.
    """
    latents = np.asarray(noise, np.float64)
    for time, after in schedule.way_back(steps):
        predicted = denoise(latents.astype(np.float32), time)
        clean, left = schedule.clean_and_noise(latents, predicted, time)
        kept = schedule.alphas_cumulative[after] if after >= 0 else 1.0
        latents = np.sqrt(kept) * clean + np.sqrt(1 - kept) * left
    return latents


@dataclass(frozen=True)
class Expectation:
    """What the radar should see of a scene, and how surely.

    Attributes:
        mean_db: (channel, range, column) of the draws.
        spread_db: likewise, standard deviation.
        samples_db: (K, channel, range, column).
        regression_db: (channel, range, column) mean of the context network alone.
        clothing: (clothing,) probabilities.
        wall: (wall,) likewise.
        pose: (pose,) likewise.
        surface_m: how far ahead the farthest surface is that the camera sees; 0 where it sees none.
        wall_novelty: how unlike the walls that the networks learned from the one is that the radar
            looks through, see :class:`mmanomaly_ros.looks.WallLooks`: 1 is as far as usual. NaN
            without a wall, or where it is known otherwise.
    """

    mean_db: NDArray[np.float32]
    spread_db: NDArray[np.float32]
    samples_db: NDArray[np.float32]
    regression_db: NDArray[np.float32]
    clothing: NDArray[np.float64]
    wall: NDArray[np.float64]
    pose: NDArray[np.float64]
    surface_m: float = 0.0
    wall_novelty: float = np.nan


def spread_db(
    samples_db: NDArray[np.floating], floor_db: NDArray[np.floating], scale: float = 1.0
) -> NDArray[np.float32]:
    """Standard deviation of what is measured about the mean of draws.

    sqrt(s^2 + f^2) times a scale: s of the draws (n - 1 in the denominator; 0 of a single one), f
    the deviation that the context network predicts, so that one draw is enough. Both hold the
    noise, which the scale, chosen so that z has deviation 1 on frames that the networks did not
    learn from, sets right.

    Args:
        samples_db: (K, ...).
        floor_db: (...).
        scale: of the denoiser's card; more before a wall that is new.
    """
    variance = np.asarray(floor_db, np.float64) ** 2
    if len(samples_db) > 1:
        variance = variance + samples_db.var(axis=0, ddof=1, dtype=np.float64)
    return np.maximum(scale * np.sqrt(variance), LEAST_SPREAD_DB).astype(np.float32)


class Expecter:
    """Draws what the radar should see.

    Args:
        context_model: exported context network.
        denoiser_model: exported denoiser, its card with the schedule.
        decoder_model: exported decoder.
        samples: K; 0 takes the regression of the context network alone.
        steps: of DDIM.

    Raises:
        ModelError: a model is another, or they do not belong together.
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        context_model: OnnxModel,
        denoiser_model: OnnxModel,
        decoder_model: OnnxModel,
        samples: int = 4,
        steps: int = 4,
    ) -> None:
        self._context, self._denoiser, self._decoder = context_model, denoiser_model, decoder_model
        _require(context_model, denoiser_model, decoder_model)
        self.schedule = Schedule.of(denoiser_model.card)
        self.spread_scale = _spread_scale(denoiser_model.card)
        self.wall_looks = WallLooks.of(context_model.card)
        if samples < 0:
            raise ValueError(f"samples must not be negative, got {samples}")
        self.samples, self.steps = samples, steps
        self.schedule.way_back(steps)

    def __call__(self, context: Context, generator: np.random.Generator) -> Expectation:
        """What should be seen of a scene.

        Args:
            context: of the scene.
            generator: of the noise; the same one gives the same draws.

        Raises:
            ModelError: a model gives no numbers.
        """
        told = self._context.run(**context.as_inputs())
        regression = from_unit(told["mean"])
        floor = np.exp(told["log_variance"][0] / 2) * DB_PER_UNIT
        samples = regression if not self.samples else self._drawn(told, generator)
        if not all(np.isfinite(one).all() for one in (*told.values(), samples, floor)):
            raise ModelError(
                f"{self._context.path.name}, {self._denoiser.path.name} or "
                f"{self._decoder.path.name} gives no numbers: get them again, or export them anew"
            )
        novelty = self._wall_novelty(context)
        return Expectation(
            mean_db=samples.mean(axis=0),
            spread_db=spread_db(samples, floor, self.spread_scale * growth_of(novelty)),
            samples_db=samples,
            regression_db=regression[0],
            clothing=_probabilities(told["clothing"][0]),
            wall=_probabilities(told["wall"][0]),
            pose=_probabilities(told["pose"][0]),
            surface_m=farthest_surface_m(context),
            wall_novelty=novelty,
        )

    def _wall_novelty(self, context: Context) -> float:
        if self.wall_looks is None or not is_behind_a_wall(context.watch):
            return np.nan
        look = wall_look(context)
        return np.nan if look is None else self.wall_looks.novelty(look)

    def _drawn(
        self, told: dict[str, NDArray[Any]], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        def denoise(latents: NDArray[np.float32], time: int) -> NDArray[np.floating]:
            found = self._denoiser.run(
                latents=latents,
                time=np.full(len(latents), time, np.float32),
                tokens=told["tokens"],
                latent_map=told["latent_map"],
            )
            return found["prediction"]

        noise = generator.standard_normal((self.samples, *LATENT))
        latents = draw(self.schedule, denoise, noise, self.steps)
        shift, scale = (one[:, None, None] for one in (self.schedule.shift, self.schedule.scale))
        latents = (latents * scale + shift).astype(np.float32)
        spectra = self._decoder.run(latents=latents)["spectra"]
        return np.clip(from_unit(spectra), FLOOR_DB, CEILING_DB)


def _require(context: OnnxModel, denoiser: OnnxModel, decoder: OnnxModel) -> None:
    spectra = (len(CHANNELS), RANGES, ANGLES)
    numbers: tuple[int | None, ...] = (None, None)
    context.require(
        {
            "image": ("float32", (1, 5, 96, 128)),
            "polar": ("float32", (1, 6, RANGES, ANGLES)),
            "watch": ("float32", (1, 3)),
        },
        {"tokens": (None,) * 3, "latent_map": (None,) * 4, "mean": (1, *spectra),
         "log_variance": (1, *spectra), "clothing": numbers, "wall": numbers, "pose": numbers},
        "an image and its map",
    )  # fmt: skip
    tokens, aligned = (context.output_shapes[name] for name in ("tokens", "latent_map"))
    denoiser.require(
        {
            "latents": ("float32", ("samples", *LATENT)),
            "time": ("float32", ("samples",)),
            "tokens": ("float32", tokens),
            "latent_map": ("float32", aligned),
        },
        {"prediction": (None, *LATENT)},
        f"latents {LATENT} with tokens {tokens} and a map {aligned}",
    )
    latents = {"latents": ("float32", ("samples", *LATENT))}
    decoder.require(latents, {"spectra": (None, *spectra)}, f"latents {LATENT}")
    for name, other in (("context", context), ("decoder", decoder)):
        if denoiser.card.about.get(f"{name}_sha256") != other.card.sha256:
            raise ModelError(
                f"{denoiser.path.name} was not trained with {other.path.name}: give those of one "
                "export"
            )


def _spread_scale(card: ModelCard) -> float:
    try:
        scale = float(card.about.get("spread_scale", 1.0))
    except (TypeError, ValueError) as error:
        raise ModelError(f"the card of {card.name} has no number spread_scale: {error}") from error
    if not (np.isfinite(scale) and scale > 0):
        raise ModelError(f"spread_scale of {card.name} must be positive, got {scale}")
    return scale


def _probabilities(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    power = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return np.asarray(power / power.sum())
