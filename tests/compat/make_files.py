#!/usr/bin/env python3
"""Writes the files of this folder with today's program: small trained models in each format of the model file, with the
answers that they gave. Run once for each version whose files are to open for ever; files that are there stay.

usage: make_files.py LAPEL VERSION
"""

import json
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
import cases  # noqa: E402
from exported import Workshop  # noqa: E402

SETTINGS = {  # By the format of the model file that they need.
    "1": ("", ""),
    "2": ('test_time_augmentation = "flip+shift"', ""),
    "3": ("", 'fit = "pad"\nbackground = "white"\nimage_size = 9\n'),
}


def main():
    lapel, version = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="lapel-compat-") as folder:
        box = Workshop(lapel, folder)
        box.call("data", "convert", "data", "pictures", "--to", "folder")
        for number, (train, data) in SETTINGS.items():
            target = HERE / f"{version}-format-{number}"
            if target.exists():
                continue
            box.train(f"run-{number}", cases.recipe(cases.NORMALIZED, train, "pictures").replace("[train]", data + "[train]"))
            target.mkdir()
            shutil.copy(box.path(f"run-{number}/model.safetensors"), target)
            for index, picture in enumerate(sorted(box.path("pictures/test").rglob("*.png"))[:3]):
                shutil.copy(picture, target / f"{index}.png")
            names = [str(target / f"{index}.png") for index in range(3)]
            rows = box.call("predict", f"run-{number}", *names, "--top", "3", "--json", "--precision", "float32")
            answers = [{one["name"]: one["probability"] for one in row["predictions"]} for row in json.loads(rows)]
            (target / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
