"""The hub that timm downloads weights from."""

import urllib.error
import urllib.request

from huggingface_hub import constants


def go_offline_if_silent() -> None:
    """Leave the hub's client its cache alone where the hub does not answer: it would retry for most of a minute."""
    if not answers():
        constants.HF_HUB_OFFLINE = True


def answers() -> bool:
    """Tell whether the hub can be reached."""
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 the hub's own address
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
