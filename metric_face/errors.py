"""Every error that a user can cause, in one tree.

::

    MetricFaceError
    ├── ArgumentError        an argument of a function breaks a rule (also a ValueError)
    ├── DataError            the table, its labels or its images are wrong
    │   ├── ImageError       one image cannot be used: missing, unreadable, truncated, oversized
    │   └── SplitError       a split is not what it promises: shared identity, empty part
    ├── ConfigError          the run configuration is wrong: unknown key, value out of range
    ├── TrainingError        a training broke: its loss or a gradient is not finite
    ├── ProcessError         of several processes one has ended without a word, or never came
    │   └── FailedElsewhere  another process failed first, and says why
    ├── FileFormatError      a file or folder of ours is truncated, altered or foreign
    ├── OutputError          what would be written may not be: something else is there, or the system refuses
    │                        (also an OSError)
    ├── DownloadError        what others publish, such as trained weights, cannot be had
    ├── ModelMismatchError   two things come from different models (an index and an embedding)
    └── MissingExtraError    an optional package is needed and not installed (also an ImportError)

The command prints the message of any of these on one line and exits with code 1. A message names the
parameter (or file, or row), the rule, the value found and the remedy.
"""


class MetricFaceError(Exception):
    """Base of every error that a user can cause."""


class ArgumentError(MetricFaceError, ValueError):
    """An argument of a function breaks a rule."""


class DataError(MetricFaceError):
    """The table, its labels or its images are wrong."""


class ImageError(DataError):
    """One image cannot be used: missing, unreadable, truncated or oversized."""


class SplitError(DataError):
    """A split is not what it promises: a shared identity, an empty part."""


class ConfigError(MetricFaceError):
    """The run configuration is wrong: an unknown key, a value out of range."""


class TrainingError(MetricFaceError):
    """A training broke: its loss or a gradient is not finite."""


class ProcessError(MetricFaceError):
    """Of several processes one has ended without a word, or never came."""


class FailedElsewhere(ProcessError):
    """Another process failed first, and says why."""


class FileFormatError(MetricFaceError):
    """A file or folder of ours is truncated, altered or foreign."""


class DownloadError(MetricFaceError):
    """What others publish, such as trained weights, cannot be had."""


class ModelMismatchError(MetricFaceError):
    """Two things come from different models, such as an index and an embedding."""


class OutputError(MetricFaceError, OSError):
    """What would be written may not be: something else is there, or the system refuses."""


class MissingExtraError(MetricFaceError, ImportError):
    """An optional package is needed and not installed."""
