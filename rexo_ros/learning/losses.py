"""What REXO is told off for: boxes in space and in the image, and who is a person (section 4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from rexo_ros.camera import Camera
from rexo_ros.learning.networks.base import RexoOutput, on_view
from rexo_ros.learning.projection import image_boxes
from rexo_ros.space import Space


@dataclass(frozen=True)
class RexoTarget:
    """Truth of one frame.

    Attributes:
        boxes: (person, 6) unit boxes.
        image: (person, 4) left, top, right, bottom as shares of the image.
        camera: whose image that is; None leaves the image out.
    """

    boxes: Tensor
    image: Tensor
    camera: Camera | None = None


@dataclass(frozen=True)
class RexoWeights:
    """Weights of the parts: of boxes those of table 6; the paper gives none for the other two.

    Attributes:
        named: cross entropy of person and background.
        space: of the boxes in space.
        image: of the boxes in the image; 0 leaves them out.
        absolute: L1 of either.
        overlap: generalised overlap of either.
        background: how often a box that is nobody's counts.
    """

    named: float = 2.0
    space: float = 1.0
    image: float = 1.0
    absolute: float = 5.0
    overlap: float = 2.0
    background: float = 0.2


def corners(boxes: Tensor) -> Tensor:
    """(..., 2 D) centre and size to lowest and highest corner."""
    centre, size = boxes.chunk(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def generalised_overlap(one: Tensor, other: Tensor) -> Tensor:
    """Generalised intersection over union (Rezatofighi et al. 2019), in any dimension.

    Args:
        one: (..., 2 D) lowest corner, then highest.
        other: likewise; broadcast against the first.

    Returns:
        (...) from -1, far apart, to 1, the same.
    """
    low_one, high_one = one.chunk(2, dim=-1)
    low_other, high_other = other.chunk(2, dim=-1)

    def volume(low: Tensor, high: Tensor) -> Tensor:
        return (high - low).clamp_min(0.0).prod(dim=-1)

    common = volume(torch.maximum(low_one, low_other), torch.minimum(high_one, high_other))
    union = volume(low_one, high_one) + volume(low_other, high_other) - common
    hull = volume(torch.minimum(low_one, low_other), torch.maximum(high_one, high_other))
    tiny = torch.finfo(union.dtype).tiny
    return common / union.clamp_min(tiny) - (hull - union) / hull.clamp_min(tiny)


def rexo_loss(
    outputs: Sequence[RexoOutput],
    targets: Sequence[RexoTarget],
    space: Space,
    weights: RexoWeights | None = None,
    early_matches: int = 1,
) -> dict[str, Tensor]:
    """Loss of a batch, the sum over all heads.

    Every person is given one box, those that cost least together (Kuhn 1955). In all heads but the
    last it may be several: more boxes learn from a frame then, and the last head still says
    everybody once (Jia et al. 2023, DETRs with hybrid matching; the paper gives one everywhere).

    Args:
        outputs: of the heads, the last the best.
        targets: of the frames.
        space: the room.
        weights: of the parts.
        early_matches: boxes that everybody is given in all heads but the last.

    Returns:
        Parts by name, and their weighted ``sum``.
    """
    weights = weights if weights is not None else RexoWeights()
    names = ("named", "absolute", "overlap", "image_absolute", "image_overlap")
    sums = {name: outputs[0].boxes.new_zeros(()) for name in names}
    people = max(1, sum(len(target.boxes) for target in targets))
    for output in outputs:
        matches = 1 if output is outputs[-1] else early_matches
        seen: dict[int, Tensor] = {}
        if weights.image > 0:
            seen = _seen(output, targets, space)
        for number, target in enumerate(targets):
            _add(sums, output, number, seen.get(number), target, weights, matches)
    parts = {name: value / people for name, value in sums.items()}
    in_space = weights.absolute * parts["absolute"] + weights.overlap * parts["overlap"]
    in_image = weights.absolute * parts["image_absolute"] + weights.overlap * parts["image_overlap"]
    parts["sum"] = (
        weights.named * parts["named"] + weights.space * in_space + weights.image * in_image
    )
    return parts


def _seen(output: RexoOutput, targets: Sequence[RexoTarget], space: Space) -> dict[int, Tensor]:
    """Boxes in the images of the frames' own cameras, those of a camera at once, by frame."""
    result: dict[int, Tensor] = {}
    for camera in dict.fromkeys(target.camera for target in targets):
        if camera is None:
            continue
        own = [number for number, target in enumerate(targets) if target.camera == camera]
        boxes = image_boxes(output.boxes[own], output.refinement[own], space, camera)
        result |= dict(zip(own, boxes, strict=True))
    return result


