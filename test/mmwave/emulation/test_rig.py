"""Radar, capture card and turntable together, seen through the real drivers."""

import contextlib
import logging
import socket
import threading
import time

import numpy as np
import pytest
from counting_recording import FRAMES, WAVEFORM, CountingRecording, drive_time_s

from mmwave.emulation.link import LinkFaults
from mmwave.emulation.rig import EmulatedRig, next_zero_ns
from mmwave.emulation.rotor import Leg, Mechanics, Rotor, RotorFaults, plan_velocity
from mmwave.emulation.tic_device import TicSettings
from mmwave.waveform import Waveform
from panoradar_ros.hardware.radar import RadarFrontEnd
from panoradar_ros.hardware.stepper import StepperConfiguration, TicStepper

RATE = 4 * np.pi
SECOND = 1_000_000_000
DEADLINE_S = 10.0
RECORDING = CountingRecording()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bench:
    """A rig with its drivers; polls the stepper in the background."""

    def __init__(self, stack: contextlib.ExitStack, link=None, rotor=None) -> None:
        ports = {"control_port": free_port(), "data_port": free_port()}
        self.rig = stack.enter_context(
            EmulatedRig(
                RECORDING,
                link,
                rotor,
                **ports,
                mechanics=Mechanics(start_angle_rad=0.3),
                tic_settings=TicSettings(homing_speed_towards_hz=6400.0),
            )
        )
        configuration = StepperConfiguration(acceleration_revolutions_per_s2=20.0)
        self.stepper = stack.enter_context(TicStepper(self.rig.stepper_port, configuration))
        self.front_end = RadarFrontEnd(
            WAVEFORM, self.rig.radar_port, "127.0.0.1", "127.0.0.2", **ports
        )
        stack.enter_context(self.front_end)
        self.readings: list = []
        self._done = threading.Event()
        self._poller = threading.Thread(target=self._poll)
        self._poller.start()
        stack.callback(self._stop)

    def _poll(self) -> None:
        while not self._done.wait(0.005):
            reading = self.stepper.read()
            if reading.homed:
                self.readings.append(reading)

    def _stop(self) -> None:
        self._done.set()
        self._poller.join()

    def spin(self) -> None:
        self.stepper.home()
        self.stepper.set_velocity(2.0)

    def wait_for_speed(self) -> None:
        end_s = time.monotonic() + DEADLINE_S
        while self.rig.rotor.at_speed_since_ns(time.time_ns()) is None:
            assert time.monotonic() < end_s, "the rotor does not reach its speed"
            time.sleep(0.005)

    def blocks(self, enough) -> list:
        """Blocks until the condition on the list holds."""
        end_s = time.monotonic() + DEADLINE_S
        blocks = []
        for block in self.front_end.blocks():
            blocks.append(block)
            if enough(blocks):
                break
            assert time.monotonic() < end_s, f"only {len(blocks)} blocks"
        return blocks

    def azimuth_rad(self, time_ns: np.ndarray) -> np.ndarray:
        """Turntable angle interpolated between the stepper's readings."""
        times = np.array([reading.time_ns for reading in self.readings])
        angles = np.array([reading.angle_rad for reading in self.readings])
        return np.interp(time_ns - times[0], times - times[0], angles)


@pytest.fixture
def bench():
    with contextlib.ExitStack() as stack:
        yield lambda link=None, rotor=None: Bench(stack, link, rotor)


def frame_number(block) -> int:
    return int(block.samples[0, 0, 0, 0])


def wrapped(angle_rad):
    return np.mod(np.asarray(angle_rad) + np.pi, 2 * np.pi) - np.pi


def test_a_radar_started_after_the_rotor_gives_the_stored_frames_in_order(bench):
    rig = bench()
    rig.spin()
    rig.wait_for_speed()
    rig.front_end.start()
    blocks = rig.blocks(lambda blocks: len(blocks) > FRAMES + 10)
    for number, block in enumerate(blocks):
        assert block.valid.all()
        np.testing.assert_array_equal(block.samples, RECORDING.samples[number % FRAMES])
    statistics = rig.rig.statistics
    assert statistics.exact_frames >= len(blocks)
    assert (statistics.gathered_frames, statistics.still_frames, statistics.drives) == (0, 0, 1)

    inner = blocks[5:-5]  # the last readings may come after the last block
    azimuth = np.array([rig.azimuth_rad(block.time_ns) for block in inner])
    encoded = RATE * np.array([drive_time_s(block.samples) for block in inner])
    assert np.median(np.abs(wrapped(azimuth - encoded))) < np.deg2rad(0.3)

    truth = np.array([rig.rig.truth(int(block.time_ns[0])) for block in inner])
    played = np.array([drive_time_s(block.samples)[0] for block in inner])
    assert np.median(np.abs(truth - played)) < 1e-3


