"""The tables of Gräbel 2021 and Liu 2022 for our data, each row beside the published one."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.zoo import published
from benchmarks.zoo.plan import FAMILIES, Job
from benchmarks.zoo.published import MEASURES

Results = Sequence[tuple[Job, Mapping[str, Any]]]
Cell = tuple[float, float | None, int] | None


def over_seeds(values: Sequence[float | None]) -> Cell:
    """(mean, standard deviation, seeds); None without a value."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return None
    return statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None, len(known)


def collected(results: Results, group: str, kind: str, measure: str) -> Cell:
    return over_seeds([figures.get(measure) for job, figures in results if (job.group, job.kind) == (group, kind)])


def shown(cell: Cell, factor: float = 100.0, digits: int = 1) -> str:
    if cell is None:
        return "n/a"
    mean, spread, seeds = cell
    noise = "" if spread is None else f" ±{spread * factor:.{digits}f}"
    return f"{mean * factor:.{digits}f}{noise} ({seeds})"


def rows_beside(title: str, rows: Sequence[tuple[str, Sequence[Cell], Sequence[float] | None]]) -> list[str]:
    """A table in Markdown: ours as mean ± standard deviation (seeds), the published figure behind it."""
    head = " | ".join(f"{measure} | published" for measure in MEASURES)
    lines = [f"### {title}", "", f"| | {head} |", "|---|" + "---|" * 2 * len(MEASURES)]
    for name, cells, beside in rows:
        pairs = [f"{shown(cell)} | {beside[i] if beside else ''}" for i, cell in enumerate(cells)]
        lines.append(f"| {name} | {' | '.join(pairs)} |")
    return [*lines, ""]


def main_table(title: str, results: Results, kind: str, beside: Mapping[str, Sequence[float]]) -> list[str]:
    rows = [(name, [collected(results, name, kind, m) for m in MEASURES], beside.get(name)) for name in FAMILIES]
    measured = [row for row in rows if any(row[1])]
    return rows_beside(title, measured) if measured else []


def representations(results: Results) -> list[str]:
    groups = dict.fromkeys(job.group for job, _ in results if job.group.startswith("unet_"))
    default = [collected(results, "unet", "circle", measure) for measure in MEASURES]
    first = published.REPRESENTATIONS["contour"]
    rows: list[tuple[str, Sequence[Cell], Sequence[float] | None]] = (
        [(first[0], default, first[1])] if any(default) else []
    )
    for group in groups:
        found = published.representation(group)
        cells = [collected(results, group, "circle", measure) for measure in MEASURES]
        rows.append((found[0] if found else group, cells, found[1] if found else None))
    return rows_beside("Gräbel 2021, table 2: U-Net on weak circles, by representation", rows) if rows else []


def liu(results: Results) -> list[str]:
    """Means over classes of recall, precision, F1 and AP50, and AP50 of each class."""
    groups = dict.fromkeys(job.group for job, _ in results if job.group.startswith("liu_"))
    if not groups:
        return []
    lines = [
        "### Liu 2022, tables 2 and 3: means over classes",
        "",
        "| | recall | precision | F1 | AP50 |",
        "|---|---|---|---|---|",
    ]
    for name, row in published.LIU.items():
        lines.append(f"| published: {name} | {' | '.join(f'{value:.3f}' for value in row)} |")
    for group in groups:
        of = [figures for job, figures in results if job.group == group]
        cells = [over_seeds([f["macro"][key] for f in of]) for key in ("recall", "precision", "f1")]
        cells.append(over_seeds([f["ap_box"] for f in of]))
        lines.append(f"| {group} | {' | '.join(shown(cell, 1, 3) for cell in cells)} |")
    lines += [
        "",
        "| class | " + " | ".join(f"{group}: R, P, F1, AP50" for group in groups) + " |",
        "|---|" + "---|" * len(groups),
    ]
    first = next(figures for job, figures in results if job.group.startswith("liu_"))
    for name in first["per_class"]:
        cells_of = []
        for group in groups:
            rows = [figures["per_class"][name] for job, figures in results if job.group == group]
            cells_of.append(", ".join(shown(over_seeds([row[i] for row in rows]), 1, 2) for i in range(4)))
        lines.append(f"| {name} | {' | '.join(cells_of)} |")
    return [*lines, ""]


