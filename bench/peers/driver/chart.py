"""The chart: for each row, how fast each trains, the fastest peer being 1. Drawn by gnuplot."""

import statistics
import subprocess

from .ratios import fastest, framework, peers_of, ratio
from .rows import ROWS

SERIES = [("Keras", "#c9a36a"), ("PyTorch", "#b5654a"), ("JAX", "#8a8a8a"), ("Lapel", "#4878a8"),
          ("Lapel bf16", "#1f3f66")]
WIDTH = 0.16


def speeds(part):
    """[(speed, low, high) or None] in the order of SERIES; the fastest peer is 1."""
    rounds = part["rounds"]
    peers = peers_of(rounds)
    best = peers[fastest(peers)]
    cells = []
    for peer in ("keras", "torch", "jax"):
        own = fastest({name: values for name, values in peers.items() if framework(name) == peer})
        cells.append(own and (statistics.median(best) / statistics.median(peers[own]),) * 3)
    for own in ("lapel/float32", "lapel/bfloat16"):
        against = own in rounds and ratio(best, rounds[own])
        cells.append((against.median, against.low, against.high) if against else None)
    return cells


def collect(parts):
    """The bars of each series and the marks of the reaches, as lines that gnuplot reads, and the highest of all."""
    bars = {series: [] for series, _ in SERIES}
    reaches, top = [], 1.0
    for place, (name, part) in enumerate(parts.items()):
        for index, ((series, _), cell) in enumerate(zip(SERIES, speeds(part))):
            x = place + (index - 2) * WIDTH
            if cell:
                bars[series].append(f"{x:.3f} {' '.join(f'{value:.4f}' for value in cell)}")
                top = max(top, cell[2])
            reach = {"Lapel": ROWS[name].reach, "Lapel bf16": ROWS[name].reach_bf16}.get(series)
            if reach:
                reaches.append(f"{x - WIDTH / 2:.3f} {reach} {WIDTH} 0")
                top = max(top, reach)
    return bars, reaches, top


def script(results, output):
    """What gnuplot is given."""
    parts = {name: part for name, part in results["train"].items() if peers_of(part["rounds"])}
    bars, reaches, top = collect(parts)
    blocks = {f"$s{index}": bars[series] for index, (series, _) in enumerate(SERIES)} | {"$reach": reaches}
    lines = []
    for name, block in blocks.items():
        lines += [f"{name} << END", *(block or ["NaN NaN NaN NaN"]), "END"]
    ticks = ", ".join(f"'{name}' {place}" for place, name in enumerate(parts))
    lines += [
        "set encoding utf8",
        "set terminal pngcairo size 1100,520 font 'DejaVu Sans,10' noenhanced",
        f"set output '{output}'",
        "set title 'Training steps a second, the fastest peer being 1' font ',13'",
        "set ylabel 'times as fast as the fastest peer'",
        f"set xtics ({ticks})",
        f"set xrange [-0.6:{len(parts) - 0.4}]",
        f"set yrange [0:{1.08 * top:.3f}]",
        "set border 3 linecolor rgb '#555555'",
        "set tics nomirror out textcolor rgb '#222222'",
        "set grid ytics linecolor rgb '#dddddd' linewidth 1",
        "set key outside bottom center horizontal",
        f"set boxwidth {0.92 * WIDTH}",
        "set style fill solid 0.95 noborder",
        "set arrow from graph 0, first 1 to graph 1, first 1 nohead dashtype 2 linecolor rgb '#555555'",
    ]
    plots = [f"$s{index} using 1:2 with boxes linecolor rgb '{color}' title '{series}'"
             for index, (series, color) in enumerate(SERIES)]
    plots += [f"$s{index} using 1:3:(0):($4-$3) with vectors heads size 0.03,90 linecolor rgb '#111111' notitle"
              for index in (3, 4)]
    plots.append("$reach using 1:2:3:4 with vectors nohead linewidth 2 linecolor rgb '#c03030' title 'reach'")
    return "\n".join([*lines, "plot " + ", \\\n  ".join(plots)]) + "\n"


def draw(results, output):
    """Draws the chart into the PNG file `output`."""
    try:
        subprocess.run(["gnuplot"], input=script(results, output), text=True, check=True, capture_output=True)
    except FileNotFoundError:
        raise SystemExit("error: the chart needs gnuplot (Debian: gnuplot-nox)") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"error: gnuplot: {error.stderr.strip()}") from None
