"""What can go wrong, as one tree of exceptions.

::

    NnapproxError               anything this package raises on purpose
    ├── UsageError              an argument outside what it may be (also a ValueError)
    ├── FileFormatError         a network or checkpoint file is not what it should be
    ├── DatasetError            a data set cannot be had, or is not what it should be
    ├── DivergedError           training met a number that is not finite
    ├── WriteError              a file cannot be written
    └── MissingExtraError       an optional dependency is not installed

Every message is one line: what is wrong, with which value, and what to do.
"""


class NnapproxError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(NnapproxError, ValueError):
    """An argument is outside what it may be."""


class FileFormatError(NnapproxError):
    """A network or checkpoint file is not what it should be."""


class DatasetError(NnapproxError):
    """A data set cannot be had, or is not what it should be."""


class DivergedError(NnapproxError):
    """Training met a loss or a weight that is not finite."""


class WriteError(NnapproxError):
    """A file cannot be written; what stood there before stays."""


class MissingExtraError(NnapproxError):
    """An optional dependency is not installed; the message names the extra."""
