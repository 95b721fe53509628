"""Loss over the last seconds, by hand-made counts."""

import pytest

from mmwave.dca1000 import ReceiverStatistics, RecentLoss


class Counts:
    """A receiver that gets 100 bytes a second, and the loss over its last 5 s."""

    def __init__(self):
        self.time_s = 0.0
        self.received_bytes = self.lost_bytes = 0
        self.recent = RecentLoss(window_s=5.0, clock=lambda: self.time_s)

    def run(self, seconds, lost_fraction):
        for _ in range(seconds):
            self.time_s += 1.0
            self.lost_bytes += round(100 * lost_fraction)
            self.received_bytes += round(100 * (1 - lost_fraction))
            recent = self.recent.update(self.statistics)
        return recent

    @property
    def statistics(self):
        return ReceiverStatistics(received_bytes=self.received_bytes, lost_bytes=self.lost_bytes)


def test_bad_minute_is_forgotten_in_5_s_but_stays_in_the_total():
    counts = Counts()
    assert counts.run(60, 0.5) == pytest.approx(0.5)
    assert counts.run(5, 0.0) == 0.0
    assert counts.statistics.lost_fraction == pytest.approx(30 / 65)


def test_good_hour_does_not_hide_what_is_lost_now():
    counts = Counts()
    assert counts.run(3600, 0.0) == 0.0
    assert counts.run(2, 0.5) == pytest.approx(0.2)
    assert counts.statistics.lost_fraction < 0.001


def test_loss_before_the_first_window_is_full_counts_from_the_start():
    counts = Counts()
    assert counts.recent.update(counts.statistics) == 0.0
    assert counts.run(1, 0.3) == pytest.approx(0.3)


def test_nothing_is_lost_while_nothing_comes():
    counts = Counts()
    counts.run(3, 0.5)
    counts.time_s += 60.0
    counts.recent.update(counts.statistics)
    assert counts.recent.update(counts.statistics) == 0.0
