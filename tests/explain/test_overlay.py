import cv2
import numpy as np
import pytest

from melanoma.explain.overlay import draw_overlay, file_stem, to_png, write_overlay

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)


def test_cold_places_stay_and_hot_ones_turn_yellow():
    heat = np.zeros((20, 20), np.float32)
    heat[:, 10:] = 1
    drawn = draw_overlay(PICTURE, heat)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn[:, :18], PICTURE[:, :18])
    change = drawn[:, 22:].astype(int) - PICTURE[:, 22:]
    assert change[..., 2].mean() < -40  # yellow has no blue
    assert change[..., 0].mean() > 40


def test_more_heat_covers_more():
    covered = [np.abs(draw_overlay(PICTURE, np.full((8, 8), h, np.float32)).astype(int) - PICTURE).mean()
               for h in (0, 0.3, 0.6)]  # fmt: skip
    assert covered[0] == 0 < covered[1] < covered[2]


def test_the_file_holds_both_side_by_side(tmp_path):
    heat = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    write_overlay(tmp_path, "both", PICTURE, heat)
    read = cv2.imread(str(tmp_path / "both.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(read, np.hstack([PICTURE, draw_overlay(PICTURE, heat)]))
    assert to_png(PICTURE).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["a b", "a_b", "..", "ä'\"<&>", "a" * 300, "a" * 301, "x:y\n", "."])
def test_names_stay_in_the_folder_and_apart(name, tmp_path):
    stem = file_stem(name)
    path = tmp_path / f"{stem}.png"
    path.write_bytes(b"")
    assert [one.parent for one in tmp_path.rglob("*.png")] == [tmp_path]
    assert stem == file_stem(name)
    others = {"a b", "a_b", "a" * 300, "a" * 301, "a-b"} - {name}
    assert stem not in {file_stem(other) for other in others}
