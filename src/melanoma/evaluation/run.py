"""Checkpoints, or a file of predictions -> numbers, pictures, the report page and the model card, in reading order."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from melanoma.checkpoint import save_checkpoint
from melanoma.config import EvalConfig
from melanoma.durable import replace_text
from melanoma.errors import ConfigError, ImageError
from melanoma.evaluation.cautions import cautions
from melanoma.evaluation.evidence import Evidence, gather
from melanoma.evaluation.gallery import make_gallery, write_maps
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.model_card import write_model_card
from melanoma.evaluation.plots import plot_confusion, plot_roc, plot_two_rocs
from melanoma.evaluation.prevalence import plot_decision_curves
from melanoma.evaluation.reliability import plot_reliability
from melanoma.evaluation.report import finding, write_report
from melanoma.evaluation.sections.external import lead as lead_external
from melanoma.evaluation.sections.external import show_external
from melanoma.evaluation.sections.gallery import show_gallery
from melanoma.evaluation.sections.numbers import all_figures
from melanoma.evaluation.sections.operating import show_operating
from melanoma.evaluation.sections.patients import show_patients
from melanoma.evaluation.sections.shortcuts import show_shortcuts
from melanoma.evaluation.sections.subgroups import lead, show_subgroups
from melanoma.evaluation.sections.trust import lead as lead_trust
from melanoma.evaluation.sections.trust import show_reliability
from melanoma.evaluation.shortcut_picture import plot_shortcuts
from melanoma.evaluation.subject import Subject, subject_of_checkpoints, subject_of_file
from melanoma.page import Section

_log = logging.getLogger(__name__)

PRINTED = ("accuracy", "precision", "recall", "f1", "specificity", "average_precision", "threshold")


def evaluate(config: EvalConfig, run_dir: Path) -> float | None:
    """Judge a checkpoint, several as one, or a file of predictions into `run_dir`; give the AUC, None if undefined.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    if config.predictions is None:
        subject = subject_of_checkpoints(config)
    else:
        subject = subject_of_file(config, Path(config.predictions))
    run_dir.mkdir(parents=True, exist_ok=True)
    # First of all what took longest, so that it is there whatever becomes of the rest.
    _write_predictions(run_dir, subject, config)
    evidence = gather(subject, config)
    _write_figures(run_dir, evidence)
    pictures = _draw(run_dir / "plots", subject, evidence)
    cases = _show_cases(run_dir, subject, config)
    _write_pages(run_dir, subject, evidence, pictures, cases)
    _print(run_dir, subject, evidence.metrics)
    auc: float | None = evidence.metrics["auc"]
    return auc


def _write_predictions(run_dir: Path, subject: Subject, config: EvalConfig) -> None:
    replace_text(run_dir / "predictions.csv", subject.predictions.to_csv(index=False))
    if subject.other_data:
        replace_text(run_dir / "overlap.csv", subject.other_data.overlap.rows.to_csv(index=False))
    if config.calibrate:
        _save_calibrated(run_dir, subject)


def _write_figures(run_dir: Path, evidence: Evidence) -> None:
    values: dict[str, Any] = asdict(evidence)
    for name, content in (("metrics", values.pop("metrics")), ("evidence", values)):
        replace_text(run_dir / f"{name}.json", json.dumps(content, indent=2, allow_nan=False) + "\n")


def _draw(plots: Path, subject: Subject, evidence: Evidence) -> dict[str, Path]:
    plots.mkdir(parents=True, exist_ok=True)
    table, metrics = subject.predictions, evidence.metrics
    target, probability = table["target"].to_numpy(dtype=int), table["probability"].to_numpy()
    low, high = metrics["auc_ci_low"], metrics["auc_ci_high"]
    interval = None if low is None else (low, high)
    names = ("roc", "reliability", "confusion", "net_benefit", "external", "shortcuts")
    files = {name: plots / f"{name}.png" for name in names}
    plot_roc(target, probability, metrics["auc"], interval, metrics["threshold"], files["roc"])
    plot_confusion(metrics["confusion_matrix"], files["confusion"])
    plot_shortcuts(evidence.shortcuts, files["shortcuts"])
    if evidence.reliability:
        plot_reliability(*evidence.reliability, files["reliability"])
        plot_decision_curves(evidence.decision_curves, files["net_benefit"])
    if subject.other_data and (own := subject.other_data.internal.predictions) is not None:
        plot_two_rocs(own, table, metrics["threshold"], files["external"])
    return {name: file for name, file in files.items() if file.exists()}


