"""What fills a lesion: colours, pigment network, globules, blue-white veil."""

import math

import numpy as np

from melanoma.data.demo.cases import Case
from melanoma.data.demo.fields import Field, blend, coordinates, smooth_noise, smoothstep
from melanoma.data.demo.lesion import Outline
from melanoma.data.demo.skin import TONES
from melanoma.data.demo.stencils import draw_disc, new_stencil, weights

COLOURS = np.array(
    [[168, 108, 70], [98, 56, 36], [38, 28, 30], [90, 99, 118], [176, 78, 70], [232, 212, 204]],
    dtype=np.float32,
)
"""RGB of light brown, dark brown, black, blue-grey, red and white, on skin of tone 1."""
SECOND_COLOURS = (0.34, 0.24, 0.16, 0.16, 0.10)
"""How often the other brown, black, blue-grey, red and white join the first colour, a brown."""
VEIL = np.array([154, 170, 206], dtype=np.float32)
CELL = 0.084
"""Width of a mesh of the pigment network."""


def draw_lesion(skin: Field, case: Case, outline: Outline, rng: np.random.Generator) -> Field:
    """Lay the lesion over the skin; its edge is faded where the border is regular, abrupt where it is not."""
    streams = rng.spawn(4)
    lesion = _draw_colours(skin, case, outline, streams[0])
    lesion *= 1 - _draw_network(case, outline.depth, streams[1])[..., None]
    lesion *= 1 - _draw_globules(case, outline, streams[2])[..., None]
    if case.veil:
        lesion = _draw_veil(lesion, case, outline, streams[3])
    fade = 0.03 + 0.24 * (1 - case.border)
    return blend(skin, lesion, smoothstep(outline.depth, -fade, fade))


def _draw_colours(skin: Field, case: Case, outline: Outline, rng: np.random.Generator) -> Field:
    """Fill the lesion with its first colour, and a patch of each further one around the centre."""
    size = len(skin)
    gain = (TONES[case.tone] / TONES[1]) ** np.float32(0.9)  # melanin in the skin darkens the lesion too
    first = int(rng.integers(2))
    others = [1 - first, 2, 3, 4, 5]
    further = rng.choice(others, 4, replace=False, p=SECOND_COLOURS)[: case.colours - 1]
    shade = 1 + 0.07 * smooth_noise(rng, 20, size) - 0.18 * smoothstep(outline.depth, 0.1, 0.9)
    shade -= _draw_imbalance(case, size, rng)
    lesion: Field = COLOURS[first] * gain * shade[..., None]
    start = rng.uniform(0, 2 * np.pi)
    for place, colour in enumerate(further):
        angle = start + 2 * np.pi * place / len(further) + case.asymmetry * rng.uniform(-0.4, 0.4)
        distance = rng.uniform(0.48, 0.6) if len(further) > 1 else 0.55 * case.asymmetry
        x, y = outline.point(case, angle, distance)
        patch = _draw_patch(x, y, rng.uniform(0.8, 1.0) * case.radius, 0.12, size, rng)
        lesion = blend(lesion, COLOURS[colour] * gain, 0.92 * patch)
    return lesion


def _draw_imbalance(case: Case, size: int, rng: np.random.Generator) -> Field:
    """Draw how much darker one side of an asymmetric lesion is; negative where it is lighter."""
    x, y = coordinates(size)
    angle = rng.uniform(0, 2 * np.pi)
    side = (x - (2 * case.cx - 1)) * math.cos(angle) + (y - (2 * case.cy - 1)) * math.sin(angle)
    return np.asarray(0.55 * case.asymmetry * np.clip(side / (2 * case.radius), -0.5, 1))


def _draw_patch(x: float, y: float, radius: float, softness: float, size: int, rng: np.random.Generator) -> Field:
    """Draw a cloud with an uneven, soft edge; weights 0..1."""
    across, down = coordinates(size)
    distance = np.hypot(across - np.float32(x), down - np.float32(y)) / np.float32(radius)
    return smoothstep(1 - distance + 0.2 * smooth_noise(rng, 10, size), -softness, 0.15 + softness)


def _draw_network(case: Case, depth: Field, rng: np.random.Generator) -> Field:
    """Draw a honeycomb that fades at the rim: how much darker each pixel gets, 0..1.

    A broken network has holes, bent meshes and heavy lines.
    """
    size = len(depth)
    x, y = coordinates(size)
    bend = np.float32(0.018 + 0.034 * case.network)
    x, y = x + bend * smooth_noise(rng, 7, size), y + bend * smooth_noise(rng, 7, size)
    angles = rng.uniform(0, np.pi) + np.arange(3) * (2 * np.pi / 3)
    waves = np.zeros_like(x)
    for angle in angles.astype(np.float32):
        waves += np.cos((x * np.cos(angle) + y * np.sin(angle)) * np.float32(2 * np.pi / CELL))
    lines = smoothstep(-waves, 0.1 - 0.3 * case.network, 1.3)
    holes = smoothstep(smooth_noise(rng, 7, size), 2 * case.network - 2, 2 * case.network - 1.6)
    darkness = np.float32(0.20 + 0.30 * case.network)
    return np.asarray(darkness * lines * holes * smoothstep(depth, 0.02, 0.35))


def _draw_globules(case: Case, outline: Outline, rng: np.random.Generator) -> Field:
    """Draw dark round spots, in about every third lesion: how much darker each pixel gets, 0..1."""
    size = len(outline.depth)
    spots = new_stencil(size)
    for _ in range(max(0, int(rng.integers(-40, 22)))):
        x, y = outline.point(case, rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.85) ** 0.6)
        draw_disc(spots, x, y, rng.uniform(0.016, 0.034))
    return 0.5 * weights(spots, size)


def _draw_veil(lesion: Field, case: Case, outline: Outline, rng: np.random.Generator) -> Field:
    """Lay a blue-white haze over part of the lesion; little of the network shows through it."""
    size = len(lesion)
    x, y = outline.point(case, rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.5))
    patch = _draw_patch(x, y, rng.uniform(0.95, 1.2) * case.radius, 0.3, size, rng)
    haze = VEIL * (TONES[case.tone] / TONES[1]) ** np.float32(0.3)
    cloud = 1 + 0.07 * smooth_noise(rng, 8, size)
    return blend(lesion, haze * cloud[..., None], 0.75 * patch * smoothstep(outline.depth, 0, 0.2))
