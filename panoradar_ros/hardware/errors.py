"""Errors of the devices: the message says what is wrong and what mends it."""


class HardwareError(RuntimeError):
    """A device does not do what it should."""
