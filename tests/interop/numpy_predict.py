#!/usr/bin/env python3
"""numpy alone, with the code that docs/model-file.md shows, repeats what `lapel predict` says.

usage: numpy_predict.py LAPEL
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
PICTURES = 50
TOLERANCE = 1e-5


def functions_of_the_document():
    """What the code blocks of docs/model-file.md define."""
    blocks = re.findall(r"```python\n(.*?)```", (SOURCE / "docs" / "model-file.md").read_text(), re.S)
    code = "\n".join(blocks).split("\nmetadata, tensors = ")[0]
    names = {}
    exec(compile(code, "docs/model-file.md", "exec"), names)
    return names["read_model"], names["predict"]


def test_pictures():
    with gzip.open(DATA / "t10k-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:PICTURES]


def lapel_probabilities(lapel, run, classes):
    indices = [str(i) for i in range(PICTURES)]
    command = [lapel, "predict", str(run), "--index", *indices, "--top", str(len(classes)), "--json"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    table = np.zeros((PICTURES, len(classes)))
    for row, entry in zip(table, rows, strict=True):
        for ranked in entry["predictions"]:
            row[ranked["label"]] = ranked["probability"]
    return table


def main():
    lapel = sys.argv[1]
    read_model, predict = functions_of_the_document()
    with tempfile.TemporaryDirectory(prefix="lapel-interop-") as folder:
        run = pathlib.Path(folder) / "run"
        recipe = SOURCE / "recipes" / "mlp-300-100.toml"
        options = ["data.limit=3000", "data.validation=last 500", "train.epochs=2"]
        command = [lapel, "train", str(recipe), "--out", str(run)]
        subprocess.run(command + [word for option in options for word in ("--set", option)], check=True,
                       stdout=subprocess.DEVNULL)
        metadata, tensors = read_model(run / "model.safetensors")
        ours = lapel_probabilities(lapel, run, json.loads(metadata["lapel.classes"]))
    theirs = predict(metadata, tensors, test_pictures())
    difference = np.abs(ours - theirs).max()
    print(f"largest difference of {ours.size} probabilities: {difference:.2e}")
    if not (difference <= TOLERANCE and abs(ours.sum(axis=1) - 1).max() < 1e-4):
        sys.exit("error: numpy and lapel disagree")


if __name__ == "__main__":
    main()
