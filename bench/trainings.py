"""Trainings of shipped recipes with several seeds, each a run folder that is kept: bench/studies and bench/precision."""

import json
import pathlib
import shutil
import subprocess
import sys
import tomllib

import recipe_files

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What each study reached, and what the recipe is to reach on the test pictures.
STUDIES = {
    "mlp-512": ("train 99.50, test 90.17", 90.0),
    "cnn-5408": ("test 89.94", 89.9),
    "dense-on-pixels": ("train 88.5, test 87", 87.0),
    "dnn": ("below cnn", None),
    "cnn": ("above dnn", 91.0),
    "cnn-plus": ("none: a wish", 93.0),
    "mlp-300-100": ("curves", 88.0),
}


def folder_of(args, recipe, options, seed):
    return args.out / "-".join([recipe, *options, f"seed{seed}"]).replace("/", "_")


def same(shipped, used, path, options):
    """Whether a run's recipe, with every option written out, is the shipped one with these options."""
    if path in options or path.startswith("layers.") and path.endswith((".name", ".units")) or path == "description":
        return True
    if isinstance(shipped, str) and isinstance(used, dict):
        return shipped == used["type"]
    if isinstance(shipped, dict):
        return all(key in used and same(value, used[key], f"{path}.{key}".strip("."), options)
                   for key, value in shipped.items())
    if isinstance(shipped, list) and isinstance(used, list):
        return len(shipped) == len(used) and all(same(a, b, path, options) for a, b in zip(shipped, used))
    if path.endswith("_factor") and used == [-shipped, shipped]:  # A range around zero.
        return True
    return used == shipped or used == [shipped, shipped]


def finished(args, recipe, options, seed):
    """The content of metrics.json of a training that is complete and of this recipe; else nothing."""
    folder = folder_of(args, recipe, options, seed)
    metrics = folder / "metrics.json"
    if not metrics.exists() or json.loads(metrics.read_text())["status"] != "complete":
        return None
    shipped = tomllib.loads(recipe_files.written_out(args.program, recipe))
    used = tomllib.loads((folder / "recipe.toml").read_text())
    if not same(shipped, used, "", {option.split("=")[0] for option in options}):
        print(f"{folder} was trained by another recipe: trained anew", file=sys.stderr)
        return None
    return json.loads(metrics.read_text())


def train(args, recipe, options, seed):
    """The content of metrics.json of the finished training."""
    folder = folder_of(args, recipe, options, seed)
    if record := finished(args, recipe, options, seed):
        return record
    if folder.exists():
        shutil.rmtree(folder)
    command = [str(args.program), "train", recipe, "--out", str(folder)]
    for option in [f"train.seed={seed}", *options]:
        command += ["--set", option]
    print(" ".join(command), file=sys.stderr, flush=True)
    if code := subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit(f"error: the training ended with exit code {code}; the same call goes on from here")
    return json.loads((folder / "metrics.json").read_text())
