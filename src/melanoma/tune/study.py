"""The study in its database: which trial comes next, and what is kept of it. Optuna is spoken to here alone."""

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from melanoma.config import StudyConfig
from melanoma.errors import ConfigError, MelanomaError
from melanoma.tune.space import sample
from melanoma.tune.table import Row

Told = Callable[[int, float | None, bool], None]
"""Is told a trial's epoch, its AUC, and whether it is the last; raises what ends the trial if it is to be pruned."""
Train = Callable[[int, dict[str, str], list[str], Told], float]
"""Trains one trial: its number, its values, the directories of those that began it and were killed; gives its AUC."""

_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_GRACE = 4
"""Heartbeats that a trial may miss before it counts as killed."""
_ATTEMPTS = 3

_log = logging.getLogger(__name__)


class _EndedError(BaseException):
    """Carries a wish to end past Optuna, which would take Ctrl-C for the trial's failure."""


class Study:
    """Trials of one name in one database, which other processes and machines may add to at the same time.

    Raises:
        ConfigError: if the database cannot be opened, or the study is of other options (`made_with`).
    """

    def __init__(self, config: StudyConfig, run_dir: Path, made_with: dict[str, Any]) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._config, self._run_dir = config, run_dir
        self._error: Exception | None = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._retry = RetryHeartbeatStaleTrialCallback(max_retry=config.retries)
            self._study = self._open()
        self.made_with: dict[str, Any] = self._study.user_attrs.get("made_with", made_with)
        """The options of whoever began the study."""
        self._study.set_user_attr("made_with", self.made_with)

    def run(self, train: Train, after_trial: Callable[[], None]) -> None:
        """Train until the study has its trials, or as many as it will have once those end that others train.

        Raises:
            PreemptedError: if a signal asked to end; the trial is put back, and goes on with the next start.
            KeyboardInterrupt: likewise.
        """
        while self._wanted() or self._killed_trial_is_back():
            try:
                self._study.optimize(
                    lambda trial: self._objective(trial, train), n_trials=1, catch=(Exception,), gc_after_trial=True
                )
            except _EndedError as ended:
                raise (ended.__cause__ or ended) from None
            finally:
                after_trial()

    def rows(self) -> list[Row]:
        """Give all trials by number, those of other machines, too."""
        return [_row(trial) for trial in self._trials()]

    def failure(self) -> MelanomaError:
        """Say that no trial gave an AUC, with the exit code of this process's last failure."""
        causes = [row.cause for row in self.rows() if row.cause]
        what = f"no trial of study {self._config.study} has been completed"
        error = MelanomaError(f"{what}; the last failure: {causes[-1]}" if causes else f"{what} yet")
        error.exit_code = getattr(self._error, "exit_code", error.exit_code)
        return error

    def _open(self) -> optuna.Study:
        """Open or begin the study; again after a moment, as another machine may be laying out the database."""
        url = self._config.storage or f"sqlite:///{self._run_dir.resolve()}/study.db"
        sqlite = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
        # It counts steps from 0, and we count epochs from 1.
        pruner = optuna.pruners.MedianPruner(self._config.prune_after_trials, self._config.prune_after_epochs + 1)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                storage = RDBStorage(
                    url,
                    engine_kwargs=sqlite,
                    heartbeat_interval=self._config.heartbeat_seconds,
                    grace_period=_GRACE * self._config.heartbeat_seconds,
                    heartbeat_stale_trial_callback=self._retry,
                )
                return optuna.create_study(
                    storage=storage,
                    pruner=pruner,
                    study_name=self._config.study,
                    direction="maximize",
                    load_if_exists=True,
                )
            except Exception as error:
                if attempt == _ATTEMPTS or isinstance(error, ImportError):
                    # Not the URL itself, which may hold a password.
                    cause = " ".join("; ".join(str(one) for one in (error, error.__cause__) if one).split())
                    raise ConfigError(f"tune.storage cannot be opened: {cause}") from error
                time.sleep(attempt / 2)
        raise AssertionError

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _wanted(self) -> bool:
        """Tell whether there are fewer trials than there should be, counting those that run."""
        known = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        trials = [trial for trial in self._trials() if trial.state in known or "cause" in trial.user_attrs]
        return len(trials) < self._config.trials

    def _killed_trial_is_back(self) -> bool:
        """Wait until no trial runs, or those that do are known to be alive; tell whether one is to be begun again."""
        running = sum(trial.state == TrialState.RUNNING for trial in self._trials())
        if not running:
            return False
        patience = (_GRACE + 2) * self._config.heartbeat_seconds
        _log.info("%d more are running; waiting up to %d s to see whether their processes are alive", running, patience)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                optuna.storages.fail_stale_trials(self._study)
            if self._wanted():
                return True
            if not any(trial.state == TrialState.RUNNING for trial in self._trials()):
                return False
            time.sleep(min(1, self._config.heartbeat_seconds))
        _log.info("they are alive; their own processes will complete the table")
        return False

    def _objective(self, trial: Trial, train: Train) -> float:
        # By number, so that neither a second machine nor a second start draws what was drawn before.
        self._study.sampler = TPESampler(
            n_startup_trials=self._config.random_trials,
            constant_liar=True,
            seed=int(np.random.SeedSequence([self._config.seed, trial.number]).generate_state(1)[0]),
        )
        before = trial.user_attrs.get("directories", [])
        values = sample(trial, self._config.space)
        trial.set_user_attr("values", values)
        trial.set_user_attr("directories", [*before, str(self._run_dir.resolve() / "trials" / str(trial.number))])
        try:
            return train(trial.number, values, before, lambda *epoch: self._told(trial, *epoch))
        except optuna.TrialPruned:
            raise
        except Exception as error:
            self._error = error
            trial.set_user_attr("cause", _cause(error))
            _log.warning("trial %d failed: %s", trial.number, _cause(error))
            raise
        except BaseException as ended:
            self._put_back(trial)
            raise _EndedError from ended

    def _told(self, trial: Trial, epoch: int, auc: float | None, last: bool) -> None:
        if auc is not None:
            trial.report(auc, epoch)
        if self._config.prune and not last and trial.should_prune():
            _log.info("trial %d pruned after epoch %d", trial.number, epoch)
            raise optuna.TrialPruned

    def _put_back(self, trial: Trial) -> None:
        """Have the next process that asks for a trial go on with this one."""
        [frozen] = [one for one in self._trials() if one.number == trial.number]
        self._retry(self._study, frozen)
        self._study.tell(trial, state=TrialState.FAIL)


def _row(trial: FrozenTrial) -> Row:
    killed = trial.state == TrialState.FAIL and "cause" not in trial.user_attrs
    started, ended = trial.datetime_start, trial.datetime_complete
    cause = "its process ended before it did" if killed else trial.user_attrs.get("cause", "")
    return Row(
        number=trial.number,
        state="killed" if killed else _STATES.get(trial.state, trial.state.name.lower()),
        auc=trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        epochs=len(trial.intermediate_values),
        seconds=(ended - started).total_seconds() if started and ended else None,
        values=trial.user_attrs.get("values", {}),
        cause=cause if trial.state == TrialState.FAIL else "",
    )


def _cause(error: Exception) -> str:
    kind = "" if isinstance(error, MelanomaError) else f"{type(error).__name__}: "
    return (kind + " ".join(str(error).split()))[:300]
