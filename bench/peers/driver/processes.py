"""Whole processes: from a prediction typed to its answer printed, the reading of the data set, memory of a training."""

import json
import shutil
import subprocess
import time

from .rounds import say
from .workers import FOLDER, environment

FRAMEWORKS = ("keras", "torch", "onnxruntime")


def timed(command, env):
    """(seconds from start to end of a process, what it printed)."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"error: {' '.join(command)}: {done.stderr.strip()}")
    return seconds, done.stdout


def script(setup, *arguments):
    return [str(setup.python), str(FOLDER / "answer_peer.py"), *map(str, arguments)]


def answer_of(name, printed):
    """(number of the class, probability) that a process named."""
    if name == "lapel":
        first = json.loads(printed)[0]["predictions"][0]
        return first["label"], first["probability"]
    label, probability = printed.split()
    return int(label), float(probability)


def measure_answers(row, setup, picture=0):
    """Trains a little, gives all the same weights, and lets each name the class of one test picture in a process of its
    own: {"rounds": {name: seconds}, "answers": {name: [class, probability]}}."""
    folder = setup.cache / "answers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    setup.lapel.call("train", row.path, "--set", "train.epochs=1", "--set", "data.limit=6000", "--plot-format", "none",
                     "--out", folder / "run")
    env = environment(setup.threads, setup.cache)
    timed(script(setup, "prepare", row.path, folder / "run" / "model.safetensors", folder,
                 picture), env)
    commands = {"lapel": [str(setup.lapel.program), "predict", str(folder / "run"), str(folder / "picture.png"),
                          "--json"]}
    commands |= {name: script(setup, name, row.path, folder) for name in FRAMEWORKS}
    answers = {name: answer_of(name, timed(command, env)[1]) for name, command in commands.items()}
    rounds = {name: [] for name in commands}
    for _ in range(setup.protocol.rounds):
        for name, command in commands.items():
            rounds[name].append(timed(command, env)[0])
    for name, (label, probability) in answers.items():
        if label != answers["lapel"][0] or abs(probability - answers["lapel"][1]) > 1e-3:
            say(f"    warning: {name} answers {label} ({probability:.4f}), lapel {answers['lapel']}")
    return {"row": row.name, "rounds": rounds, "answers": answers}


def measure_loading(row, setup):
    """Seconds to read and scale Fashion-MNIST: {name: [seconds of each round]}."""
    env = environment(setup.threads, setup.cache)
    rounds = {"lapel": [], "numpy": []}
    for _ in range(setup.protocol.rounds):
        rounds["lapel"].append(setup.lapel.bench(row, "train", "float32", row.batch, 1)["load_seconds"])
        rounds["numpy"].append(float(timed(script(setup, "load"), env)[1]))
    return {"rounds": rounds}
