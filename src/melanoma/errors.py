"""What can go wrong in a way that the user can mend; each kind has its exit code."""


class MelanomaError(Exception):
    """A fault with one line of cause and a way out, shown without a traceback."""

    exit_code = 1


class ConfigError(MelanomaError):
    """An option is unknown, of the wrong type or out of range."""

    exit_code = 2


class DataError(MelanomaError):
    """The table or an image breaks the data contract."""

    exit_code = 3


class ImageError(DataError):
    """One image cannot be read."""

    def __init__(self, image_name: str, reason: str) -> None:
        super().__init__(image_name, reason)
        self.image_name, self.reason = image_name, reason

    def __str__(self) -> str:
        return f"image {self.image_name}: {self.reason}"


class SplitError(DataError):
    """The splits share a patient, or cannot be drawn from these patients."""


class CheckpointError(MelanomaError):
    """A checkpoint is missing, damaged, unsafe or cannot be written."""

    exit_code = 4


class DivergedError(MelanomaError):
    """Training produced a loss that is not finite."""

    exit_code = 5


class PreemptedError(BaseException):
    """A signal has asked the run to end; what it has learnt is saved.

    Not an `Exception`, so that nothing on the way takes it for a fault, and a sweep's other jobs do not start.
    """

    exit_code = 75
