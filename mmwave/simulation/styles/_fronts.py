"""Doors, with or without a pane of glass beside them, between a room and where one comes from."""

import numpy as np

from mmwave.simulation.floor_plan import Opening, OpeningKind


def door_front(
    generator: np.random.Generator,
    kind: OpeningKind,
    width_m: float,
    span_m: tuple[float, float],
    side: int,
    *,
    must_open: bool,
    pane: bool = False,
    centre_m: float | None = None,
    open_share: float = 0.4,
    widest_deg: float = 150.0,
) -> list[Opening]:
    """A door somewhere along a piece of wall, and a pane in the rest of it.

    Args:
        generator: source of randomness.
        kind: single, double or glass door.
        width_m: clear width of the door.
        span_m: the room's begin and end along the wall.
        side: +1 where the room lies to the left of the wall's direction, else -1.
        must_open: the door stands open, about in the middle of the span.
        pane: glaze the longer rest of the span if there is room for a pane.
        centre_m: the door's middle along the wall; None lets it be drawn.
        open_share: how many of the other doors stand open.
        widest_deg: how far a door that must be open may be swung.

    Returns:
        The openings.
    """
    x0, x1 = span_m
    at_end = bool(generator.random() < 0.5)
    reach = width_m / 2 + (0.75 if kind is OpeningKind.DOUBLE_DOOR else 0.35)
    if centre_m is not None:
        centre, at_end = centre_m, centre_m > (x0 + x1) / 2
    elif must_open:
        centre = generator.uniform(x0 + 0.4 * (x1 - x0), x0 + 0.6 * (x1 - x0))
    else:
        centre = (x1 - reach - 0.15) if at_end else (x0 + reach + 0.15)
    opened = must_open or generator.random() < open_share
    widest = widest_deg if must_open else 105
    swing = side * float(np.deg2rad(generator.uniform(95, widest))) if opened else 0.0
    holes = [Opening(kind, float(centre), width_m, 0.0, 2.08, swing, at_end)]
    if pane:
        start, end = (x0 + 0.4, centre - reach) if at_end else (centre + reach, x1 - 0.4)
        if end - start > 0.9:
            holes.append(Opening(OpeningKind.WINDOW, (start + end) / 2, end - start, 0.15, 2.08))
    return holes
