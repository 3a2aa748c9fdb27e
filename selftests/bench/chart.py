# SPDX-License-Identifier: GPL-2.0-only
"""The ratios as bars, on a logarithmic scale: to the right of 1 upager was faster."""

import math
from xml.sax.saxutils import escape

ROW, BAR, TOP = 22, 14, 40
LABELS, PLOT, VALUES = 230, 480, 60
FASTER, SLOWER, INK, GRID = "#2a7f9e", "#b5532a", "#333", "#ccc"


def _text(x, y, content, anchor="start"):
    return '<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>' % (x, y, anchor, escape(content))


def _scale(ratios):
    """How many doublings the plot reaches to each side."""
    return max(1, *(math.ceil(abs(math.log2(ratio))) for ratio in ratios)) if ratios else 1


def draw(results):
    results = [result for result in results if result["ratio"]]
    reach = _scale([result["ratio"] for result in results])
    middle, unit = LABELS + PLOT / 2, PLOT / 2 / reach
    bottom = TOP + ROW * len(results)
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif"'
        ' font-size="12" fill="%s">' % (LABELS + PLOT + VALUES, bottom + 10, INK),
        _text(LABELS, 14, "speed of upager as a multiple of kernel swap's"),
    ]
    for power in range(-reach, reach + 1):
        x = middle + power * unit
        stroke = INK if power == 0 else GRID
        lines.append('<path d="M%.1f %dV%d" stroke="%s"/>' % (x, TOP - 6, bottom, stroke))
        lines.append(_text(x, TOP - 10, "%g" % 2**power if power >= 0 else "1/%d" % 2**-power, "middle"))
    for number, result in enumerate(results):
        y = TOP + ROW * number
        end = middle + math.log2(result["ratio"]) * unit
        lines.append(_text(LABELS - 8, y + 12, "%s, 1/%d" % (result["workload"], result["fraction"]), "end"))
        lines.append(
            '<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>'
            % (min(middle, end), y + 2, abs(end - middle), BAR, FASTER if result["ratio"] >= 1 else SLOWER)
        )
        lines.append(_text(LABELS + PLOT + 8, y + 12, "%.2f" % result["ratio"]))
    return "\n".join(lines + ["</svg>"]) + "\n"
