"""Single images: the most wrong ones, and where the score reacts in them."""

from typing import Any

import pandas as pd

from melanoma.evaluation.gallery import Gallery
from melanoma.evaluation.pseudonyms import pseudonyms
from melanoma.evaluation.sections.heat import describe_heat, heat_picture, notes, trust_table
from melanoma.explain.cases import Cases
from melanoma.explain.overlay import to_png
from melanoma.explain.trust import CAUTION, verdict
from melanoma.page import Card, Cards, Section, embed_png


def show_gallery(gallery: Gallery, threshold: float, score: str, method: str | None) -> Section:
    """Show a card an image; `score` names what is compared with the threshold, `method` what drew the maps."""
    rows = pd.concat([one.rows for one in gallery.cases])
    patients = dict(zip(rows["patient_id"], pseudonyms(rows["patient_id"]), strict=True))
    groups = [
        Cards(_caption(one), [_card(row, gallery, patients, threshold, score) for row in one.rows.to_dict("records")])
        for one in gallery.cases
    ]
    side = max((len(one.heat) for one in gallery.maps.values()), default=0)
    trusts = gallery.trust
    return Section(
        "Gallery",
        lead=" ".join([*map(verdict, trusts), CAUTION]) if trusts else "The images that the model is most wrong about.",
        cards=groups,
        tables=[trust_table(trusts, side)] if trusts else [],
        notes=[
            "Pictures show the part of an image that the model sees. A patient's letters and digits are drawn anew for "
            "each report; images that share them are of one patient.",
            *(notes(trusts[0], method, side) if trusts and method else []),
        ],
    )


def _caption(cases: Cases) -> str:
    shown = len(cases.rows)
    if cases.kind == "Chosen images":
        return cases.kind
    if not cases.total:
        return f"{cases.kind}: none"
    most = "" if shown == cases.total else f", the {shown} furthest from the threshold"
    return f"{cases.kind}: {cases.total:,}{most}"


def _card(row: dict[Any, Any], gallery: Gallery, patients: dict[str, str], threshold: float, score: str) -> Card:
    name, heat = str(row["image_name"]), gallery.maps.get(str(row["image_name"]))
    picture = gallery.pictures[name]
    plain = embed_png("Image", to_png(picture), f"Image {name}")
    is_malignant = row["target"] == 1
    lines = [
        f"{'Malignant' if is_malignant else 'Benign'}; {score} {row['probability']:.4g}, threshold {threshold:.4g}",
        f"{_patient(row)}; patient {patients[row['patient_id']]}",
    ]
    if heat is None:
        return Card(name, [plain], lines)
    return Card(name, [plain, heat_picture(name, picture, heat)], [*lines, describe_heat(heat)])


def _patient(row: dict[Any, Any]) -> str:
    known = {
        "sex": row["sex"],
        "age": row["age_approx"] if pd.isna(row["age_approx"]) else f"{row['age_approx']:g} years",
        "site": row["anatom_site_general_challenge"],
    }
    words = ", ".join(f"{name} unknown" if pd.isna(value) else str(value) for name, value in known.items())
    return words[0].upper() + words[1:]
