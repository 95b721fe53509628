import numpy as np
import pytest

from panoradar_ros.rolling_report import SectorSeen, score_rolling, whole_scans

START_NS = 1_700_000_000_000_000_000
RAY_NS = 976_562


def sectors(direction=1, count=40, rays=24, late_ms=60.0, skipped=(), seed=0):
    """Sectors one after the other; a sector comes so long after its last ray."""
    rng = np.random.default_rng(seed)
    seen = []
    for index in range(count):
        if index in skipped:
            continue
        first = index * rays
        first_ns = START_NS + first * RAY_NS
        last_ns = first_ns + (rays - 1) * RAY_NS
        azimuth = direction * 2 * np.pi * first / 512
        seen.append(
            SectorSeen(
                first_ns,
                last_ns,
                last_ns + round(late_ms * 1e6),
                (azimuth + np.pi) % (2 * np.pi) - np.pi,
                direction * 2 * np.pi / 512,
                rng.uniform(1, 9, rays).astype(np.float32),
            )
        )
    return seen


def test_latency_is_told_of_the_newest_the_mean_and_the_oldest_ray():
    seen = sectors()
    points = {one.first_ns: one.arrival_ns + 2_000_000 for one in seen}
    panorama = {one.last_ns + 20_000: one.arrival_ns + 3_000_000 for one in seen[::2]}
    score = score_rolling(seen, points, panorama, seconds=1.0)
    span_ms = 23 * RAY_NS * 1e-6
    assert score.newest_ray_ms_p50 == pytest.approx(60)
    assert score.latency_ms_p50 == pytest.approx(60 + span_ms / 2, abs=0.01)
    assert score.oldest_ray_ms_p95 == pytest.approx(60 + span_ms, abs=0.01)
    assert score.points_latency_ms_p95 == pytest.approx(62 + span_ms / 2, abs=0.01)
    assert score.panorama_latency_ms_p95 == pytest.approx(63 + span_ms / 2, abs=0.01)
    assert (score.updates_per_s, score.points_per_s, score.panorama_per_s) == (40, 40, 20)
    assert score.longest_pause_s == pytest.approx(24 * RAY_NS * 1e-9)
    assert score.rays_missed == 0


def test_what_did_not_come_is_counted():
    score = score_rolling(sectors(skipped=(7, 20, 21)), {}, {}, seconds=1.0)
    assert score.rays_missed == 3 * 24
    assert np.isnan(score.points_latency_ms_p95)
    assert score_rolling(sectors(count=1), {}, {}, 1.0) is None


@pytest.mark.parametrize("direction", [1, -1])
def test_sectors_make_turns_only_without_a_gap(direction):
    seen = sectors(direction, count=66, skipped=(30,))
    turns = whole_scans(seen)
    assert len(turns) == 2
    ray_ns, range_m = turns[0]
    ray = np.arange(512)
    column = (-direction * ray) % 512
    # 22 sectors hold 528 rays: the first 16 columns are of the second turn already
    old = ray >= 16
    assert np.abs(ray_ns[column][old] - (START_NS + ray[old] * RAY_NS)).max() <= 1
    expected = np.concatenate([one.range_m for one in seen])[:528]
    np.testing.assert_array_equal(range_m[column][old], expected[16:512])
    np.testing.assert_array_equal(range_m[column][~old], expected[512:])