def anms(results: Results) -> list[str]:
    """ANMS on against off on the same trained detectors."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    lines = ["### ANMS off and on", "", "| | F1 box off | on | AP box off | on |", "|---|---|---|---|---|"]
    for job, figures in results:
        if job.what == "detector" and job.kind in ("contour", "circle") and job.group in FAMILIES:
            groups.setdefault((job.group, job.kind), []).append(figures)
    for (group, kind), of in groups.items():
        keys = ("f1_box", "anms_f1_box", "ap_box", "anms_ap_box")
        cells = [shown(over_seeds([figures.get(key) for figures in of])) for key in keys]
        lines.append(f"| {group} {kind} | {' | '.join(cells)} |")
    return [*lines, ""] if groups else []


def policies(results: Results) -> list[str]:
    keys = ("cells", "artefacts", "cell_fn", "cell_fp", "artefact_fp", "artefact_fn")
    of = [(job, figures) for job, figures in results if job.what == "policy"]
    if not of:
        return []
    lines = ["### Artefact policies (Gräbel 2021, figure 8: absolute numbers)", "", f"| | {' | '.join(keys)} |"]
    lines.append("|---|" + "---|" * len(keys))
    lines += [
        f"| {job.name} ({job.variant}) | {' | '.join(str(figures[key]) for key in keys)} |" for job, figures in of
    ]
    return [*lines, ""]


def stages(results: Results) -> list[str]:
    of = [(job, figures) for job, figures in results if job.what == "stages"]
    if not of:
        return []
    lines = [
        "### One stage against detector + classifier",
        "",
        "| | F1 box | AP box (mean over classes) |",
        "|---|---|---|",
    ]
    for job, figures in of:
        for name in ("one_stage", "two_stages"):
            cells = [over_seeds([figures[name][key]]) for key in ("f1_box", "ap_box")]
            lines.append(f"| {job.name} {name} | {' | '.join(shown(cell) for cell in cells)} |")
    return [*lines, ""]


def classifiers(results: Results) -> list[str]:
    of = [(job, figures) for job, figures in results if job.what == "classifier"]
    if not of:
        return []
    lines = [
        "### Classifier of single cells",
        "",
        "| | accuracy | macro F1 | best epoch | heat on the cell (its area) |",
    ]
    lines.append("|---|---|---|---|---|")
    for job, figures in of:
        heat = figures.get("heat_inside") or {}
        inside = f"{heat['heat']:.2f} ({heat['area']:.2f})" if heat else ""
        marks = f"{figures['accuracy']:.3f} | {figures['macro_f1']:.3f} | {figures['best_epoch']}"
        lines.append(f"| {job.name} | {marks} | {inside} |")
    return [*lines, ""]


def all_tables(results: Results) -> str:
    """Everything that was measured, as one Markdown text."""
    lines = main_table("Gräbel 2021, table 1: exact contours", results, "contour", published.EXACT)
    lines += representations(results)
    lines += main_table("Gräbel 2021, table 3: weak circles, shrunk", results, "circle", published.WEAK)
    lines += main_table("Weak circles, not shrunk", results, "circle_whole", {})
    lines += main_table("Exact contours, shrunk", results, "contour_shrunk", {})
    lines += main_table("bm-graz, by centre", results, "graz", {})
    lines += main_table("txl-pbc, three classes", results, "txl", {})
    lines += anms(results) + policies(results) + stages(results) + liu(results) + classifiers(results)
    return "\n".join(lines)
