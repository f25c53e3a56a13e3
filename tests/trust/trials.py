"""What the trials of this folder share: a folder with small data, runs of lapel with a fault, and what must hold then."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "apps"))
from sandbox import Sandbox  # noqa: E402

RECIPE = """\
name = "tiny"

[data]
source = "{data}"
validation_split = 0.1

[[layers]]
type = "Flatten"
[[layers]]
type = "Dense"
units = 8
activation = "relu"
[[layers]]
type = "Dense"
units = 3
activation = "softmax"

[train]
epochs = {epochs}
batch_size = 16
threads = 1
"""
CALLBACKS = """\
[[train.callbacks]]
type = "CSVLogger"
filename = "more.csv"
[[train.callbacks]]
type = "ModelCheckpoint"
filepath = "best.safetensors"
[[train.callbacks]]
type = "TensorBoard"
"""
HIDDEN = (".tmp-", ".partial")


class Box(Sandbox):
    """A sandbox whose paths are absolute, so that the shim knows them."""

    def __init__(self, lapel, folder, shim, epochs=3, train=90):
        super().__init__(lapel, folder)
        self.shim = str(pathlib.Path(shim).resolve())
        self.data(train=train)
        self.recipe("tiny.toml", RECIPE.format(data=self.path("data"), epochs=epochs))
        self.recipe("calls.toml", RECIPE.format(data=self.path("data"), epochs=epochs) + CALLBACKS)
        self.picture("one.png")

    def lapel_with(self, words, fault=None):
        """Runs lapel; `fault`: of the shim, as FAULT_MODE and others. Words may name {box}."""
        environment = dict(self.environment)
        if fault:
            environment.update({k: str(v) for k, v in fault.items()}, LD_PRELOAD=self.shim, FAULT_PATH=str(self.folder))
        words = [word.replace("{box}", str(self.folder)) for word in words]
        done = subprocess.run([self.lapel, *words], cwd=self.folder, env=environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def must(self, *words):
        code, out, err = self.lapel_with(words)
        if code != 0:
            raise AssertionError(f"lapel {' '.join(words)}: exit {code}: {err.strip()}")
        return out

    def copy_of(self, folder):
        shutil.rmtree(self.folder)
        shutil.copytree(folder, self.folder, symlinks=True)


def content_hash(file):
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()


def resumable(run):
    return any((run / "checkpoints").glob("step-*.safetensors"))


def whole_safetensors(data):
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return 8 + size + max(ends, default=0) == len(data)


def half_written(file):
    """Why a file that has its name is not whole; empty where it is."""
    data = file.read_bytes()
    try:
        if file.suffix == ".safetensors" and not whole_safetensors(data):
            return "its tensors end elsewhere"
        if file.suffix == ".json":
            json.loads(data)
        if file.suffix in (".csv", ".toml", ".txt", ".html") and not data.endswith(b"\n"):
            return "its last line has no end"
        if file.suffix == ".png" and not data.endswith(b"IEND\xaeB\x60\x82"):
            return "the picture has no end"
        if file.suffix == ".csv":
            cells = {line.count(b",") for line in data.splitlines()}
            if len(cells) > 1:
                return "its lines have different numbers of cells"
    except (ValueError, KeyError, struct.error) as problem:
        return repr(problem)
    return "" if data or file.suffix not in (".safetensors", ".json", ".csv") else "it is empty"


def visible_files(folder):
    """All but those that a killed writer may leave under another name."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(mark in part for part in file.relative_to(folder).parts for mark in HIDDEN):
            yield file


def complaints_about_files(folder, before):
    """Of all that is new or changed. Event files of TensorBoard grow, and their readers take a part of one."""
    for file in visible_files(folder):
        name = str(file.relative_to(folder))
        if file.name.startswith("events.") or file.name == ".lock" or before.get(name) == content_hash(file):
            continue
        if problem := half_written(file):
            yield f"{name} is half written: {problem}"


def complaints_about_message(box, code, err):
    """Of a failure that was not a kill."""
    lines = err.splitlines()
    if code == 1 and lines and lines[-1].endswith("pictures could not be read"):
        return  # `lapel predict` goes on with the others (docs/commands.md).
    if code not in (1, 2, 130) or sum(line.startswith("error: ") for line in lines) != 1 or not err.startswith("error: "):
        yield f"exit {code} with {err!r}"
        return
    if len(err) > 2048 or "exception" in err or "defect" in err:
        yield f"a poor message: {err!r}"
    # A path that cannot be written need not be there, but the folder of a run is, or the message says what became of it.
    for run in re.findall(re.escape(str(box.folder)) + r"/run\b", err):
        if not os.path.exists(run) and "removed" not in err and "cannot be made" not in err:
            yield f"the message names {run}, which is gone: {err!r}"
    for hint in re.findall(r"try  (.*)", err):
        for path in re.findall(r"(?:--resume |lapel train )(\S+)", hint):
            if path.startswith("/") and not os.path.exists(path.rstrip(",")):
                yield f"the hint names {path}, which is not there: {err!r}"


def complaints_about_run(box, run, was_resumable, wanted):
    """What could be resumed still can, and ends with the model `wanted`; metrics and model agree."""
    if not run.exists():
        if was_resumable:
            yield "a run that could be resumed is gone"
        return
    metrics = json.loads((run / "metrics.json").read_text()) if (run / "metrics.json").exists() else {}
    if metrics.get("status") == "complete":
        if content_hash(run / "model.safetensors") != wanted:
            yield "the run is complete with another model"
        return
    if metrics.get("test") and (run / "model.safetensors").exists():
        found = json.loads(box.must("evaluate", str(run), "--json"))
        if abs(found["accuracy"] - metrics["test"]["accuracy"]) > 1e-9 or abs(found["loss"] - metrics["test"]["loss"]) > 1e-6:
            yield "metrics.json is not of the model beside it"
    if was_resumable and not resumable(run):
        yield "its checkpoints are gone"
        return
    if resumable(run):
        code, _, err = box.lapel_with(["train", "--resume", str(run), "--plot-format", "none"])
        if code != 0:
            yield f"cannot be resumed: exit {code}: {err.strip()}"
        elif content_hash(run / "model.safetensors") != wanted:
            yield "ends with another model once it is resumed"
        elif left := [str(f) for f in run.rglob("*") if ".tmp-" in f.name]:
            yield f"temporary files are left: {left}"
