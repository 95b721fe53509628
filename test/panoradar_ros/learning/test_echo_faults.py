"""Lost columns and ghosts: what changes, what must not, and how often."""

from dataclasses import replace

import numpy as np
import pytest

from panoradar_ros.learning.dataset import (
    NO_AUGMENTATION,
    Augmentation,
    augmented,
    range_batch,
)
from panoradar_ros.learning.echo_faults import (
    MOST_COLUMNS,
    MOST_RUNS,
    with_ghosts,
    with_lost_columns,
)
from panoradar_ros.learning.frames import NAMES, Frame
from panoradar_ros.recognition.echo import decode_db

ROWS, COLUMNS, BINS = 16, 256, 256
AT = 60
"""Range bin of the only reflector of every ray."""

SEEDS = range(40)


def echoes(seed=0):
    """Noise of 0 dB, and a reflector of 30 dB."""
    rng = np.random.default_rng(seed)
    echo = rng.integers(24, 48, (ROWS, COLUMNS, BINS), dtype=np.uint8)
    echo[..., AT] = 160
    return echo


def frame():
    shape = (ROWS, COLUMNS)
    range_m = np.full(shape, AT * 0.03747 + 0.08, np.float32)
    normal = np.zeros((*shape, 3), np.int8)
    normal[..., 0] = -127
    label, instance = np.full(shape, 9, np.uint8), np.zeros(shape, np.int32)
    return Frame(echoes(), range_m, range_m, normal, label, instance, np.zeros(shape, bool))


def test_lost_columns_hold_noise_or_nothing_and_few_columns_change():
    echo, noisy, empty, spared = echoes(), 0, 0, 0
    for seed in SEEDS:
        out, lost = with_lost_columns(echo, np.random.default_rng(seed))
        changed = (out != echo).any(axis=(0, 2))
        assert 1 <= changed.sum() <= MOST_RUNS * MOST_COLUMNS
        assert changed[lost].all()
        spared += not lost.any()
        if not lost.any():
            continue
        db = decode_db(out[:, lost])
        if out[:, lost].any():
            assert np.median(db) == pytest.approx(0.0, abs=0.3)
            assert np.median(db[..., AT]) < 6
            noisy += 1
        else:
            empty += 1
    assert min(noisy, empty, spared) > 3


def test_columns_received_in_part_keep_what_is_alike_all_around_and_get_more_noise():
    echo = echoes()
    seen = 0
    for seed in SEEDS:
        out, lost = with_lost_columns(echo, np.random.default_rng(seed))
        smeared = (out != echo).any(axis=(0, 2)) & ~lost
        if smeared.any():
            seen += 1
            assert np.abs(out[:, smeared, AT].astype(int) - 160).max() <= 2
            without = np.arange(BINS) != AT
            rise_db = decode_db(out[:, smeared][..., without]).mean()
            assert 2 < rise_db - decode_db(echo[:, smeared][..., without]).mean() < 12
    assert seen > 10


def test_a_narrow_echo_gets_wider_and_weaker_where_columns_were_received_in_part():
    echo = np.zeros((ROWS, 40, BINS), np.uint8)
    echo[:, 20, AT] = 250
    wider = 0
    for seed in SEEDS:
        out, lost = with_lost_columns(echo, np.random.default_rng(seed))
        strong = np.flatnonzero(out[0, :, AT] > 150)
        if not lost[20] and out[0, 20, AT] < 250:
            assert len(strong) > 1
            assert np.abs(strong - 20).max() <= 6
            wider += 1
    assert wider > 3


def test_only_rays_that_received_nothing_do_not_count():
    one = frame()
    wanted = replace(NO_AUGMENTATION, lost_columns=1.0)
    part_only = False
    for seed in SEEDS:
        other = augmented(one, wanted, np.random.default_rng(seed))
        unknown = np.isnan(other.range)
        gone = unknown.all(axis=0)
        np.testing.assert_array_equal(unknown, np.broadcast_to(gone, unknown.shape))
        np.testing.assert_array_equal(other.label, np.where(unknown, 255, one.label))
        np.testing.assert_array_equal(other.range[~unknown], one.range[~unknown])
        # there the echo stands out no more, everywhere else it is where the truth is
        assert (other.echo[:, ~gone].argmax(axis=-1) == AT).all()
        assert (other.echo[:, gone].argmax(axis=-1) == AT).mean() < 0.1 if gone.any() else True
        _, target = range_batch([other])
        np.testing.assert_array_equal(target.counts[0].numpy(), ~unknown)
        changed = (other.echo != one.echo).any(axis=(0, 2))
        part_only |= bool((changed & ~gone).any())
    assert part_only
    assert not np.isnan(one.range).any()


def test_ghosts_are_farther_and_weaker_and_take_no_echo_away():
    echo = np.zeros((ROWS, COLUMNS, BINS), np.uint8)
    echo[..., AT] = 160
    shifts, losses = set(), set()
    for seed in SEEDS:
        out = with_ghosts(echo, np.random.default_rng(seed))
        assert (out >= echo).all()
        row, column, index = np.nonzero(out != echo)
        assert len(row)
        shifts |= set((index - AT).tolist())
        losses |= set((160 - out[row, column, index].astype(int)).tolist())
        assert len(set(column.tolist())) <= 4 * 64
    assert min(shifts) * 0.03747 >= 0.3
    assert max(shifts) * 0.03747 <= 3.0
    assert len(shifts) > 20
    assert min(losses) >= 6 * 4
    assert max(losses) <= 20 * 4


def test_a_ghost_is_a_copy_by_one_shift_and_one_loss():
    bins = np.random.default_rng(1).integers(20, 150, (ROWS, COLUMNS))
    echo = np.zeros((ROWS, COLUMNS, BINS), np.uint8)
    np.put_along_axis(echo, bins[..., None], 160, axis=-1)
    for seed in SEEDS:
        out = with_ghosts(echo, np.random.default_rng(seed))
        row, column, index = np.nonzero(out != echo)
        pairs = set(zip(index - bins[row, column], out[row, column, index], strict=True))
        assert 1 <= len(pairs) <= 4


def test_ghosts_leave_the_truth_alone():
    one = frame()
    wanted = replace(NO_AUGMENTATION, clutter=1.0)
    other = augmented(one, wanted, np.random.default_rng(3))
    assert (other.echo != one.echo).any()
    for name in set(NAMES) - {"echo"}:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("name", ["lost_columns", "clutter"])
def test_the_share_of_frames_is_as_asked_and_the_seed_decides(name):
    one = frame()
    wanted = replace(NO_AUGMENTATION, **{name: 0.3})
    changed = []
    for seed in range(100):
        other = augmented(one, wanted, np.random.default_rng(seed))
        changed.append((other.echo != one.echo).any())
        if seed < 10:
            again = augmented(one, wanted, np.random.default_rng(seed))
            np.testing.assert_array_equal(other.echo, again.echo)
            np.testing.assert_array_equal(other.range, again.range)
    assert 0.15 < np.mean(changed) < 0.45


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lost_columns": 1.5}, "lost_columns must be from 0 to 1"),
        ({"clutter": -0.1}, "clutter must be from 0 to 1"),
        ({"noise_db": -1.0}, "noise_db must not be negative"),
    ],
)
def test_shares_out_of_range_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Augmentation(**wrong)
