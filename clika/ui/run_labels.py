"""Names of runs for people: the model's name, and what tells two runs of one name apart."""

from collections import Counter
from collections.abc import Sequence

from clika.records import Run


def run_labels(runs: Sequence[Run]) -> dict[str, str]:
    """Run -> label, in the order given; no two labels are equal.

    A name that stands once is enough. Runs that share a name add the settings in which they differ, and
    the run's identifier where no shown setting does.
    """
    labels: dict[str, str] = {}
    for run in runs:
        namesakes = [other for other in runs if other.model.name == run.model.name]
        differing = [
            value
            for place, value in enumerate(_settings(run))
            if value and any(_settings(other)[place] != value for other in namesakes)
        ]
        labels[run.run] = f"{run.model.name} ({', '.join(differing)})" if differing else run.model.name
    times = Counter(labels.values())
    return {run: label if times[label] == 1 else f"{label} [{run[:8]}]" for run, label in labels.items()}


def _settings(run: Run) -> tuple[str, ...]:
    return (
        run.template,
        str(run.rule),
        run.model.dtype or "",
        run.model.adapter or "",
        run.model.revision or "",
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(run.settings.items())),
    )
