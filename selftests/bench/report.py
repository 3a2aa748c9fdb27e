# SPDX-License-Identifier: GPL-2.0-only
"""results.json, table.rst and the table on standard output."""

import json
import os
import statistics

COLUMNS = ("workload", "budget", "upager", "kernel swap", "ratio", "page-cluster", "daemon us/fault", "swap system s")


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def side(outcomes):
    """Of the runs of one side: all of them, and the medians."""
    found = {
        "runs": [{"score": one.score, "why": one.why, "digest": one.digest, **one.figures} for one in outcomes],
        "score": median(one.score for one in outcomes),
        "failures": [one.why for one in outcomes if one.why],
    }
    for key in ("system_s", "daemon_us_per_fault"):
        found[key] = median(one.figures.get(key) for one in outcomes)
    return found


def shown(score, unit):
    if score is None:
        return "-"
    if unit == "s":
        return "%.2f s" % (1 / score)
    return "%.0f/s" % score


def number(value, form):
    return "-" if value is None else form % value


def row(result):
    ours, rival = result["upager"], result.get("kernel_swap") or {}
    better = rival.get("sides", {}).get(rival.get("better"), {})
    return (
        result["workload"],
        "%.1f MiB (1/%d)" % (result["budget_bytes"] / 2**20, result["fraction"]),
        shown(ours["score"], result["unit"]) if not ours["failures"] else ours["failures"][0],
        shown(better.get("score"), result["unit"]) if better else rival.get("why", "-"),
        number(result["ratio"], "%.2f"),
        rival.get("better") or "-",
        number(ours["daemon_us_per_fault"], "%.1f"),
        number(better.get("system_s"), "%.2f"),
    )


def machine_lines(results):
    return ["%s: %s" % item for item in results["machine"].items()]


def text(results):
    rows = [COLUMNS] + [row(result) for result in results["results"]]
    widths = [max(len(line[i]) for line in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines + results["notes"]) + "\n"


def rst(results):
    rows = [COLUMNS] + [row(result) for result in results["results"]]
    widths = [max(len(line[i]) for line in rows) for i in range(len(COLUMNS))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows]
    about = "".join("- %s\n" % line for line in machine_lines(results) + results["notes"])
    return "\n".join([about, rule, lines[0], rule] + lines[1:] + [rule]) + "\n"


def write(results, directory):
    for name, content in (("results.json", json.dumps(results, indent=1) + "\n"), ("table.rst", rst(results))):
        path = os.path.join(directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(content)
        os.rename(path + ".new", path)
