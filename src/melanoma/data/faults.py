"""Counts the images that cannot be had, and ends the run where they are too many."""

import logging

from melanoma.config import DataConfig
from melanoma.errors import DataError, ImageError

_log = logging.getLogger(__name__)


class Faults:
    """Images that are not there or cannot be read, by name.

    Raises:
        DataError: on the first, or with `on_error=skip` once more than `max_bad_fraction` of the images are.
    """

    def __init__(self, config: DataConfig, images: int) -> None:
        self.missing: list[str] = []
        self.unreadable: dict[str, str] = {}
        self._config, self._images = config, images

    def miss(self, names: list[str]) -> None:
        """Count images that are not there."""
        self.missing = names
        if not names:
            return
        cause = f"{len(names)} of {self._images} images have no file, such as {', '.join(names[:3])}"
        if self._config.on_error == "fail":
            raise DataError(f"{cause}; leave them out with data.on_error=skip, or look at data.root and data.images")
        self._check(cause)
        _log.warning("%s; they are left out: %s", cause, ", ".join(names))

    def count(self, error: ImageError) -> None:
        """Count an image that cannot be read, once."""
        if error.image_name in self.unreadable:
            return
        self.unreadable[error.image_name] = error.reason
        if self._config.on_error == "fail":
            raise DataError(f"{error}. Mend or remove it, or leave such images out with data.on_error=skip")
        _log.warning("skipped %s", error)
        self._check(f"{len(self.unreadable)} of {self._images} images cannot be read (the last was {error})")

    def _check(self, cause: str) -> None:
        if len(self.missing) + len(self.unreadable) > self._config.max_bad_fraction * self._images:
            raise DataError(f"{cause}: more than data.max_bad_fraction={self._config.max_bad_fraction} allows")
