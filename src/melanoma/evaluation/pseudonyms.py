"""Patients on a page: told apart within it, and not to be found again anywhere else."""

import hashlib
import secrets
from collections.abc import Iterable


def pseudonyms(patient_ids: Iterable[str], salt: bytes | None = None) -> list[str]:
    """Give each patient eight hexadecimal digits, the same for the same id.

    `salt` is drawn anew for each report and kept nowhere, so that nobody can try known ids.
    """
    key = secrets.token_bytes(32) if salt is None else salt
    return [hashlib.blake2b(name.encode(), key=key, digest_size=4).hexdigest() for name in patient_ids]