def test_a_radar_started_first_shows_the_standing_robot_until_the_drive_begins(bench):
    rig = bench()
    rig.front_end.start()
    assert rig.rig.truth(time.time_ns()) is None
    spinner = threading.Thread(target=rig.spin)
    spinner.start()
    blocks = rig.blocks(lambda blocks: frame_number(blocks[-1]) >= 5)
    spinner.join()
    still = [block for block in blocks if frame_number(block) < 0]
    drive = [block for block in blocks if frame_number(block) >= 0]
    assert [frame_number(block) for block in drive] == list(range(6))
    assert len(still) > 10
    assert {block.stream for block in still} == {0}
    assert {block.stream for block in drive} == {1}
    for block in drive:
        np.testing.assert_array_equal(block.samples, RECORDING.samples[frame_number(block)])
        assert block.valid.all()
    first = still[0]  # before homing: the rotor stands where it was switched on
    np.testing.assert_allclose(first.samples[:, 0, 0, 1] / 2, np.rad2deg(0.3), atol=0.3)
    assert rig.rig.truth(int(still[-1].time_ns[0])) is None
    start_ns = int(drive[0].time_ns[0] - round(WAVEFORM.position_offsets_s[0] * 1e9))
    assert wrapped(rig.rig.rotor.angle_rad(start_ns)) == pytest.approx(0, abs=0.05)


def test_loss_and_reordering_never_displace_a_sample(bench):
    rig = bench(LinkFaults(loss=0.05, reorder=0.02, seed=2))
    rig.spin()
    rig.wait_for_speed()
    rig.front_end.start()
    blocks = rig.blocks(lambda blocks: len(blocks) >= FRAMES)
    for number, block in enumerate(blocks):
        np.testing.assert_array_equal(
            block.samples[block.valid], RECORDING.samples[number % FRAMES][block.valid]
        )
    assert 0.5 < np.mean([block.valid.mean() for block in blocks]) < 1
    assert rig.rig.statistics.link.lost_fraction == pytest.approx(0.05, abs=0.02)


def test_samples_follow_a_rotor_that_stalls(bench):
    rig = bench(rotor=RotorFaults(stall_at_s=1.2))
    rig.spin()
    rig.wait_for_speed()
    rig.front_end.start()
    rig.blocks(lambda _: rig.rig.rotor.speed_rad_s(time.time_ns()) == 0)
    stands_at = float(rig.rig.rotor.angle_rad(time.time_ns()))
    blocks = rig.blocks(lambda blocks: len(blocks) >= 10)[4:]
    for block in blocks:
        seen = RATE * drive_time_s(block.samples)
        assert np.max(np.abs(wrapped(seen - stands_at))) < np.deg2rad(1.2)
    assert rig.rig.statistics.gathered_frames > 0


def test_a_radar_started_again_begins_the_drive_again(bench):
    rig = bench()
    rig.spin()
    rig.wait_for_speed()
    for _ in range(2):
        rig.front_end.start()
        blocks = []
        for block in rig.front_end.blocks():
            blocks.append(block)
            if len(blocks) == 3:
                rig.front_end.stop()
        assert [frame_number(block) for block in blocks[:3]] == [0, 1, 2]
    assert rig.rig.statistics.drives == 2


def test_another_waveform_is_refused_with_a_reason(caplog):
    rig = EmulatedRig(RECORDING, control_port=free_port(), data_port=free_port())
    with rig, caplog.at_level(logging.ERROR):
        rig.radar.on_start(Waveform())
        assert "samples_per_chirp = 256 instead of 64" in caplog.text
        assert rig.statistics.still_frames == 0
    rig.stop()


def test_next_zero_is_where_the_index_says():
    rotor = Rotor(Mechanics(start_angle_rad=1.0), RotorFaults(), 0)
    assert next_zero_ns(rotor, SECOND, 1.0) is None
    rotor.follow(plan_velocity(SECOND, 0.0, 0.0, 12_800.0, 12_800.0, 12_800.0), spin=True)
    assert next_zero_ns(rotor, SECOND + SECOND // 2, 1.0) is None  # on the ramp
    zero = next_zero_ns(rotor, 4 * SECOND, 1.0)
    assert 4 * SECOND <= zero <= 4 * SECOND + SECOND // 2
    assert wrapped(rotor.angle_rad(zero)) == pytest.approx(0, abs=1e-7)
    assert next_zero_ns(rotor, 4 * SECOND, 2 * RATE) is None
    rotor.follow((Leg(5 * SECOND, 0.0, 0.0),))
    assert next_zero_ns(rotor, 6 * SECOND, 1.0) is None
