"""The shortcut audit in a few sentences, decided by intervals and not by values."""

from dataclasses import dataclass

from melanoma.evaluation.floors import TOGETHER
from melanoma.evaluation.rankings import Gap, Ranking
from melanoma.evaluation.report import capital
from melanoma.evaluation.shortcuts import Shortcuts
from melanoma.evaluation.strata import Strata
from melanoma.evaluation.subgroups import MIN_PATIENTS
from melanoma.models.alterations import BARE_BORDER, NO_METADATA
from melanoma.page import interval

MARGIN = 0.1
"""An AUC has fallen to the floor where its interval ends less than this above it."""
BLACK = "with the centre of every image blacked out and no metadata"


FOUND, POSSIBLE, NOT_FOUND, UNKNOWN = "found", "possible", "not found", "unable to tell"
OPENINGS = {
    FOUND: "Shortcut found:",
    POSSIBLE: "Possible shortcut:",
    NOT_FOUND: "No shortcut found:",
    UNKNOWN: "Unable to tell whether the model reads the lesion:",
}


@dataclass(frozen=True)
class Verdict:
    """What the audit comes to."""

    answer: str
    """One of `OPENINGS`."""
    words: str
    flagged: list[str]
    """What speaks for a shortcut: beside the lesion, metadata alone, below the floor, image size, source."""


@dataclass(frozen=True)
class _Check:
    """One question to the audit, and the sentence that answers it."""

    name: str
    answer: str
    words: str


def judge(audit: Shortcuts) -> Verdict:
    """Say whether a shortcut was found, and which; or why that cannot be told."""
    if audit.model is None:
        return Verdict(UNKNOWN, f"{OPENINGS[UNKNOWN]} {audit.why_missing}.", [])
    border, floor = _border(audit), _floor(audit)
    if border.answer != FOUND and audit.enough and not _ranks(audit.model):
        words = f"{OPENINGS[UNKNOWN]} it does not rank these images above guessing. {capital(floor.words)}"
        return Verdict(UNKNOWN, words, [])
    checks = [border, _metadata(audit), floor, *(_within(one) for one in audit.strata if one.enough)]
    flagged = [check for check in checks if check.answer in (FOUND, POSSIBLE)]
    answer = FOUND if any(check.answer == FOUND for check in flagged) else border.answer
    told = dict.fromkeys([*(flagged or [border]), floor])
    words = " ".join(check.words if place == 0 else capital(check.words) for place, check in enumerate(told))
    return Verdict(answer, f"{OPENINGS[answer]} {words}", [check.name for check in flagged])


def _border(audit: Shortcuts) -> _Check:
    """Ask whether the model still ranks the images with the lesions out of sight."""
    gap, name = audit.border_above_floor, "beside the lesion"
    if gap is None:
        return _Check(name, UNKNOWN, f"{audit.why_not_altered}.")
    if not audit.enough:
        enough = f"it takes {MIN_PATIENTS} patients with a malignant image and {MIN_PATIENTS} with a benign one"
        return _Check(name, UNKNOWN, f"{enough}.")
    bare = next(part for part in audit.parts if part.name == BARE_BORDER)
    ends = interval(bare.auc_ci_low, bare.auc_ci_high)
    reached = f"AUC {bare.auc:.3f}" + (f" ({ends})" if ends else "")
    floor = _together(audit).auc
    base = "guessing gives 0.5" if floor is None or floor <= 0.5 else f"the floor is {floor:.3f}"
    reads = "it reads something beside the lesion, or the rims of lesions that fill the picture"
    if gap.ci_low is not None and gap.ci_low > 0:
        return _Check(name, FOUND, f"{BLACK}, the model still reaches {reached}, where {base}: {reads}.")
    if bare.auc_ci_low is not None and bare.auc_ci_low > 0.5:
        words = f"{BLACK}, the model falls to {reached}, not above the floor ({floor:.3f}) but above guessing: {reads}."
        return _Check(name, POSSIBLE, words)
    if bare.auc_ci_high is not None and bare.auc_ci_high < 0.5:
        words = f"{BLACK}, the model falls to {reached}, below guessing: {reads}, and that misleads it here."
        return _Check(name, POSSIBLE, words)
    if gap.ci_high is not None and gap.ci_high < MARGIN:
        return _Check(name, NOT_FOUND, f"{BLACK}, the model falls to {reached}, where {base}.")
    few = "and these images are too few to tell the two apart"
    return _Check(name, UNKNOWN, f"{BLACK}, it reaches {reached}, where {base}, {few}.")


def _metadata(audit: Shortcuts) -> _Check:
    """Ask whether nothing is left where the whole picture is shown without sex, age and site."""
    name, part = "metadata alone", next((one for one in audit.parts if one.name == NO_METADATA), None)
    if part is None or part.below is None or part.below.ci_low is None or part.auc_ci_high is None or not audit.enough:
        return _Check(name, UNKNOWN, "")
    reached = f"AUC {part.auc:.3f} ({interval(part.auc_ci_low, part.auc_ci_high)}), where guessing gives 0.5"
    words = f"of whole images without metadata the model makes {reached}: it goes by sex, age and site alone."
    alone = part.auc_ci_high < 0.5 + MARGIN and part.below.ci_low > 0
    return _Check(name, FOUND if alone else NOT_FOUND, words)


def _ranks(model: Ranking) -> bool:
    """Tell whether the predictions are above guessing by more than chance explains, as far as that can be told."""
    return model.auc_ci_low is None or model.auc_ci_low > 0.5


def _floor(audit: Shortcuts) -> _Check:
    """Ask whether the model ranks better than what is known without the pictures."""
    name, floor, gap = "below the floor", _together(audit), _together(audit).below
    if gap is None or audit.model is None:
        why = (floor.why_missing or "").removeprefix("not defined: ")
        return _Check(name, UNKNOWN, f"there is no pixel-free floor to hold the model against: {why}.")
    facts = [one.name for one in audit.floors if one.name != TOGETHER and one.auc is not None]
    listed = " and ".join(filter(None, (", ".join(facts[:-1]), facts[-1])))
    known = f"the floor, AUC {floor.auc:.3f} from {listed} without a pixel"
    if gap.ci_low is not None and gap.ci_low > 0:
        return _Check(name, NOT_FOUND, f"{known}, is {_far(gap)} below the model.")
    if gap.ci_high is not None and gap.ci_high < 0:
        return _Check(name, FOUND, f"{known}, is above the model (difference {_far(gap, '+')}).")
    return _Check(name, UNKNOWN, f"whether the model is above {known}, cannot be told (difference {_far(gap, '+')}).")


def _within(strata: Strata) -> _Check:
    """Ask whether part of the AUC tells strata apart."""
    low, name = strata.difference_ci_low, strata.grouping
    if strata.auc is None or strata.difference is None or low is None:
        return _Check(name, UNKNOWN, "")
    lost = _far(Gap(strata.difference, low, strata.difference_ci_high))
    words = f"among images of one {name} the AUC is {strata.auc:.3f}, {lost} less than over all: part of it tells these"
    return _Check(name, FOUND if low > 0 else NOT_FOUND, f"{words} apart.")


def _together(audit: Shortcuts) -> Ranking:
    return next(one for one in audit.floors if one.name == TOGETHER)


def _far(gap: Gap, sign: str = "") -> str:
    form = f"{{:{sign}.3f}}"
    ends = interval(gap.ci_low, gap.ci_high, form)
    return form.format(gap.value) + (f", interval {ends}" if sign and ends else f" ({ends})" if ends else "")
