"""Tables from the results: the same lines for the terminal and for docs/performance.md."""

import statistics

from .ratios import best_of, fastest, framework, is_bf16, peers_of, ratio, spread
from .rows import ROWS, USE_REACH

PEER_NAMES = {"keras": "Keras", "torch": "PyTorch", "jax": "JAX", "onnx": "ONNX Runtime", "onnxruntime": "ONNX Runtime",
              "lapel": "Lapel", "numpy": "gzip + NumPy"}
NOTHING = "-"


def number(value):
    """Three digits that count: 0.083, 1.35, 12.4, 1,234."""
    if value >= 1000:
        return f"{value:,.0f}"
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if value >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.3f}"


def factor(value):
    """A ratio with its spread: "2.31 (2.25-2.40)"."""
    return f"{value.median:.2f} ({value.low:.2f}-{value.high:.2f})"


def grid(header, lines, left=1):
    """Lines of a table in columns, the first `left` of them aligned left; Markdown that reads well as text."""
    rows = [header, *lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]

    def line(row):
        cells = [text.ljust(width) if column < left else text.rjust(width)
                 for column, (text, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 2) if column < left else "-" * (width + 1) + ":"
                          for column, width in enumerate(widths)) + "|"
    return [line(header), rule, *map(line, lines)]


def ratio_to_fastest(rounds, own):
    """Lapel's `own` rounds against the fastest peer in any mode: a Spread, or None if either is missing."""
    peers = peers_of(rounds)
    return ratio(peers[fastest(peers)], rounds[own]) if peers and own in rounds else None


def lapel_cells(rounds, own, scale):
    """Time and ratio of one precision of Lapel."""
    if own not in rounds:
        return [NOTHING, NOTHING]
    against = ratio_to_fastest(rounds, own)
    return [number(scale * statistics.median(rounds[own])), factor(against) if against else NOTHING]


def reach_cell(reach, against):
    """How far the arithmetic says one can get, and whether it was got."""
    if reach is None or against is None:
        return NOTHING if reach is None else f"{reach:g}"
    return f"{reach:g} {'met' if against.median >= reach else 'open'}"


def training_table(results):
    """Milliseconds of a training step, and how many times longer the fastest peer takes."""
    peers = ("keras", "torch", "jax")
    header = ["row", *(f"{PEER_NAMES[peer]}{suffix}" for peer in peers for suffix in ("", " bf16")),
              "Lapel", "ratio", "reach", "Lapel bf16", "ratio", "reach"]
    lines = []
    for name, part in results.get("train", {}).items():
        rounds, row = part["rounds"], ROWS[name]
        cells = []
        for peer in peers:
            for bf16 in (False, True):
                best = best_of(rounds, peer, bf16)
                cells.append(number(1000 * statistics.median(best[1])) if best else NOTHING)
        for own, reach in (("lapel/float32", row.reach), ("lapel/bfloat16", row.reach_bf16)):
            cells += [*lapel_cells(rounds, own, 1000), reach_cell(reach, ratio_to_fastest(rounds, own))]
        lines.append([f"{name}, batch {part['batch']}", *cells])
    return grid(header, lines)


def arithmetic_table(results):
    """GFLOP/s that each reaches."""
    lines = []
    for name, part in results.get("train", {}).items():
        flop = ROWS[name].read().train_flop * part["batch"]
        cells = []
        peers = peers_of(part["rounds"])
        for label in (fastest(peers), "lapel/float32", "lapel/bfloat16"):
            rounds = part["rounds"].get(label)
            cells.append(number(flop / statistics.median(rounds) / 1e9) if rounds else NOTHING)
        lines.append([name, fastest(peers) or NOTHING, number(flop / 1e9), *cells])
    return grid(["row", "fastest peer", "GFLOP a step", "its GFLOP/s", "Lapel GFLOP/s", "Lapel bf16 GFLOP/s"], lines, 2)


def use_table(results):
    """Microseconds of a prediction of a batch, and how many times longer ONNX Runtime takes."""
    lines = []
    for name, batches in results.get("use", {}).items():
        for part in batches.values():
            rounds = part["rounds"]
            best = fastest(peers_of(rounds))
            cells = [best.partition("/")[2], number(1e6 * statistics.median(rounds[best]))] if best else [NOTHING] * 2
            for precision, reach in USE_REACH.items():
                own = f"lapel/{precision}"
                cells += [*lapel_cells(rounds, own, 1e6), reach_cell(reach, ratio_to_fastest(rounds, own))]
            lines.append([name, str(part["batch"]), *cells])
    return grid(["row", "batch", "mode", "ONNX Runtime", "Lapel", "ratio", "reach", "Lapel bf16", "ratio", "reach"],
                lines, 3)


