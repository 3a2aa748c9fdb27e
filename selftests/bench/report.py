# SPDX-License-Identifier: GPL-2.0-only
"""results.json, table.rst and the table on standard output."""

import json
import os
import statistics

import chart

FILES = ("results.json", "table.rst", "chart.svg")
COLUMNS = (
    "workload", "budget", "native", "upager", "kernel swap", "ratio", "faults", "swap's", "us/fault", "swap's",
    "page-cluster",
)
# RST takes a lone asterisk for the beginning of emphasis.
WAITED = "\\* would have been killed for want of memory (OOM), and was made to wait instead"
OVER = "+ was over its budget by more than a tenth, for more than a tenth of the time"
OVER_SHARE = 0.1


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def _faults(figures):
    """Whole runs: those that the daemon served, or of which the kernel read pages."""
    return figures.get("faults", figures.get("major_faults"))


def _us_per_fault(figures):
    """The daemon's time, or the program's own in the kernel."""
    faults = _faults(figures)
    return figures.get("daemon_cpu_s", figures["system_s"]) * 1e6 / faults if faults else None


def side(outcomes):
    """Of the runs of one side: all of them, and the medians."""
    return {
        "runs": [{"score": one.score, "why": one.why, "digest": one.digest, **one.figures} for one in outcomes],
        "score": median(one.score for one in outcomes),
        "faults": median(_faults(one.figures) for one in outcomes),
        "us_per_fault": median(_us_per_fault(one.figures) for one in outcomes),
        "failures": [one.why for one in outcomes if one.why],
        "over_share": median(
            one.figures["looks_over"] / one.figures["looks"] for one in outcomes if one.figures.get("looks")
        ),
        "oom_waits": sum(one.figures.get("oom_waits", 0) for one in outcomes),
    }


def shown(score, unit):
    if score is None:
        return "-"
    if unit == "s":
        return "%.2f s" % (1 / score)
    return "%.0f/s" % score


def number(value, form):
    return "-" if value is None else form % value


def _failures(sides):
    whys = [why for side in sides for why in side["failures"]]
    return "%s, %d times" % (whys[0], len(whys))


def _our_score(ours, unit):
    if ours["failures"]:
        return _failures([ours])
    return shown(ours["score"], unit) + (" +" if (ours["over_share"] or 0) > OVER_SHARE else "")


def _rival_score(rival, unit):
    if not rival["better"]:
        return _failures(rival["sides"].values())
    better = rival["sides"][rival["better"]]
    score = shown(better["score"], unit) + (" \\*" if better["oom_waits"] else "")
    if better["failures"]:
        score += ", %d of %d %s" % (len(better["failures"]), len(better["runs"]), better["failures"][0])
    return score


def row(result):
    ours, rival, unit = result["upager"], result["kernel_swap"], result["unit"]
    better = rival["sides"].get(rival["better"], {}) if rival else {}
    return (
        result["workload"],
        "1/%d, %.1f MiB" % (result["fraction"], result["budget_bytes"] / 2**20),
        shown(result["native"]["score"], unit),
        _our_score(ours, unit),
        _rival_score(rival, unit) if rival else "-",
        number(result["ratio"], "%.2f"),
        number(ours["faults"], "%.0f"),
        number(better.get("faults"), "%.0f"),
        number(ours["us_per_fault"], "%.1f"),
        number(better.get("us_per_fault"), "%.1f"),
        (rival and rival["better"]) or "-",
    )


def notes(results):
    found = list(results["notes"])
    cells = "".join(row(result)[3] + row(result)[4] for result in results["results"])
    found += [line for mark, line in (("+", OVER), ("*", WAITED)) if mark in cells]
    if results["failed"]:
        found.append("FAILED: " + results["failed"])
    return found


def machine_lines(results):
    return ["%s: %s" % item for item in results["machine"].items()]


def _grid(results):
    """The lines of the table, its head first, and how wide the columns are."""
    rows = [COLUMNS] + [row(result) for result in results["results"]]
    widths = [max(len(line[i]) for line in rows) for i in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows], widths


def text(results):
    lines, widths = _grid(results)
    lines.insert(1, "  ".join("-" * width for width in widths))
    return ("\n".join(lines + notes(results)) + "\n").replace("\\*", "*")


def rst(results):
    lines, widths = _grid(results)
    rule = "  ".join("=" * width for width in widths)
    about = "".join("- %s\n" % line for line in machine_lines(results) + notes(results))
    return "\n".join([about, rule, lines[0], rule] + lines[1:] + [rule]) + "\n"


def write(results, directory):
    contents = (json.dumps(results, indent=1) + "\n", rst(results), chart.draw(results["results"]))
    for name, content in zip(FILES, contents):
        path = os.path.join(directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(content)
        os.rename(path + ".new", path)
