"""The waveform in the radar's own terms, and whether the radar can do it."""

from xwr import DCAConfig, XWRConfig, check_config
from xwr.radar import AWR1843L

from mmwave.waveform import Waveform

RECEIVE_BUFFER_BYTES = 8 << 20
_START_GHZ = (76.0, 77.0)


def xwr_config(waveform: Waveform, port: str | None = None) -> XWRConfig:
    """What ``xwr`` needs to configure an AWR1843 with its middle transmitter switched off.

    Args:
        waveform: the chirps and frames.
        port: serial port of the radar's command line; None looks for it.
    """
    return XWRConfig(
        device=AWR1843L,
        frequency=_rounded(waveform.start_hz / 1e9),
        idle_time=_rounded(waveform.idle_s * 1e6),
        adc_start_time=_rounded(waveform.adc_start_s * 1e6),
        ramp_end_time=_rounded(waveform.ramp_end_s * 1e6),
        tx_start_time=0.0,
        freq_slope=_rounded(waveform.slope_hz_per_s / 1e12),
        adc_samples=waveform.samples_per_chirp,
        sample_rate=round(waveform.sample_rate_hz / 1e3),
        frame_length=waveform.loops_per_frame,
        frame_period=_rounded(waveform.frame_period_s * 1e3),
        port=port,
    )


def capture_config(packet_delay_us: float = 5.0) -> DCAConfig:
    """What ``xwr`` needs to know of the capture card to check a waveform against it."""
    return DCAConfig(socket_buffer=RECEIVE_BUFFER_BYTES, delay=float(packet_delay_us))


def _rounded(value: float) -> float:
    """Nine digits are finer than the chip's steps and hide binary fractions."""
    return float(f"{value:.9g}")


def check_waveform(waveform: Waveform, packet_delay_us: float = 5.0) -> None:
    """Check that an AWR1843 with a DCA1000 can send and deliver a waveform.

    Args:
        waveform: the chirps and frames.
        packet_delay_us: pause of the card between packets.

    Raises:
        ValueError: it cannot; names each constraint that fails and by how much.
    """
    failed = [
        f"{result.constraint.__name__}: {result.detail}"
        for result in check_config(xwr_config(waveform), capture_config(packet_delay_us), log=False)
        if result.passed is False
    ]
    antennas = (waveform.transmitters, waveform.receivers)
    expected = (AWR1843L.NUM_TX, AWR1843L.NUM_RX)
    if antennas != expected:
        failed.append(
            f"Antennas: {antennas[0]} transmitters and {antennas[1]} receivers "
            f"(the radar's line array has {expected[0]} and {expected[1]})"
        )
    if waveform.start_hz / 1e9 not in _START_GHZ:
        failed.append(
            f"StartFrequency: {waveform.start_hz / 1e9:g} GHz (the driver takes 76 or 77 GHz)"
        )
    if waveform.sample_rate_hz % 1e3:
        failed.append(
            f"SampleRateStep: {waveform.sample_rate_hz:g} Hz (must be a whole number of kHz)"
        )
    if failed:
        raise ValueError("the radar cannot send this waveform: " + "; ".join(failed))
