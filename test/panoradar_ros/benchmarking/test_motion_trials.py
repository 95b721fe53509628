import numpy as np
import pytest

from mmwave.simulation.building import generate_building
from mmwave.simulation.rotation import RotationSamples, StaticWorld
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.benchmarking import trials
from panoradar_ros.benchmarking.trials import TrialSettings, consecutive_turns, simulate_trial


@pytest.fixture(scope="module")
def building():
    return generate_building(3)


class Studio:
    """Stands in for the simulator: remembers what it was asked, returns silence."""

    def __init__(self):
        self.asked = []

    def __call__(self, world, trajectory, *, seed, rotations, turntable):
        self.asked.append((world, trajectory, seed, turntable))
        waveform = Waveform()
        time_s = np.arange(0.0002, rotations / 2, 1 / waveform.positions_per_s)
        samples = np.ones((len(time_s), 8, 256, 2), np.int16)
        return RotationSamples(samples, time_s, turntable(time_s), waveform, AntennaArray())


@pytest.fixture
def studio(monkeypatch, building):
    studio = Studio()
    monkeypatch.setattr(trials, "generate_building", lambda seed, style: building)
    monkeypatch.setattr(trials, "simulate_rotation", studio)
    return studio


def speed_of(trajectory, time_s):
    velocity = trajectory.velocity(time_s)
    return np.hypot(velocity.vx_mps, velocity.vy_mps)


@pytest.mark.parametrize("frame", ["world", "body"])
@pytest.mark.parametrize("number", [0, 3, 6])
def test_truth_is_the_way_s_derivative_in_the_middle_of_the_scored_turn(studio, number, frame):
    trial = simulate_trial(number, TrialSettings(seed=40, speed_jitter=0.05, frame=frame))
    _, trajectory, _, turntable = studio.asked[0]
    time_s = np.linspace(0, 1.2, 120001)
    start = trial.scored.start_azimuth_rad
    middle_s = np.interp([start, start + 2 * np.pi], turntable(time_s), time_s).mean()
    before, then, after = (trajectory.pose(middle_s + h) for h in (-1e-4, 0.0, 1e-4))
    change = np.array([after.x_m - before.x_m, after.y_m - before.y_m]) / 2e-4
    cosine, sine = np.cos(then.yaw_rad), np.sin(then.yaw_rad)
    own = np.array([[cosine, sine], [-sine, cosine]]) @ change
    assert trial.velocity_mps == pytest.approx(own, abs=1e-4)
    assert trial.yaw_rate_radps == pytest.approx((after.yaw_rad - before.yaw_rad) / 2e-4)
    ray_s = trial.scored.ray_time_s(4)
    assert ray_s[0] < trial.middle_s < ray_s[-1]


def test_kinds_of_trials_take_turns_and_nothing_is_too_fast(studio):
    results = [simulate_trial(number, TrialSettings(seed=50)) for number in range(12)]
    turning = [trial.yaw_rate_radps != 0 for trial in results]
    assert turning == [False, False, True, True] * 3
    limit = np.deg2rad(60)
    assert all(abs(trial.yaw_rate_radps) <= limit for trial in results)
    time_s = np.linspace(0, trials.TURNS / 2, 50)
    for number, (_, trajectory, seed, _) in enumerate(studio.asked):
        assert seed == 50 + number
        speed = speed_of(trajectory, time_s)
        assert speed.max() <= 0.6 + 1e-9
        assert np.ptp(speed) > 1e-3 if number % 2 else np.ptp(speed) < 1e-9


def test_robot_keeps_clear_of_the_building(studio, building):
    for number in range(6):
        simulate_trial(number, TrialSettings(seed=60))
        pose = studio.asked[-1][1].pose(np.linspace(0, trials.TURNS / 2, 12))
        clear_m = building.clearance_m(np.column_stack([pose.x_m, pose.y_m]))
        assert clear_m.min() >= trials.CLEARANCE_M


def test_options_change_what_they_name_only(studio):
    plain = simulate_trial(1, TrialSettings())
    lossy = simulate_trial(1, TrialSettings(lost_share=0.1))
    uneven = simulate_trial(1, TrialSettings(speed_jitter=0.05))
    sensed = simulate_trial(1, TrialSettings(imu_radps=0.02))
    simulate_trial(1, TrialSettings(people=True))
    assert plain.scored.valid.all()
    assert 0.06 < 1 - lossy.scored.valid.mean() < 0.14
    assert not lossy.scored.samples[~lossy.scored.valid].any()
    assert lossy.scored.samples[lossy.scored.valid].all()
    np.testing.assert_array_equal(lossy.velocity_mps, plain.velocity_mps)
    assert plain.imu is None
    assert 0 < abs(sensed.imu.rate_radps - sensed.yaw_rate_radps) < 0.1
    assert sensed.imu.variance == pytest.approx(4e-4)
    speed = np.diff(uneven.scored.azimuth_rad) / np.diff(uneven.scored.time_s) / (4 * np.pi)
    assert (speed.min(), speed.max()) == pytest.approx((0.95, 1.05), abs=0.001)
    assert [isinstance(asked[0], StaticWorld) for asked in studio.asked] == [True] * 4 + [False]


def test_a_position_lost_in_both_turns_is_the_same_position(studio):
    trial = simulate_trial(0, TrialSettings(lost_share=0.3))
    began = [turn.reference_ns * 1e-9 + turn.time_s for turn in (trial.before, trial.scored)]
    shared = [np.round(times, 6) for times in began]
    both = np.intersect1d(*shared)
    assert len(both) > 200
    masks = [
        turn.valid[np.isin(times, both), 0]
        for turn, times in zip((trial.before, trial.scored), shared, strict=True)
    ]
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lost_share": 1.0}, "lost_share"),
        ({"speed_jitter": -0.1}, "speed_jitter"),
        ({"seed": -1}, "seed"),
        ({"imu_radps": -0.1}, "imu_radps"),
        ({"frame": "wheel"}, "'world' or 'body', got 'wheel'"),
    ],
)
def test_settings_name_the_value_that_is_wrong(options, message):
    with pytest.raises(ValueError, match=message):
        TrialSettings(**options)


@pytest.fixture(scope="module")
def simulated():
    azimuth = np.arange(0.1, 0.1 + 2.3 * 2 * np.pi, np.deg2rad(0.3))
    samples = np.zeros((len(azimuth), 8, 256, 2), np.int16)
    return RotationSamples(samples, 5 + azimuth / 12, azimuth, Waveform(), AntennaArray())


def test_two_turns_follow_each_other_with_their_margins(simulated):
    first, second = consecutive_turns(simulated)
    assert second.start_azimuth_rad - first.start_azimuth_rad == pytest.approx(2 * np.pi)
    for turn in (first, second):
        margins = np.rad2deg(turn.azimuth_rad[[0, -1]] - turn.start_azimuth_rad)
        assert margins[0] <= -32 + 1e-9
        assert margins[1] >= 392 - 1e-9
        seconds = 5 + turn.azimuth_rad / 12 - simulated.time_s[0]
        np.testing.assert_allclose(turn.reference_ns * 1e-9 + turn.time_s, seconds, atol=1e-8)


def test_too_few_turns_are_refused(simulated):
    short = RotationSamples(
        simulated.samples[:2000],
        simulated.time_s[:2000],
        simulated.azimuth_rad[:2000],
        simulated.waveform,
        simulated.array,
    )
    with pytest.raises(ValueError, match="360 are needed"):
        consecutive_turns(short)
