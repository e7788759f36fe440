"""Heat maps, and whether to believe them."""

from collections.abc import Sequence

from melanoma.evaluation.report import counted
from melanoma.explain.overlay import Picture, draw_overlay, to_png
from melanoma.explain.randomisation import LEVELS
from melanoma.explain.run import HeatMap
from melanoma.explain.shares import even_shares
from melanoma.explain.trust import SAME, Against, Trust
from melanoma.page import Cell, Table, embed_png
from melanoma.page import Picture as Embedded

_REMOVALS = {
    "deletion": "Area under the score while the hottest pixels go first; low is good.",
    "insertion": "Area under the score while the hottest pixels come back first; high is good.",
}
_DRAWN = {
    "head": "What follows the backbone has random weights.",
    "half": "So has the second half of the backbone.",
    "all": "So has all of the backbone.",
}
_PLACES = {
    "centre": "The disc of half the image's width.",
    "corners": "Outside the disc of its whole width.",
}
_READ = {
    "grad_cam": "Grad-CAM shows what raises the score of a lesion called malignant, and what lowers that of one called "
    "benign.",
    "attention": "Attention shows how the model weighs the places of an image, whatever they speak for; with "
    "model=cross_attention, in what sex, age and site add alone. Deletion and insertion are by the score for "
    "malignant.",
}


def heat_picture(name: str, picture: Picture, heat: HeatMap) -> Embedded:
    """Lay the heat over the picture, for the page."""
    alt = f"Heat map over image {name}. {describe_heat(heat)}."
    return embed_png("Heat map", to_png(draw_overlay(picture, heat.heat.numpy())), alt)


def describe_heat(heat: HeatMap) -> str:
    """Say which call the map belongs to, and where its heat lies."""
    call = "malignant" if heat.malignant else "benign"
    if not heat.heat.any():
        return f"Called {call}; the map has no heat"
    if heat.shares.centre is None or heat.shares.corners is None:
        return f"Called {call}; the map is too coarse to tell centre and corners apart"
    return f"Called {call}; heat in the centre {_percent(heat.shares.centre)}, corners {_percent(heat.shares.corners)}"


def trust_table(trusts: Sequence[Trust], side: int) -> Table:
    """Show the figures of all maps of each call; maps are `side` pixels wide."""
    even = even_shares(side)
    rows = [
        [Cell(f"{name.capitalize()} AUC", note=meaning), *(_against(getattr(one, name), one) for one in trusts)]
        for name, meaning in _REMOVALS.items()
    ]
    for level in LEVELS:
        title = Cell(f"Rank correlation, random weights: {level}", note=_DRAWN[level])
        rows.append([title, *(_dependence(one.dependence[level]) for one in trusts)])
    for place, meaning in _PLACES.items():
        shares = (_share(one, getattr(one, place), getattr(even, place)) for one in trusts)
        rows.append([Cell(f"Heat in the {place}", note=meaning), *shares])
    head = [f"Called {one.call}, {counted(one.maps, 'map')}" for one in trusts]
    return Table("Whether to believe the maps", ["", *head], rows)


def notes(trust: Trust, method: str, side: int) -> list[str]:
    """Say how to read the maps and their figures; the model sees images of `side` pixels."""
    cells, pixels = (f"{count} x {count}" for count in (trust.cells, side))
    return [
        f"{_READ[method]} The map is of the model on the whole image, without further views and before calibration. It "
        f"has {cells} cells over the {pixels} pixels that the model sees; what looks finer is interpolated. It is "
        "yellow where its own heat is highest, however little that is.",
        "Deletion and insertion (Petsiuk et al. 2018) are compared with random maps as coarse as these. Random weights "
        f"(Adebayo et al. 2018) should change a map; a correlation of {SAME} or more counts as unchanged. These "
        "figures are of the images shown alone, the most wrong ones among them.",
    ]


def _against(found: Against | None, trust: Trust) -> Cell:
    if found is None:
        return Cell("no heat", missing=True)
    note = f"random {found.by_chance:.3f}; better in {found.better} of {trust.compared}, p {found.p:.3f}"
    return Cell(f"{found.area:.3f}", note=note)


def _dependence(found: float | None) -> Cell:
    if found is None:
        return Cell("same everywhere", missing=True)
    return Cell(f"{round(found, 2) + 0.0:.2f}", note="stays alike" if found >= SAME else "changes")


def _share(trust: Trust, value: float | None, even: float | None) -> Cell:
    if value is None or even is None:
        return Cell("too coarse to tell" if trust.compared else "no heat", missing=True)
    return Cell(_percent(value), note=f"even map {_percent(even)}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
