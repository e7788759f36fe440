from collections.abc import Callable

import pytest

from melanoma.config import DemoConfig


@pytest.fixture
def demo_config() -> Callable[..., DemoConfig]:
    def make(**changes: object) -> DemoConfig:
        values: dict[str, object] = {
            "seed": 1,
            "patients": 4,
            "images_per_patient": 2.0,
            "image_size": 32,
            "prevalence": 0.25,
            "noise": 0.3,
            "site_effect": False,
            "texture_effect": False,
        }
        return DemoConfig(**(values | changes))  # type: ignore[arg-type]

    return make
