import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.boxes import box_overlap, circular_nms, circular_overlap

COLUMNS, ROWS = 64, 24

turn = st.integers(-2 * COLUMNS, 2 * COLUMNS)


def box_from(left, top, width, height):
    return np.array([left, top, left + width, top + height], float)


circular = st.builds(
    box_from,
    st.integers(0, COLUMNS - 1),
    st.integers(0, 15),
    st.integers(0, COLUMNS),
    st.integers(0, 9),
)
many = st.lists(circular, min_size=1, max_size=8).map(np.array)


def wrapped(box):
    """The same box with its right edge on the panorama."""
    right = box[2] - COLUMNS if box[2] > COLUMNS and box[2] - box[0] < COLUMNS else box[2]
    return np.array([box[0], box[1], right, box[3]])


def turned(boxes, columns):
    """The boxes of the rolled panorama, their left edges on it."""
    left = (boxes[..., 0] + columns) % COLUMNS
    return np.stack(
        [left, boxes[..., 1], left + boxes[..., 2] - boxes[..., 0], boxes[..., 3]], axis=-1
    )


def pixels(box):
    """The box as a set of pixels that wrap around."""
    image = np.zeros((ROWS, COLUMNS), bool)
    columns = np.arange(int(box[0]), int(box[2])) % COLUMNS
    image[int(box[1]) : int(box[3]), columns] = True
    return image


@given(circular, many)
def test_circular_overlap_is_that_of_the_pixels(one, others):
    masks = [pixels(other) for other in others]
    expected = [(pixels(one) & m).sum() / max((pixels(one) | m).sum(), 1) for m in masks]
    np.testing.assert_allclose(circular_overlap(one, others, COLUMNS), expected)


@given(circular, many)
def test_a_wrapped_box_is_the_one_beyond_the_seam(one, others):
    expected = circular_overlap(one, others, COLUMNS)
    found = circular_overlap(wrapped(one), np.array([wrapped(o) for o in others]), COLUMNS)
    np.testing.assert_array_equal(found, expected)


def test_a_wrapped_box_is_not_an_empty_one():
    beyond, right = np.array([500.0, 4, 520, 8]), np.array([[500.0, 4, 8, 8]])
    assert circular_overlap(beyond, right, 512) == 1


@given(circular, many, turn)
def test_circular_overlap_does_not_depend_on_where_the_seam_is(one, others, columns):
    np.testing.assert_array_equal(
        circular_overlap(turned(one, columns), turned(others, columns), COLUMNS),
        circular_overlap(one, others, COLUMNS),
    )
    moved = others + columns * np.array([1, 0, 1, 0])  # edges anywhere, also left of column 0
    np.testing.assert_array_equal(
        circular_overlap(one + columns * np.array([1, 0, 1, 0]), moved, COLUMNS),
        circular_overlap(one, others, COLUMNS),
    )


@given(circular, circular)
def test_circular_overlap_is_mutual_and_whole_with_itself(one, other):
    there = circular_overlap(one, other[None], COLUMNS)
    assert there == circular_overlap(other, one[None], COLUMNS)
    empty = one[0] == one[2] or one[1] == one[3]
    assert circular_overlap(one, one[None], COLUMNS) == (0 if empty else 1)


def test_a_box_wider_than_the_panorama_is_the_whole_of_it():
    wide, whole = np.array([10.0, 0, 100, 4]), np.array([[0.0, 0, COLUMNS, 4]])
    assert circular_overlap(wide, whole, COLUMNS) == 1


@given(many, turn, st.sampled_from([0.0, 0.3, 0.5, 0.7]))
def test_suppression_does_not_depend_on_where_the_seam_is(boxes, columns, overlap):
    kept = circular_nms(boxes, overlap, COLUMNS)
    assert circular_nms(turned(boxes, columns), overlap, COLUMNS) == kept


@given(many, st.sampled_from([0.0, 0.3, 0.5]))
def test_what_stays_overlaps_no_more_and_what_went_overlaps_a_better_one(boxes, overlap):
    kept = circular_nms(boxes, overlap, COLUMNS)
    for index, box in enumerate(boxes):
        better = boxes[[one for one in kept if one < index]]
        assert (circular_overlap(box, better, COLUMNS) > overlap).any() == (index not in kept)


def test_of_two_boxes_across_the_seam_the_better_stays():
    found = np.array([[500, 10, 520, 30], [502, 10, 9, 30], [100, 10, 120, 30]], float)
    assert circular_nms(found, 0.5, 512) == [0, 2]


def test_a_panorama_has_columns():
    with pytest.raises(ValueError, match="columns"):
        circular_overlap(np.zeros(4), np.zeros((1, 4)), 0)


corners = st.integers(1, 4).flatmap(
    lambda dimension: st.lists(
        st.tuples(
            st.lists(st.integers(-9, 9), min_size=dimension, max_size=dimension),
            st.lists(st.integers(1, 9), min_size=dimension, max_size=dimension),
        ).map(lambda b: np.concatenate([b[0], np.add(b[0], b[1])]).astype(float)),
        min_size=2,
        max_size=2,
    )
)


def test_overlap_of_rectangles_and_of_boxes():
    square = np.array([0.0, 0, 2, 2])
    others = np.array([[1.0, 1, 3, 3], [2, 0, 4, 2], [0, 0, 2, 2], [-1, -1, 3, 3]])
    np.testing.assert_allclose(box_overlap(square, others), [1 / 7, 0, 1, 1 / 4])
    cube = np.array([0.0, 0, 0, 2, 2, 2])
    boxes = np.array([[1.0, 1, 1, 3, 3, 3], [0, 0, 1, 2, 2, 3], [0, 0, 2, 2, 2, 4]])
    np.testing.assert_allclose(box_overlap(cube, boxes), [1 / 15, 1 / 3, 0])


@given(corners, st.integers(-5, 5), st.sampled_from([0.25, 2.0]))
def test_overlap_is_mutual_and_free_of_place_and_unit(pair, shift, scale):
    one, other = pair
    there = box_overlap(one, other[None])
    assert 0 <= there <= 1
    assert there == box_overlap(other, one[None])
    assert box_overlap(one, one[None]) == 1
    np.testing.assert_allclose(box_overlap(scale * one + shift, scale * other[None] + shift), there)


@given(corners)
def test_overlap_does_not_depend_on_the_order_of_the_axes(pair):
    order = np.arange(len(pair[0])).reshape(2, -1)[:, ::-1].ravel()
    one, other = pair
    assert box_overlap(one[order], other[None, order]) == pytest.approx(
        box_overlap(one, other[None])
    )


def test_empty_boxes_overlap_nothing():
    box = np.array([0.0, 0, 2, 2])
    empty = np.array([[1.0, 1, 1, 2], [1.5, 1.5, 0.5, 0.5]])
    np.testing.assert_array_equal(box_overlap(box, empty), 0)
    np.testing.assert_array_equal(box_overlap(empty[0], empty[:1]), 0)
    assert box_overlap(box, np.empty((0, 4))).shape == (0,)


@pytest.mark.parametrize(("box", "others"), [((3,), (1, 3)), ((4,), (1, 6)), ((4,), (4,))])
def test_shapes_that_are_no_boxes_are_refused(box, others):
    with pytest.raises(ValueError, match=r"\(2 D,\)|\(N, 4\)"):
        box_overlap(np.zeros(box), np.zeros(others))