def mode_table(results):
    """Every mode that was tried: milliseconds when it was tried, and in the rounds where it could be the fastest."""
    lines = []
    for name, part in results.get("train", {}).items():
        for mode, seconds in sorted(part["tried"].items(), key=lambda item: (framework(item[0]), is_bf16(item[0]), item[1])):
            cells = [NOTHING, NOTHING]
            if mode in part["rounds"]:
                among = spread([1000 * value for value in part["rounds"][mode]])
                cells = [number(among.median), f"{number(among.low)}-{number(among.high)}"]
            lines.append([name, mode, number(1000 * seconds), *cells])
        lines += [[name, mode, "failed", NOTHING, NOTHING] for mode in part["failed"]]
    return grid(["row", "mode", "tried", "median", "least-most"], lines, 2)


def memory_table(results):
    """Peak resident memory of a training process, and Lapel's against what its parameters and activations take."""
    lines = []
    for name, part in results.get("train", {}).items():
        peaks = part["peak_bytes"]
        cells = []
        for peer in ("keras", "torch", "jax"):
            own = [value for mode, value in peaks.items() if framework(mode) == peer and not is_bf16(mode)]
            cells.append(number(min(own) / 1e6) if own else NOTHING)
        memory = part["lapel"].get("lapel/float32", {}).get("memory")
        cells += [number(memory["peak"] / 1e6), f"{memory['ratio']:.2f}"] if memory else [NOTHING, NOTHING]
        lines.append([name, *cells])
    return grid(["row", "Keras MB", "PyTorch MB", "JAX MB", "Lapel MB", "of its own arrays"], lines)


def process_table(results):
    """Milliseconds of whole processes and of loading the data."""
    lines = []
    for title, part in (("prediction typed to answer printed", results.get("answers")),
                        ("Fashion-MNIST read from .gz and scaled", results.get("loading"))):
        for name, seconds in (part or {"rounds": {}})["rounds"].items():
            among = spread([1000 * value for value in seconds])
            lines.append([title, PEER_NAMES[name], number(among.median), f"{number(among.low)}-{number(among.high)}"])
    return grid(["what", "by", "ms", "least-most"], lines, 2)


def machine_lines(results):
    """On what, with what and when."""
    machine, protocol = results["machine"], results["protocol"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(results["versions"].items()))
    bf16 = "" if machine["bf16"] else " The CPU has no bfloat16 arithmetic: the bf16 columns are void."
    return [f"{machine['date']}, {machine['cpu']} ({machine.get('isa', 'no run of Lapel')}), {machine['threads']} threads, "
            f"{machine['system']}; {versions}. "
            f"{protocol['rounds']} rounds of at least {protocol['seconds']:g} s.{bf16}"]


def short_table(results):
    """Milliseconds of a training step of each framework in its fastest mode and precision, and how many times longer the
    fastest of the others takes."""
    lines = []
    for name, part in results.get("train", {}).items():
        own = {label: rounds for label, rounds in part["rounds"].items() if framework(label) == "lapel"}
        cells = []
        for peer in ("keras", "torch", "jax"):
            best = fastest({label: rounds for label, rounds in part["rounds"].items() if framework(label) == peer})
            cells.append(number(1000 * statistics.median(part["rounds"][best])) if best else NOTHING)
        cells += lapel_cells(part["rounds"], fastest(own), 1000)
        lines.append([f"{name}, batch {part['batch']}", *cells])
    return grid(["a training step, ms", "Keras", "PyTorch", "JAX", "Lapel", "times faster"], lines)


SECTIONS = [    ("Training: milliseconds a step", "train", training_table),
    ("Training: arithmetic", "train", arithmetic_table),
    ("In use: microseconds a batch", "use", use_table),
    ("Whole processes", "answers", process_table),
    ("Memory of a training process", "train", memory_table),
    ("Every mode that was tried, milliseconds a training step", "train", mode_table),
]


def sections(results):
    """[(title, lines)] of all that the results have."""
    return [(title, table(results)) for title, key, table in SECTIONS if results.get(key)]
