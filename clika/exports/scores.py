"""Scores as text for people and programs: a table, JSON, CSV, LaTeX."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence

from clika.exports.csv_cells import safe_cell
from clika.metrics.gates import GATE_PERCENT
from clika.records import Gate, LanguageScores, Metric, Run


def _shown(value: float, metric: Metric, unmet: Sequence[Gate] = ()) -> str:
    """A value as the paper prints it: RA and accuracy times 100, en-CO and XRR as a share; a dash if undefined.

    An XRR that is not established stands in parentheses.
    """
    if math.isnan(value):
        return "-"
    shown = f"{value:.4f}" if metric in (Metric.EN_CO, Metric.XRR) else f"{value * 100:.2f}"
    return f"({shown})" if unmet else shown


def _columns(rows: Sequence[LanguageScores]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for row in rows for code in row.languages))


def _grid(rows: Sequence[LanguageScores], runs: dict[str, Run]) -> list[list[str]]:
    languages = _columns(rows)
    grid = [["model", *languages]]
    for row in rows:
        values = dict(zip(row.languages, row.values, strict=True))
        shown = [
            _shown(float(values.get(code, math.nan)), row.metric, row.unmet.get(code, ()))
            for code in languages
        ]
        grid.append([runs[row.run].model.name, *shown])
    return grid


def _table(rows: Sequence[LanguageScores], runs: dict[str, Run]) -> str:
    grid = _grid(rows, runs)
    widths = [max(len(line[place]) for line in grid) for place in range(len(grid[0]))]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in grid
    ]
    for row in rows:
        for language, gates in row.unmet.items():
            name = runs[row.run].model.name
            lines.append(
                f"(…) not established: {name}, {language}: not over {GATE_PERCENT} % right in {', '.join(gates)}"
            )
    return "\n".join(lines) + "\n"


def _json(rows: Sequence[LanguageScores], runs: dict[str, Run]) -> str:
    values = [
        {
            "run": row.sources.get(language, row.run),
            "model": runs[row.run].model.name,
            "metric": str(row.metric),
            "scope": row.scope,
            "language": language,
            "value": None if math.isnan(value) else float(value),
            "n": int(n),
            **(_established(row, place, language) if row.metric is Metric.XRR else {}),
        }
        for row in rows
        for place, (language, value, n) in enumerate(zip(row.languages, row.values, row.n, strict=True))
    ]
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def _established(row: LanguageScores, place: int, language: str) -> dict[str, object]:
    """What an XRR has beside its value: the interval, and whether its gates hold."""
    low, high = float(row.low[place]), float(row.high[place])
    unmet = row.unmet.get(language, ())
    return {
        "low": None if math.isnan(low) else low,
        "high": None if math.isnan(high) else high,
        "established": not unmet,
        "failed_gates": [str(gate) for gate in unmet],
    }


def _csv(rows: Sequence[LanguageScores], runs: dict[str, Run]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    gated = any(row.metric is Metric.XRR for row in rows)
    more = ["failed_gates"] if gated else []
    writer.writerow(["run", "model", "metric", "scope", "language", "value", "n", *more])
    for row in rows:
        for language, value, n in zip(row.languages, row.values, row.n, strict=True):
            shown = "" if math.isnan(value) else repr(float(value))
            source, failed = row.sources.get(language, row.run), "|".join(row.unmet.get(language, ()))
            line = [
                source,
                safe_cell(runs[row.run].model.name),
                row.metric,
                safe_cell(row.scope),
                language,
                shown,
                n,
            ]
            writer.writerow([*line, failed] if gated else line)
    return text.getvalue()


def _latex(rows: Sequence[LanguageScores], runs: dict[str, Run]) -> str:
    header, *lines = _grid(rows, runs)
    special = str.maketrans(
        {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"}
    )
    body = [
        " & ".join(
            cell.translate(special).replace("-", "--") if cell == "-" else cell.translate(special)
            for cell in line
        )
        + r" \\"
        for line in lines
    ]
    top = [r"\begin{tabular}{l" + "r" * (len(header) - 1) + "}", r"\toprule", " & ".join(header) + r" \\"]
    return "\n".join([*top, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]) + "\n"


SCORE_FORMATS: dict[str, Callable[[Sequence[LanguageScores], dict[str, Run]], str]] = {
    "table": _table,
    "json": _json,
    "csv": _csv,
    "latex": _latex,
}
