"""Packets in, position blocks out: the same path for the live device and for files."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from mmwave.dca1000.assembler import FrameAssembler, RawFrame
from mmwave.dca1000.clock import AcquisitionClock
from mmwave.dca1000.packets import PacketBatch
from mmwave.dca1000.samples import PositionBlock, decode_iiqq
from mmwave.dca1000.statistics import ReceiverStatistics
from mmwave.waveform import Waveform

logger = logging.getLogger(__name__)

_RATE_WINDOW_S = 1.0
_STEP_NS = 1_000_000


class PositionStream:
    """Joins the frame assembler, the acquisition clock and the sample decoder.

    Args:
        waveform: what the radar was told to send.
        assembler: makes frames of packets; a fresh one by default.
        clock: gives positions their times; a fresh one by default.

    Raises:
        ValueError: the assembler's frames have another size than the waveform's.
    """

    def __init__(
        self,
        waveform: Waveform,
        assembler: FrameAssembler | None = None,
        clock: AcquisitionClock | None = None,
    ) -> None:
        self.waveform = waveform
        self._assembler = assembler or FrameAssembler(waveform.bytes_per_frame)
        if self._assembler.frame_bytes != waveform.bytes_per_frame:
            raise ValueError(
                f"the assembler's frames have {self._assembler.frame_bytes} B, "
                f"the waveform's {waveform.bytes_per_frame} B"
            )
        self._clock = clock or AcquisitionClock(waveform)
        self._wire_stream = self._assembler.stream
        self._time_steps = 0
        self._epoch_offset_ns: int | None = None
        self._rate: deque[tuple[float, int]] = deque()
        self.kernel_dropped = 0

    def push(self, batch: PacketBatch) -> list[PositionBlock]:
        """Take packets in; return the blocks that this finishes, in order."""
        batch = self._follow_system_clock(batch)
        frames = self._assembler.push(batch)
        self._measure_rate()
        return self._blocks(frames)

    def flush(self) -> list[PositionBlock]:
        """Hand out what is open, because nothing more is expected for it."""
        return self._blocks(self._assembler.flush())

    def restart(self) -> list[PositionBlock]:
        """Hand out what is open and expect the device to count from the start."""
        return self._blocks(self._assembler.restart())

    @property
    def received_packets(self) -> int:
        """Packets whose samples were used so far."""
        return self._assembler.counts["packets"]

    @property
    def statistics(self) -> ReceiverStatistics:
        """Counts up to now."""
        rate = 0.0
        samples = tuple(self._rate)
        if len(samples) > 1 and time.monotonic() - samples[-1][0] < _RATE_WINDOW_S:
            seconds = samples[-1][0] - samples[0][0]
            rate = (samples[-1][1] - samples[0][1]) * 8e-6 / seconds if seconds > 0 else 0.0
        return ReceiverStatistics(
            **self._assembler.counts,
            time_jumps=self._clock.jumps + self._time_steps,
            kernel_dropped=self.kernel_dropped,
            megabits_per_s=rate,
            drift_ppm=self._clock.drift_ppm,
        )

    def _follow_system_clock(self, batch: PacketBatch) -> PacketBatch:
        """Notice that the computer's clock was set: arrivals do not show it, UNIX times must."""
        last = self._epoch_offset_ns
        self._epoch_offset_ns = batch.epoch_offset_ns
        if last is None or abs(batch.epoch_offset_ns - last) < _STEP_NS:
            return batch
        logger.warning(
            "This computer's clock was set by %+.3f s while receiving; position times follow it.",
            (batch.epoch_offset_ns - last) * 1e-9,
        )
        self._time_steps += 1
        # some of these were stamped before the step and some after it: use none
        return PacketBatch(
            batch.data,
            batch.length_bytes,
            np.zeros_like(batch.arrival_ns),
            batch.source,
            batch.epoch_offset_ns,
        )

    def _measure_rate(self) -> None:
        now_s = time.monotonic()
        if not self._rate or now_s - self._rate[-1][0] > _RATE_WINDOW_S / 20:
            self._rate.append((now_s, self._assembler.counts["received_bytes"]))
        while now_s - self._rate[0][0] > _RATE_WINDOW_S:
            self._rate.popleft()

    def _blocks(self, frames: Iterable[RawFrame]) -> list[PositionBlock]:
        return [self._block(frame) for frame in frames]

    def _block(self, frame: RawFrame) -> PositionBlock:
        if frame.stream != self._wire_stream:
            logger.warning("The device restarted: its packets count from the start again.")
            self._wire_stream = frame.stream
            self._clock.reset()
        self._clock.observe(frame.index, frame.packet_end, frame.arrival_ns)
        shape = (
            self.waveform.loops_per_frame,
            self.waveform.virtual_antennas,
            self.waveform.samples_per_chirp,
            2,
        )
        valid = frame.valid_rows(shape[2] * 4).reshape(shape[:2])
        if valid.any():
            samples = decode_iiqq(frame.payload).reshape(shape)
            if frame.gaps:
                samples[~valid] = 0
        else:
            samples = np.zeros(shape, np.int16)
        times = self._clock.position_times_ns(frame.index) + (self._epoch_offset_ns or 0)
        return PositionBlock(
            frame_index=frame.index,
            samples=samples,
            time_ns=times,
            valid=valid,
            waveform=self.waveform,
            stream=frame.stream + self._clock.jumps + self._time_steps,
        )


def assemble(
    batches: Iterable[PacketBatch], waveform: Waveform, device_address: int | None = None
) -> Iterator[PositionBlock]:
    """Turn packets that are already there into blocks, and the rest at the end too.

    Args:
        batches: the packets in the order in which they came.
        waveform: what the radar was told to send.
        device_address: IPv4 address of the device as a number; None takes packets of any sender.
    """
    stream = PositionStream(
        waveform, FrameAssembler(waveform.bytes_per_frame, device_address=device_address)
    )
    for batch in batches:
        yield from stream.push(batch)
    yield from stream.flush()
