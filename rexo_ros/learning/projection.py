"""Boxes in a camera's image, in PyTorch: :class:`rexo_ros.camera.Camera` with slopes."""

import itertools

import torch
from torch import Tensor

from rexo_ros.camera import LARGEST, NEAREST_M, Camera
from rexo_ros.lens import bent, reach_of
from rexo_ros.space import Space


def image_boxes(boxes: Tensor, refinement: Tensor | None, space: Space, camera: Camera) -> Tensor:
    """Boxes about the eight corners, refined where that is wanted (equations 9 to 12).

    Args:
        boxes: (..., 6) unit boxes.
        refinement: (..., 4) offsets; None: none.
        space: the room.
        camera: beside the radars.

    Returns:
        (..., 4) left, top, right, bottom as shares of the image, beyond its edges too.
    """
    points = _corners_m(boxes, space)
    rotation = boxes.new_tensor(camera.rotation)
    translation = boxes.new_tensor(camera.translation_m)
    if camera.inverse:
        seen = (points - translation) @ rotation
    else:
        seen = points @ rotation.T + translation
    focal, centre = boxes.new_tensor(camera.focal_px), boxes.new_tensor(camera.centre_px)
    plane = seen[..., :2] / seen[..., 2:].clamp_min(NEAREST_M)
    reach = reach_of(camera.focal_px, camera.centre_px, camera.size_px)
    bent_plane = torch.stack(bent(plane[..., 0], plane[..., 1], camera.lens, reach), dim=-1)
    pixels = bent_plane * focal + centre
    shares = pixels / boxes.new_tensor(camera.size_px, dtype=boxes.dtype)
    low, high = shares.amin(dim=-2), shares.amax(dim=-2)
    if refinement is None:
        return torch.cat([low, high], dim=-1)
    size = high - low
    middle = (low + high) / 2 + size * refinement[..., :2]
    half = size * refinement[..., 2:].clamp(-LARGEST, LARGEST).exp() / 2
    return torch.cat([middle - half, middle + half], dim=-1)


def _corners_m(boxes: Tensor, space: Space) -> Tensor:
    extent, low = boxes.new_tensor(space.extent_m.tolist()), boxes.new_tensor(space.low_m)
    sign = boxes.new_tensor(list(itertools.product((-0.5, 0.5), repeat=3)))
    centre, size = boxes[..., :3] * extent + low, boxes[..., 3:] * extent
    return centre[..., None, :] + sign * size[..., None, :]