def _show_cases(run_dir: Path, subject: Subject, config: EvalConfig) -> list[Section]:
    """Make the gallery, where images are at hand and any is asked for."""
    if not subject.members or not (config.explain_count or config.explain_images):
        return []
    try:
        gallery = make_gallery(subject, config)
    except (ConfigError, ImageError) as error:
        _log.warning("the gallery is left out: %s", error)
        return []
    if config.explain:
        write_maps(gallery, run_dir / "explanations")
    score = "probability" if subject.is_probability else "mean rank"
    return [show_gallery(gallery, subject.threshold.value, score, config.explain)]


def _write_pages(
    run_dir: Path, subject: Subject, evidence: Evidence, pictures: dict[str, Path], cases: list[Section]
) -> None:
    leading = {"ROC curve": "roc", "Reliability": "reliability", "Confusion matrix": "confusion"}
    sections = _sections(subject, evidence, pictures, cases)
    verdict = _verdict(subject, evidence)
    write_report(
        run_dir / "report.html",
        title=subject.title,
        metrics=evidence.metrics,
        pictures={title: pictures[name] for title, name in leading.items() if name in pictures},
        sections=sections,
        facts=subject.facts,
        scorer=subject.scorer,
        verdict=verdict,
    )
    if subject.alone:
        opened = subject.alone.opened
        card = run_dir / "model_card.md"
        write_model_card(card, opened.checkpoint, opened.trained, evidence.metrics, verdict, sections)


def _verdict(subject: Subject, evidence: Evidence) -> list[str]:
    """Say what is to be known first, beside the AUC, a sentence or two each."""
    external = lead_external(evidence.external) if evidence.external else []
    before, after = evidence.reliability or (None, None)
    trust = [lead_trust(after or before, subject.calibrated_by)] if before and before.n else []
    return [*external, lead(evidence.subgroups), evidence.shortcut_verdict.words, *trust, *cautions(subject)]


def _sections(subject: Subject, evidence: Evidence, pictures: dict[str, Path], cases: list[Section]) -> list[Section]:
    sections = [show_external(evidence.external, pictures.get("external"))] if evidence.external else []
    sections.append(show_subgroups(evidence.subgroups))
    if evidence.reliability:
        sections.append(show_operating(evidence.operating_points, evidence.thresholds, pictures["net_benefit"]))
    sections.append(show_shortcuts(evidence.shortcuts, evidence.shortcut_verdict, pictures["shortcuts"]))
    if evidence.reliability:
        sections.append(show_reliability(*evidence.reliability, subject.calibrated_by, pictures["reliability"]))
    if evidence.patients:
        sections.append(show_patients(evidence.patients))
    return [*sections, *cases, all_figures(evidence.metrics)]


def _print(run_dir: Path, subject: Subject, metrics: Metrics) -> None:
    print(f"{metrics['split']}: {finding(metrics, subject.scorer)}")
    for fold, auc in zip(metrics.get("folds", []), metrics.get("fold_aucs", []), strict=True):
        print(f"{f'AUC of fold {fold}':18} {'undefined' if auc is None else f'{auc:.4f}'}")
    for name in PRINTED:
        value = metrics[name]
        print(f"{name:18} {'undefined' if value is None else f'{value:.4f}'}")
    print(f"report {run_dir / 'report.html'}")


def _save_calibrated(run_dir: Path, subject: Subject) -> None:
    assert subject.alone  # noqa: S101 the members' rules
    path = run_dir / "checkpoints" / "calibrated.pt"
    path.parent.mkdir(exist_ok=True)
    save_checkpoint(subject.alone.opened.checkpoint, path)
    print(f"checkpoint {path}")
