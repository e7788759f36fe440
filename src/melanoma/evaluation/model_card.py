"""A model card in Markdown, with the fields that CLAIM and TRIPOD+AI ask a report for.

Sources: Mongan, Moy and Kahn 2020, Checklist for Artificial Intelligence in Medical Imaging (CLAIM), Radiol. Artif.
Intell. 2:e200029; Collins et al. 2024, TRIPOD+AI statement, BMJ 385:e078378; Mitchell et al. 2019, Model Cards for
Model Reporting. What a program cannot know is left for the authors to fill in, and says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from melanoma.checkpoint import Checkpoint
from melanoma.config import TrainConfig
from melanoma.durable import replace_text
from melanoma.evaluation.facts import describe_splits
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.report import LIMITS, finding
from melanoma.markdown import escape, markdown_table
from melanoma.page import Section, Table

TO_FILL_IN = "**To be filled in by the authors.**"

Fields = Mapping[str, str]


def write_model_card(
    path: Path,
    checkpoint: Checkpoint,
    trained: TrainConfig,
    metrics: Metrics,
    verdict: Sequence[str],
    sections: Sequence[Section],
) -> None:
    """Write the card of one checkpoint and what was measured; `sections` are the page's, of which it takes the tables.

    Whole or not at all.
    """
    blocks = [f"# Model card: {escape(trained.model.name)} on {escape(trained.model.backbone)}"]
    for title, fields in _origin(checkpoint, trained).items():
        blocks += [f"## {title}", _list(f"**{name}**: {text}" for name, text in fields.items())]
    blocks += ["## Performance", escape(finding(metrics)), _list(map(escape, verdict))]
    for section in (one for one in sections if one.tables):
        blocks += [f"### {section.title}", escape(section.lead), *map(_table, section.tables)]
    blocks += ["## Limits", _list([*LIMITS, f"Further limits of this study: {TO_FILL_IN}"])]
    blocks += ["## Other information", _list(f"**{name}**: {TO_FILL_IN}" for name in _OTHERS)]
    replace_text(path, "\n\n".join(filter(None, blocks)) + "\n")


_OTHERS = (
    "Registration and protocol",
    "Ethics approval and consent",
    "Funding and conflicts of interest",
    "Involvement of patients and the public",
    "Where code, weights and data can be had",
)


def _origin(checkpoint: Checkpoint, trained: TrainConfig) -> dict[str, Fields]:
    return {
        "Model": _model(checkpoint, trained),
        "Use": _use(),
        "Data": _data(checkpoint, trained),
        "Training": _training(checkpoint, trained),
    }


def _model(checkpoint: Checkpoint, trained: TrainConfig) -> Fields:
    return {
        "Version": f"epoch {checkpoint.epoch}, split SHA-256 {checkpoint.split_hash[:16]}",
        "Made with": ", ".join(f"{name} {version}" for name, version in checkpoint.versions.items()),
        "Input": f"RGB picture, {trained.training.image_size} px square ({trained.training.fit}); body site, sex and "
        "age where the variant reads them, each of which may be unknown",
        "Output": "probability that the lesion is a melanoma",
        "Pretrained": "ImageNet" if trained.model.pretrained else "no",
        "Threshold": _number(checkpoint.threshold),
        "Licence of the weights": TO_FILL_IN,
        "Contact": TO_FILL_IN,
    }


def _use() -> Fields:
    return {
        "Intended": "research on dermoscopy images; not a medical device",
        "Not intended": "diagnosis without a physician; pictures that are not dermoscopic; cameras or patients unlike "
        "those it was tested on",
        "Intended users and their role": TO_FILL_IN,
    }


def _data(checkpoint: Checkpoint, trained: TrainConfig) -> Fields:
    grouped = " else ".join(trained.data.columns.patient_id) or "patient"
    return {
        "Source": f"{escape(trained.data.name)}: {escape(trained.data.source)}",
        "Split": f"by {grouped}; {describe_splits(checkpoint.splits)}",
        "Share of melanomas in training": f"{checkpoint.prior:.4f}, learnt as {checkpoint.effective_prior:.4f}",
        "Missing values": "a value of their own; no value is imputed",
        "Leaks": f"splits were compared before training as data.leaks={trained.data.leaks} says",
        "Reference standard, and who set it": TO_FILL_IN,
        "Eligibility, setting and dates": TO_FILL_IN,
        "Skin types": TO_FILL_IN,
    }


def _training(checkpoint: Checkpoint, trained: TrainConfig) -> Fields:
    training = trained.training
    return {
        "Optimiser": f"Adam, rate {training.lr:g}, weight decay {training.weight_decay:g}",
        "Schedule": training.schedule,
        "Batch": f"{training.batch_size or 'as many as fitted'} images, times {training.accumulate} a step",
        "Imbalance": training.balance,
        "Augmentation": ", ".join(f"{name} {value}" for name, value in _plain(trained.augment).items()),
        "Epochs": f"at most {training.epochs}; the one with the highest validation AUC, {checkpoint.epoch}, was kept "
        f"(validation AUC {_number(checkpoint.val_auc)})",
        "Seed": str(trained.seed),
    }


def _plain(values: Any) -> dict[str, Any]:
    return {name.replace("_", " "): value for name, value in vars(values).items()}


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(table: Table) -> str:
    body = [[cell.text + (f" ({cell.note})" if cell.note else "") for cell in row] for row in table.rows]
    return f"**{escape(table.caption)}**\n\n{markdown_table([table.head or ['', ''], *body])}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
