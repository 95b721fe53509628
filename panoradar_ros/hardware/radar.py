"""The rotating radar's front end: configures, starts, receives, and starts again when it stops."""

import contextlib
import enum
import logging
import threading
import time
from collections.abc import Iterator
from types import TracebackType

from xwr import DCAConfig

from mmwave.dca1000 import (
    CONTROL_PORT,
    DATA_PORT,
    FrameAssembler,
    PacketReceiver,
    PositionBlock,
    PositionStream,
    ReceiverStatistics,
    address_number,
)
from mmwave.waveform import Waveform
from panoradar_ros.hardware.radar_configuration import (
    RECEIVE_BUFFER_BYTES,
    check_waveform,
    xwr_config,
)
from panoradar_ros.hardware.radar_devices import (
    CaptureCard,
    InterruptedRadarError,
    RadarCommandLine,
    RadarError,
    configure,
)

__all__ = ["FrontEndState", "RadarFrontEnd", "check_waveform", "xwr_config"]

logger = logging.getLogger(__name__)

_POLL_S = 0.05


class FrontEndState(enum.Enum):
    """What the front end is doing."""

    DISCONNECTED = "disconnected"
    CONNECTED = "connected"
    STREAMING = "streaming"
    RECONNECTING = "reconnecting"


class RadarFrontEnd:
    """An AWR1843 with a DCA1000.

    ``start``, ``stop``, ``disconnect`` and the properties may be used from any thread while one
    thread iterates over :meth:`blocks`.

    Args:
        waveform: what the radar is to send.
        serial_port: port of the radar's command line; None or empty looks for it.
        host_address: address of this machine that the card sends to.
        device_address: address of the card; packets from others are ignored and counted.
        control_port: the card's UDP port for commands.
        data_port: the card's UDP port for data.
        packet_delay_us: pause of the card between packets, 5 to 500.
        card_timeout_s: wait for an answer of the card, of which there are three.
        radar_timeout_s: wait for an answer of the radar's command line.
        boot_timeout_s: wait for the radar's prompt after a reset.
        stall_timeout_s: silence after which the devices are reset and started again.
        backoff_s: pause after the first failed attempt to do so; doubles up to ten times this.

    Attributes:
        reconnects: how often the devices were started again after the stream had stopped.
        problem: why the last attempt to do so failed, and what to do; empty if all is well.

    Raises:
        ValueError: the waveform is impossible, or a time is not positive.
    """

    def __init__(
        self,
        waveform: Waveform,
        serial_port: str | None = None,
        host_address: str = "192.168.33.30",
        device_address: str = "192.168.33.180",
        *,
        control_port: int = CONTROL_PORT,
        data_port: int = DATA_PORT,
        packet_delay_us: float = 5.0,
        card_timeout_s: float = 1.0,
        radar_timeout_s: float = 5.0,
        boot_timeout_s: float = 3.0,
        stall_timeout_s: float = 2.0,
        backoff_s: float = 0.5,
    ) -> None:
        check_waveform(waveform, packet_delay_us)
        for name, value in (
            ("card_timeout_s", card_timeout_s),
            ("radar_timeout_s", radar_timeout_s),
            ("boot_timeout_s", boot_timeout_s),
            ("stall_timeout_s", stall_timeout_s),
            ("backoff_s", backoff_s),
        ):
            if value <= 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.waveform = waveform
        self.reconnects = 0
        self.problem = ""
        self._config = xwr_config(waveform, serial_port or None)
        self._card_config = DCAConfig(
            sys_ip=host_address,
            fpga_ip=device_address,
            data_port=data_port,
            config_port=control_port,
            timeout=float(card_timeout_s),
            socket_buffer=RECEIVE_BUFFER_BYTES,
            delay=float(packet_delay_us),
        )
        self._radar_timeout_s = radar_timeout_s
        self._boot_timeout_s = boot_timeout_s
        self._stall_timeout_s = stall_timeout_s
        self._backoff_s = backoff_s
        self._silence_s = min(2 * waveform.frame_period_s + _POLL_S, stall_timeout_s / 2)
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._state = FrontEndState.DISCONNECTED
        self._card: CaptureCard | None = None
        self._radar: RadarCommandLine | None = None
        self._receiver: PacketReceiver | None = None
        self._kernel_dropped = 0
        self._stream = PositionStream(
            waveform,
            FrameAssembler(waveform.bytes_per_frame, device_address=address_number(device_address)),
        )

    @property
    def state(self) -> FrontEndState:
        """What the front end is doing."""
        return self._state

    @property
    def statistics(self) -> ReceiverStatistics:
        """Counts of everything received since this object was made."""
        return self._stream.statistics

    def connect(self) -> None:
        """Open the serial port and the network ports, and check that the card answers.

        Raises:
            RadarError: something is missing or does not answer; says what and what to do.
        """
        with self._lock:
            if self._card is None:
                self._open()
                self._state = FrontEndState.CONNECTED

    def start(self) -> None:
        """Reset and configure the radar, and start recording and chirping.

        Raises:
            RadarError: a device refuses or does not answer; says which and what to do.
        """
        self._stopping.clear()
        with self._lock:
            self.connect()
            self._stream.restart()  # what is left of an earlier run was not asked for
            self._begin()

    def stop(self) -> None:
        """Stop the radar and end :meth:`blocks`. Safe from any thread, and when nothing runs."""
        self._stopping.set()
        with self._lock:
            if self._state in (FrontEndState.STREAMING, FrontEndState.RECONNECTING):
                self._quiet()
            if self._card is not None:
                self._state = FrontEndState.CONNECTED

    def disconnect(self) -> None:
        """Stop and close all ports."""
        self.stop()
        with self._lock:
            self._close()
            self._state = FrontEndState.DISCONNECTED

    def __enter__(self) -> "RadarFrontEnd":
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()

    def blocks(self) -> Iterator[PositionBlock]:
        """Receive until :meth:`stop`.

        When the stream stops, the devices are reset, configured and started again until they send;
        :attr:`state` and :attr:`problem` say how that goes. The next block's ``stream`` differs.

        Yields:
            The positions of one frame after the other.

        Raises:
            RuntimeError: :meth:`start` was not called.
        """
        if self._receiver is None:
            raise RuntimeError("call start() before blocks()")
        last_packet_s = time.monotonic()
        flushed = True
        while not self._stopping.is_set():
            before = self._stream.received_packets
            yield from self._receive()
            if self._stream.received_packets > before:
                last_packet_s, flushed = time.monotonic(), False
                continue
            silent_s = time.monotonic() - last_packet_s
            if silent_s > self._silence_s and not flushed:
                yield from self._stream.flush()
                flushed = True
            if silent_s > self._stall_timeout_s and not self._stopping.is_set():
                yield from self._stream.restart()
                self._reconnect(silent_s)
                last_packet_s = time.monotonic()
        yield from self._stream.restart()

    def _receive(self) -> list[PositionBlock]:
        with self._lock:
            if self._receiver is None or self._stopping.is_set():
                return []
            batch = self._receiver.receive(_POLL_S)
            if batch is None:
                return []
            self._stream.kernel_dropped = self._kernel_dropped + self._receiver.kernel_dropped
            return self._stream.push(batch)

    def _reconnect(self, silent_s: float) -> None:
        """Start the devices again, as often as it takes, until it works or the user stops."""
        self._state = FrontEndState.RECONNECTING
        self.problem = (
            f"No data from the radar for {silent_s:.1f} s. If starting it again does not help, "
            "check the cable between radar and capture card, the network cable and the power"
        )
        logger.warning("%s.", self.problem)
        pause_s = self._backoff_s
        while not self._stopping.is_set():
            try:
                with self._lock:
                    if self._card is None:
                        self._open()
                    self._begin()
            except InterruptedRadarError:
                return
            except RadarError as error:
                self.problem = str(error)
                logger.warning("%s. Trying again in %.1f s.", error, pause_s)
                with self._lock:
                    self._close()
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, 10 * self._backoff_s)
            else:
                self.reconnects += 1
                self.problem = ""
                logger.info("The radar runs again.")
                return

    def _open(self) -> None:
        card = CaptureCard(self._card_config)
        try:
            card.setup()
            radar = RadarCommandLine(
                self._config.port, self._radar_timeout_s, self._stopping.is_set
            )
        except BaseException:
            card.close()
            raise
        self._card, self._radar = card, radar
        self._receiver = PacketReceiver(card.data_socket, buffer_bytes=RECEIVE_BUFFER_BYTES)
        if self._receiver.buffer_bytes < 4 * self.waveform.bytes_per_frame:
            logger.warning(
                "The socket's receive buffer holds only %d B; packets may be lost under load. "
                "Run `sudo sysctl -w net.core.rmem_max=%d`.",
                self._receiver.buffer_bytes // 2,
                RECEIVE_BUFFER_BYTES,
            )

    def _close(self) -> None:
        if self._receiver is not None:
            self._kernel_dropped += self._receiver.kernel_dropped
            self._receiver.close()
        if self._radar is not None:
            self._radar.close()
        if self._card is not None:
            self._card.close()
        self._card = self._radar = self._receiver = None

    def _begin(self) -> None:
        """Bring both devices from any state to streaming."""
        if self._card is None or self._radar is None or self._receiver is None:
            raise RadarError("The radar is not connected. Connect it first")
        self._card.stop_record()
        self._radar.forget_input()
        self._card.reset_radar()
        self._radar.await_boot(self._boot_timeout_s)
        self._receiver.discard()
        self._card.start_record()
        configure(self._radar, self._config)
        self._radar.start()
        self._state = FrontEndState.STREAMING

    def _quiet(self) -> None:
        """Stop both devices as far as they answer; the reset also stops a radar that is stuck."""
        if self._card is None:
            return
        with contextlib.suppress(RadarError):
            self._card.stop_record()
            self._card.reset_radar()
