"""Draws what `python -m benchmarks.server --parts clients,features,sizes` prints, read from standard input."""

import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt

LINE = re.compile(r"\s+(\d+) (clients|features|px)\s+([\d.]+) req/s\s+p50\s+([\d.]+) ms\s+p99\s+([\d.]+) ms")
LABELS = {"clients": "clients", "features": "features of a call", "px": "side of the image sent, pixels"}
RATE, TIME = "#1c5cb4", "#c2571a"

found = [match.groups() for match in map(LINE.match, sys.stdin) if match]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4))
for left, (kind, label) in zip(axes, LABELS.items(), strict=True):
    rows = [[float(text) for text in (number, *figures)] for number, name, *figures in found if name == kind]
    number, rate, p50_ms, p99_ms = zip(*rows, strict=True)
    left.plot(number, rate, "o-", color=RATE)
    left.set_xscale("log", base=2)
    left.set_xticks(number, [f"{value:g}" for value in number])
    left.set(xlabel=label, ylim=(0, None))
    right = left.twinx()
    right.plot(number, p50_ms, "s--", color=TIME)
    right.plot(number, p99_ms, "^:", color=TIME)
    right.set_ylim(0)
    for side in (left, right):
        side.spines["top"].set_visible(False)
axes[0].set_ylabel("requests/s", color=RATE)
right.set_ylabel("ms of a call (p50 dashed, p99 dotted)", color=TIME)
figure.tight_layout()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
