"""The measurement: every mode is tried once, then those that can be the fastest take turns with Lapel."""

import contextlib
import dataclasses
import math
import sys
import time

from .lapel import Bench, LapelFailed
from .ratios import worth_measuring
from .rows import PREDICT_MODES, train_modes
from .workers import PeerFailed, Worker

# Between two measurements: threads that wait for more work spin for some milliseconds before they sleep.
SETTLE_SECONDS = 0.05
# A worker that takes more of a core than this while others are measured disturbs them.
IDLE_SHARE = 0.02
# A step that takes longer has no use for calls of many.
SLOW_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How long and how often is measured."""

    rounds: int = 5
    seconds: float = 0.4
    least_steps: int = 4

    def steps(self, seconds_a_step):
        """Steps of a round: enough for `seconds`, as two digits, so that few numbers of steps are compiled for."""
        wanted = max(self.least_steps, self.seconds / seconds_a_step)
        unit = 10 ** max(0, math.floor(math.log10(wanted)) - 1)
        return math.ceil(wanted / unit) * unit


def say(text):
    print(text, file=sys.stderr, flush=True)


def try_out(runner, protocol, limit=math.inf):
    """(seconds of a step, steps of a round) of something that has just been started; a rough figure where that is beyond
    `limit` seconds already. A single step says that of slow ones only: others have to show what a call of many steps
    (lax.scan, steps_per_execution) costs by the step."""
    rough = min(runner.run(1) for _ in range(2))
    steps = protocol.steps(rough)
    if rough > max(limit, SLOW_SECONDS):
        return rough, steps
    if steps > protocol.least_steps:
        many = min(steps, 50)
        rough = min(runner.run(many) for _ in range(2))
        steps = protocol.steps(rough)
        if rough > limit:
            return rough, steps
    return runner.run(steps), steps


def start_pair(modes, start):
    """Workers of two modes, ready. Most of a start takes one core; more at once would only take memory."""
    pair = [start(*one) for one in modes]
    for worker in pair:
        with contextlib.suppress(PeerFailed):  # what failed says so when it is asked
            worker.wait_ready()
    return pair


def screen(modes, start, protocol):
    """Starts and tries one worker after another; what cannot be the fastest of its peer is closed.

    Gives the workers that are left, {name: seconds of a step}, {name: steps of a round}, {name: why it failed}.
    """
    workers, seconds, steps, failed = {}, {}, {}, {}
    try:
        for first in range(0, len(modes), 2):
            pair = start_pair(modes[first:first + 2], start)
            workers |= {worker.name: worker for worker in pair}
            for worker in pair:
                limit = 3 * min(seconds.values(), default=math.inf)
                try:
                    seconds[worker.name], steps[worker.name] = try_out(worker, protocol, limit)
                    say(f"    {worker.name:32} {1000 * seconds[worker.name]:10.3f} ms")
                except PeerFailed as error:
                    failed[worker.name] = str(error)
                    say(f"    {error}")
            keep = worth_measuring(seconds)
            for name in [name for name in workers if name not in keep]:
                workers.pop(name).close()
    except BaseException:
        close_all(workers.values())
        raise
    return list(workers.values()), seconds, steps, failed


def close_all(workers):
    for worker in workers:
        worker.close()


def take_turns(runners, steps, protocol):
    """Runs A B C A B C ...: {name: [seconds of a step in each round]}, and the largest share of a core that the workers
    took together while another was measured."""
    rounds = {runner.name: [] for runner in runners}
    workers = [runner for runner in runners if isinstance(runner, Worker)]
    busiest = 0.0
    for _ in range(protocol.rounds):
        for runner in runners:
            time.sleep(SETTLE_SECONDS)
            others = [worker for worker in workers if worker is not runner]
            start, before = time.monotonic(), sum(worker.cpu_seconds() for worker in others)
            rounds[runner.name].append(runner.run(steps[runner.name]))
            taken = sum(worker.cpu_seconds() for worker in others) - before
            busiest = max(busiest, taken / (time.monotonic() - start))
    return rounds, busiest


def try_benches(row, precisions, mode, batch, setup):
    """Lapel's ways to run a row, tried out: benches, and the rest as screen gives it."""
    benches, seconds, steps, failed = [], {}, {}, {}
    for precision in precisions:
        bench = Bench(setup.lapel, row, mode, precision, batch)
        try:
            seconds[bench.name], steps[bench.name] = try_out(bench, setup.protocol)
            say(f"    {bench.name:32} {1000 * seconds[bench.name]:10.3f} ms")
            benches.append(bench)
        except LapelFailed as error:
            failed[bench.name] = str(error)
            say(f"    {error}")
    return benches, seconds, steps, failed


def measure(row, modes, mode, batch, setup):
    """One row in training or in use, as a part of the results (docs/performance.json)."""
    def start(peer, peer_mode):
        return Worker(setup.python, peer, peer_mode, row, setup.threads, setup.cache, batch)

    workers, seconds, steps, failed = screen(modes, start, setup.protocol)
    try:
        benches, *own = try_benches(row, setup.precisions, mode, batch, setup)
        for ours, theirs in zip(own, (seconds, steps, failed)):
            theirs.update(ours)
        rounds, busiest = take_turns([*benches, *workers], steps, setup.protocol)
        if busiest > IDLE_SHARE:
            say(f"    warning: idle workers took {100 * busiest:.0f}% of a core")
        return {
            "batch": batch,
            "tried": seconds,
            "failed": failed,
            "steps": {name: steps[name] for name in rounds},
            "rounds": rounds,
            "idle_share": round(busiest, 4),
            "peak_bytes": {worker.name: worker.ask(do="memory")["peak_bytes"] for worker in workers},
            "lapel": {bench.name: bench.document for bench in benches},
            "versions": merged(worker.versions for worker in workers),
        }
    finally:
        close_all(workers)


def merged(dictionaries):
    return {key: value for dictionary in dictionaries for key, value in dictionary.items()}


def measure_training(row, peers, setup):
    return measure(row, train_modes(row, peers), "train", row.batch, setup)


def measure_use(row, batch, setup):
    modes = [(peer, mode) for peer, peer_modes in PREDICT_MODES.items() for mode in peer_modes]
    return measure(row, modes, "predict", batch, setup)
