"""The report: one HTML page that holds everything and opens without a network."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from melanoma.evaluation.intervals import NO_INTERVAL
from melanoma.evaluation.metrics import Metrics
from melanoma.page import Section, embed, write_page

LIMITS = (
    "Where the threshold comes from is said above. Intervals resample whole patients, because images of one patient "
    "are not independent.",
    "What holds here need not hold for other clinics, cameras and patients; only their own images can show that.",
)


def write_report(
    path: Path,
    *,
    title: str,
    metrics: Metrics,
    pictures: Mapping[str, Path],
    sections: Sequence[Section],
    facts: Mapping[str, str],
    scorer: str = "the model",
    verdict: Sequence[str] = (),
) -> None:
    """Write one self-contained page, whole or not at all.

    `metrics` has every key of metrics.json, `pictures` maps the title of what leads the page to a PNG, `facts` says
    where the numbers come from, `scorer` who scored, `verdict` what else is to be known first. Raises ValueError for
    a picture that is not a PNG.
    """
    write_page(
        path,
        "report.html",
        title=title,
        finding=finding(metrics, scorer),
        verdict=verdict,
        leading=[embed(name, file) for name, file in pictures.items()],
        sections=sections,
        facts=facts,
        limits=LIMITS,
    )


def finding(metrics: Metrics, scorer: str = "the model") -> str:
    """Say in one sentence what was found."""
    if not metrics["n"]:
        return "There are no labelled images, so nothing was measured."
    data = on_data(metrics)
    if metrics["auc"] is None:
        return f"{data} the AUC is {why_missing(metrics, 'auc')}."
    low, high = metrics["auc_ci_low"], metrics["auc_ci_high"]
    interval = f"95 % interval {why_missing(metrics, 'auc_ci_low')}"
    if low is not None and high is not None:
        interval = f"95 % interval {low:.3f} to {high:.3f}"
    return f"{data} {scorer} reaches AUC {metrics['auc']:.3f} ({interval})."


def on_data(metrics: Metrics) -> str:
    """Begin a sentence with what was measured on."""
    n, positives, patients = metrics["n"], metrics["n_positive"], metrics["n_patients"]
    melanomas = counted(positives, "melanoma") if positives else "no melanoma"
    of_patients = "" if patients is None else f" of {counted(patients, 'patient')}"
    return f"On {counted(n, 'image')}{of_patients} ({melanomas})"


def why_missing(metrics: Metrics, key: str) -> str:
    """Say why the value under `key` is None; without a figure, its interval has the same reason."""
    figure = re.sub(r"_(ci|delong)_(low|high)$", "", key)
    if figure != key and metrics[figure] is None:
        return why_missing(metrics, figure)
    n, positives, patients = metrics["n"], metrics["n_positive"], metrics["n_patients"]
    if key in ("inference_ms_per_image", "model_megabytes"):
        return "not measured"
    if key == "n_patients":
        return "not known"
    if not n:
        return "not defined: there are no images"
    if key in ("brier", "ece"):
        return "not defined: a mean rank is no probability"
    if key == "precision":
        return "not defined: no image was called malignant"
    if key.startswith("auc_delong"):
        return "not defined: it needs two images of each class, and an AUC between 0 and 1"
    if positives in (0, n):
        return f"not defined: every image is {'malignant' if positives else 'benign'}"
    if patients is None:
        return "not defined: patients are not known"
    if patients == 1:
        return "not defined: there is one patient"
    return f"not defined: {NO_INTERVAL}"


def counted(number: object, noun: str) -> str:
    """Put a number before its noun, in the plural where need be."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def capital(words: str) -> str:
    """Begin with a capital, and leave the rest."""
    return words[:1].upper() + words[1:]
