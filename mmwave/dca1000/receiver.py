"""Many datagrams a system call, each with the time the kernel received it."""

import contextlib
import ctypes
import errno
import logging
import select
import socket
import struct
import time
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000.packets import PacketBatch

logger = logging.getLogger(__name__)

SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
_CONTROL_BYTES = 64
_CLOCK_STEP_NS = 100_000
_GOOD_BRACKET_NS = 5_000
_ADDRESS_BYTES = 16
_CMSG = struct.Struct("@Nii")


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MessageHeader(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vector", ctypes.c_void_p),
        ("vector_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class MultipleMessageHeader(ctypes.Structure):
    """``struct mmsghdr`` of ``recvmmsg(2)`` and ``sendmmsg(2)``."""

    _fields_ = (("header", _MessageHeader), ("length", ctypes.c_uint))


def message_headers(
    slots: NDArray[np.uint8],
    addresses: NDArray[np.uint8] | None,
    controls: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
    """Message headers that point at rows of arrays, for ``recvmmsg`` and ``sendmmsg``.

    Args:
        slots: uint8, shape (message, slot): where each datagram is or goes.
        addresses: uint8, shape (message, 16): a ``sockaddr_in`` each, or None.
        controls: uint8, shape (message, control): room for control messages, or None.

    Returns:
        The headers as a structured array of shape (message,), and the vectors they point at, uint64
        of shape (message, 2): address and length in bytes of each datagram. Both must outlive every
        call.
    """
    count = len(slots)
    vectors = np.zeros((count, 2), np.uint64)
    vectors[:, 0] = slots.ctypes.data + np.arange(count, dtype=np.uint64) * slots.strides[0]
    vectors[:, 1] = slots.shape[1]
    headers = np.zeros(count, np.dtype(MultipleMessageHeader))
    header = headers["header"]
    header["vector"] = vectors.ctypes.data + np.arange(count, dtype=np.uint64) * vectors.strides[0]
    header["vector_length"] = 1
    for name, rows in (("name", addresses), ("control", controls)):
        if rows is not None:
            step = np.arange(count, dtype=np.uint64) * rows.strides[0]
            header[name] = rows.ctypes.data + step
            header[f"{name}_length"] = rows.shape[1]
    return headers, vectors


def kernel_function(name: str) -> "ctypes._NamedFuncPointer | None":
    """A function of the C library that sets ``ctypes``' errno, or None if there is none."""
    library = ctypes.CDLL(None, use_errno=True)  # what this program is linked with
    function = getattr(library, name, None)
    if function is not None:
        function.restype = ctypes.c_int
    return function


def address_number(address: str) -> int:
    """An IPv4 address as the number that :class:`PacketBatch` carries.

    Raises:
        OSError: not an IPv4 address.
    """
    return int.from_bytes(socket.inet_aton(address), "big")


def _epoch_offset_ns() -> int:
    """UNIX time minus time since boot; the best of some tries, for we may be interrupted."""
    best_ns, offset_ns = 1 << 62, 0
    for _ in range(10):
        before_ns = time.monotonic_ns()
        unix_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        if after_ns - before_ns < best_ns:
            best_ns = after_ns - before_ns
            offset_ns = unix_ns - (before_ns + after_ns) // 2
        if best_ns < _GOOD_BRACKET_NS:
            break
    return offset_ns


class PacketReceiver:
    """Receives datagrams in batches from a bound UDP socket.

    The kernel stamps every datagram when it arrives (``SO_TIMESTAMPNS``), so a reader that comes
    late loses no accuracy. That is used to save work: after each batch the reader waits
    ``gather_s`` and then takes all that came meanwhile in one call.

    Args:
        data_socket: the bound socket; stays the caller's to close.
        slots: most packets a batch.
        slot_bytes: room for each; what is longer is cut and shows by its length.
        gather_s: how long packets are left to gather.
        buffer_bytes: kernel buffer to ask for, as far as this user may.
        use_recvmmsg: False receives one packet a call, as where the C library lacks ``recvmmsg``.
    """

    def __init__(
        self,
        data_socket: socket.socket,
        *,
        slots: int = 256,
        slot_bytes: int = 2048,
        gather_s: float = 0.004,
        buffer_bytes: int = 8 << 20,
        use_recvmmsg: bool = True,
    ) -> None:
        self._socket = data_socket
        self._socket.setblocking(False)
        self._gather_s = gather_s
        self._data = np.zeros((slots, slot_bytes), np.uint8)
        self._addresses = np.zeros((slots, _ADDRESS_BYTES), np.uint8)
        self._controls = np.zeros((slots, _CONTROL_BYTES), np.uint8)
        self._headers, self._vectors = message_headers(self._data, self._addresses, self._controls)
        self._recvmmsg = kernel_function("recvmmsg") if use_recvmmsg else None
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._last_full = True
        self._epoch_offset_ns = _epoch_offset_ns()
        self.kernel_dropped = 0
        self._enable(buffer_bytes)

    def _enable(self, buffer_bytes: int) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)

    @property
    def buffer_bytes(self) -> int:
        """Size of the kernel's buffer for this socket, as the kernel counts it."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def receive(self, timeout_s: float) -> PacketBatch | None:
        """Wait for packets.

        Args:
            timeout_s: how long to wait for the first.

        Returns:
            A batch that is valid until the next call, or None if nothing came.
        """
        if not self._last_full and self._gather_s:
            time.sleep(min(self._gather_s, timeout_s))
        count = self._drain()
        if count == 0 and self._poll.poll(timeout_s * 1e3):
            count = self._drain()
        self._last_full = count in (0, len(self._headers))
        return self._batch(count) if count else None

    def discard(self) -> int:
        """Throw away what has arrived; returns how many packets that were."""
        total = 0
        while count := self._drain():
            total += count
        return total

    def _drain(self) -> int:
        if self._recvmmsg is None:
            return self._drain_singly()
        header = self._headers["header"]
        header["name_length"] = _ADDRESS_BYTES
        header["control_length"] = _CONTROL_BYTES
        count = self._recvmmsg(
            self._socket.fileno(),
            ctypes.c_void_p(self._headers.ctypes.data),
            len(self._headers),
            socket.MSG_DONTWAIT | socket.MSG_TRUNC,
            None,
        )
        if count >= 0:
            return count
        code = ctypes.get_errno()
        if code == errno.ENOSYS:
            logger.warning("This kernel has no recvmmsg: receiving one packet a call.")
            self._recvmmsg = None
            return self._drain_singly()
        if code in (errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED):
            return 0
        raise OSError(
            code, f"receiving from the DCA1000's data socket: {errno.errorcode.get(code)}"
        )

    def _drain_singly(self) -> int:
        for index in range(len(self._headers)):
            try:
                size, control, _, address = self._socket.recvmsg_into(
                    [self._data[index]], _CONTROL_BYTES, socket.MSG_TRUNC
                )
            except (BlockingIOError, InterruptedError):
                return index
            packed = b"".join(
                _CMSG.pack(_CMSG.size + len(data), level, kind) + data.ljust(-(-len(data) // 8) * 8)
                for level, kind, data in control
            ).ljust(_CONTROL_BYTES, b"\0")
            self._controls[index] = np.frombuffer(packed[:_CONTROL_BYTES], np.uint8)
            self._addresses[index, 4:8] = np.frombuffer(socket.inet_aton(address[0]), np.uint8)
            self._headers["length"][index] = size
        return len(self._headers)

    def _batch(self, count: int) -> PacketBatch:
        epoch_offset_ns = self._measure_epoch_offset()
        controls = self._controls[:count]
        fields = controls.view(
            np.int64
        )  # length, (level, type), seconds, nanoseconds, next message
        kinds = controls.view(np.int32)
        stamped = (kinds[:, 2] == socket.SOL_SOCKET) & (kinds[:, 3] == SO_TIMESTAMPNS)
        stamps = fields[:, 2] * 1_000_000_000 + fields[:, 3]
        counted = stamped & (kinds[:, 10] == socket.SOL_SOCKET) & (kinds[:, 11] == SO_RXQ_OVFL)
        if counted.any():
            self.kernel_dropped = int(controls.view(np.uint32)[counted, 12].max())
        controls[:] = 0
        addresses = self._addresses[:count, 4:8].copy().view(">u4")[:, 0]
        return PacketBatch(
            data=self._data[:count],
            length_bytes=self._headers["length"][:count].astype(np.int64),
            arrival_ns=np.where(stamped, stamps - epoch_offset_ns, 0),
            source=addresses.astype(np.uint32),
            epoch_offset_ns=epoch_offset_ns,
        )

    def _measure_epoch_offset(self) -> int:
        """UNIX time minus time since boot, the same until someone sets the computer's clock."""
        measured_ns = _epoch_offset_ns()
        if abs(measured_ns - self._epoch_offset_ns) > _CLOCK_STEP_NS:
            self._epoch_offset_ns = measured_ns
        return self._epoch_offset_ns

    def close(self) -> None:
        """Stop watching the socket."""
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._poll.unregister(self._socket)

    def __enter__(self) -> "PacketReceiver":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
