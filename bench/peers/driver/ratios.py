"""Medians, ratios and their spread: arithmetic on the seconds that were measured, round by round."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median with the smallest and largest value."""

    median: float
    low: float
    high: float


def spread(values):
    return Spread(statistics.median(values), min(values), max(values))


def ratio(others, own):
    """How many times longer `others` took than `own`, round by round: what was measured one after the other is
    compared, so that a machine that slows down for both changes nothing."""
    if len(others) != len(own):
        raise ValueError(f"{len(others)} rounds cannot be compared with {len(own)}")
    return spread([other / mine for other, mine in zip(others, own)])


def framework(name):
    """The peer that a mode belongs to: "torch/eager-bf16" is torch's."""
    return name.partition("/")[0]


def is_bf16(name):
    return name.endswith("bf16") or name.endswith("bfloat16")


def fastest(rounds):
    """The name with the smallest median among {name: seconds of each round}; None if there are none."""
    return min(rounds, key=lambda name: statistics.median(rounds[name]), default=None)


def peers_of(rounds):
    """{name: rounds} without Lapel's own."""
    return {name: values for name, values in rounds.items() if framework(name) != "lapel"}


def best_of(rounds, peer, bf16):
    """The fastest mode of a peer in one precision: (name, its rounds), or None."""
    own = {name: values for name, values in rounds.items() if framework(name) == peer and is_bf16(name) == bf16}
    name = fastest(own)
    return None if name is None else (name, own[name])


def worth_measuring(tried, margin=1.15, most=2):
    """Of {name: seconds of a step}, those that may be the fastest of their peer and precision when measured well: at most
    `most`, within `margin` of the fastest. The others need no rounds."""
    groups = {}
    for name, seconds in tried.items():
        groups.setdefault((framework(name), is_bf16(name)), []).append((seconds, name))
    kept = set()
    for group in groups.values():
        group.sort()
        kept |= {name for seconds, name in group[:most] if seconds <= margin * group[0][0]}
    return [name for name in tried if name in kept]