def _add(
    sums: dict[str, Tensor],
    output: RexoOutput,
    number: int,
    seen: Tensor | None,
    target: RexoTarget,
    weights: RexoWeights,
    matches: int,
) -> None:
    """One head and frame; where everybody has several boxes, each counts for as much less."""
    boxes, logits = output.boxes[number], output.logits[number]
    chosen, people = matched(boxes, logits, seen, target, weights, matches)
    label = torch.zeros(len(boxes), dtype=torch.long, device=boxes.device)
    label[chosen] = 1
    often = torch.where(label == 1, 1.0, weights.background)
    entropy = functional.cross_entropy(logits, label, reduction="none")
    parts = {"named": (often * entropy).sum()}
    found, true = boxes[chosen], target.boxes[people]
    parts["absolute"] = (found - true).abs().sum()
    parts["overlap"] = (1 - generalised_overlap(corners(found), corners(true))).sum()
    if seen is not None:
        found, true = seen[chosen], target.image[people]
        parts["image_absolute"] = (found - true).abs().sum()
        parts["image_overlap"] = (1 - generalised_overlap(found, true)).sum()
    for name, part in parts.items():
        sums[name] = sums[name] + part / matches


@torch.no_grad()
def matched(
    boxes: Tensor,
    logits: Tensor,
    seen: Tensor | None,
    target: RexoTarget,
    weights: RexoWeights,
    matches: int = 1,
) -> tuple[Tensor, Tensor]:
    """Which box is whose.

    Args:
        boxes: (box, 6).
        logits: (box, 2).
        seen: (box, 4) in the image, or None.
        target: the truth.
        weights: of the costs.
        matches: boxes that everybody is given, as long as there are enough for all.

    Returns:
        Numbers of boxes and of the people they are given to.
    """
    cost = -weights.named * logits.softmax(dim=-1)[:, 1:].expand(-1, len(target.boxes))
    pairs = [(weights.space, boxes, target.boxes, True)]
    if seen is not None:
        pairs.append((weights.image, seen, target.image, False))
    for weight, found, true, centred in pairs:
        absolute = torch.cdist(found, true, p=1)
        one, other = (corners(found), corners(true)) if centred else (found, true)
        overlap = generalised_overlap(one[:, None], other[None])
        cost = cost + weight * (weights.absolute * absolute - weights.overlap * overlap)
    if len(target.boxes):
        matches = max(1, min(matches, len(boxes) // len(target.boxes)))
    one_each = np.nan_to_num(cost.cpu().numpy(), nan=1e6)
    chosen, places = linear_sum_assignment(np.tile(one_each, (1, matches)))
    people = places % max(1, len(target.boxes))
    return torch.as_tensor(chosen), torch.as_tensor(people)


def centre_loss(logits: Tensor, targets: Sequence[RexoTarget], space: Space) -> Tensor:
    """How well the backbone alone tells where people are, on every view.

    A bell of one cell about the middle of everybody is what is wanted; cells count by how wrong
    they are (Zhou et al. 2019, Objects as points, equation 1). Not in the paper: the matched boxes
    alone teach a backbone slowly.

    Args:
        logits: (N, view, row, column).
        targets: of the frames.
        space: the room; its views.

    Returns:
        The sum over cells, by person.
    """
    rows, columns = logits.shape[-2:]
    down = torch.arange(rows, device=logits.device)
    across = torch.arange(columns, device=logits.device)
    wanted = torch.zeros_like(logits)
    for number, target in enumerate(targets):
        for view, name in enumerate(space.views):
            edges = on_view(target.boxes, space, name)
            column, row = ((edges[:, :2] + edges[:, 2:]) / 2).unbind(dim=-1)
            # the cell of the middle is one, whole: a place without any would never be learned
            far = (down - (row * rows)[:, None].floor()) ** 2
            wide = (across - (column * columns)[:, None].floor()) ** 2
            bells = torch.exp(-(far[:, :, None] + wide[:, None]) / 2)
            if len(bells):
                wanted[number, view] = bells.amax(dim=0)
    there = wanted > 0.999
    said = logits.sigmoid()
    right = functional.logsigmoid(logits) * (1 - said) ** 2
    wrong = functional.logsigmoid(-logits) * said**2 * (1 - wanted) ** 4
    people = max(1, sum(len(target.boxes) for target in targets))
    return -torch.where(there, right, wrong).sum() / (people * len(space.views))
