"""The audit as one HTML page."""

from pathlib import Path

from melanoma.data.audit import Audit
from melanoma.page import write_page

_TELLING = 0.6
"""AUC from which a single feature is worth a remark."""
_FLOOR_NAMES = {
    "sex": "Sex",
    "age": "Age in decades",
    "site": "Body site",
    "images_per_patient": "Number of the patient's images",
    "dimensions": "Width and height of the image",
    "sex_age_site": "Sex, age and site",
    "sex_age_site_images": "Sex, age, site and number of images",
    "all": "All of these",
}
_KINDS = {
    "lesion": "Of one lesion",
    "bytes": "Identical pictures",
    "near": "Nearly identical pictures",
}
_LISTED = 30
"""Rows of a long list that the page shows."""
_TITLES = {
    "split": "Split",
    "target": "Target",
    "site": "Body site",
    "sex": "Sex",
    "age": "Age in years",
    "source": "Data set",
}


def write_audit(path: Path, audit: Audit) -> None:
    """Write the page, whole or not at all."""
    write_page(
        path,
        "audit.html",
        title=f"Audit of {audit['data']}",
        audit=audit,
        finding=finding(audit),
        remarks=remarks(audit),
        titles=_TITLES,
        kinds=_KINDS,
        listed=_LISTED,
        floor_names=_FLOOR_NAMES,
        why_no_floor=lambda name: _why_no_floor(audit, name),
    )


def finding(audit: Audit) -> str:
    """Say in one sentence how far one gets without looking at a picture."""
    floor = audit["floor"]
    if floor["sex_age_site"] is None:
        return f"{_holds(audit)} How much is told without looking at a pixel {_not_measured(audit)}."
    more = ""
    if floor["all"] is not None:
        more = f", and {floor['all']:.2f} with image size and number of images too"
    elif floor["sex_age_site_images"] is not None:
        more = f", and {floor['sex_age_site_images']:.2f} with the number of images too"
    return (
        f"{_holds(audit)} Without looking at a pixel, an AUC of {floor['sex_age_site']:.2f} is reached from sex, age "
        f"and site{more}."
    )


def remarks(audit: Audit) -> list[str]:
    """List what a reader of results on this data should know first."""
    images, floor, found = audit["images"], audit["floor"], []
    if (alone := floor["dimensions"] or 0) >= _TELLING:
        found.append(
            f"Width and height alone give an AUC of {alone:.2f}: here they tell the camera or the clinic. A model can "
            "read them from borders and sharpness."
        )
    if small := audit["smaller_than_stored"]:
        share, size = 100 * small / images, audit["stored_size"]
        found.append(
            f"{small:,} of {images:,} images ({share:.1f} %) have a short side below {size} px: training at that size "
            "enlarges them."
        )
    if left_out := len(audit["missing_files"] or ()) + len(audit["unreadable"] or ()):
        found.append(f"{_counted(left_out, 'image')} could not be had, and are left out of train.csv and splits.csv.")
    if shared := sum(audit["alike"]["across_splits"].values()):
        found.append(
            f"{_counted(shared, 'pair')} of images in two splits: of one lesion, or of pictures that are alike. "
            "leaks.csv lists them, and data.duplicates=leaks.csv leaves the second of each out."
        )
    return found


def _holds(audit: Audit) -> str:
    melanomas, images = _counted(audit["positives"], "melanoma"), _counted(audit["images"], "image")
    return f"{images} of {_counted(audit['patients'], 'patient')}, {melanomas} ({100 * audit['rate']:.1f} %)."


def _why_no_floor(audit: Audit, name: str) -> str:
    if name in ("dimensions", "all") and audit["sizes"] is None:
        return "not measured: no image was opened, and the CSV has no width and height"
    return _not_measured(audit).removeprefix("was ")


def _not_measured(audit: Audit) -> str:
    return f"was not measured: it needs {audit['floor_folds']} patients with a melanoma, and as many without"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
