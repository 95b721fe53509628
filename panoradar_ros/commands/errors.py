"""What can be wrong with a source of samples."""


class SourceError(ValueError):
    """A file is not what it should be; the message names it and what is missing."""


class NoRotationError(SourceError):
    """A file may hold samples, but no whole rotation of them."""
