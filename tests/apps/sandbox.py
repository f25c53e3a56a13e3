"""What the tests of the program share: a folder of their own with small data, and a way to run lapel in it."""

import gzip
import os
import pathlib
import random
import resource
import struct
import subprocess
import zlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CLASSES = ["left", "middle", "right"]
SIDE = 12

TINY_RECIPE = """\
name = "tiny"

[data]
source = "data"
validation_split = 0.1

[[layers]]
type = "Flatten"
[[layers]]
type = "Dense"
units = 16
activation = "relu"
[[layers]]
type = "Dense"
units = 3
activation = "softmax"

[train]
epochs = 2
batch_size = 16
optimizer = { type = "SGD", learning_rate = 0.1 }
threads = 1
"""


def idx(shape, values):
    """An IDX file of unsigned bytes."""
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(values)


def picture(label, rng, side=SIDE):
    """Noise with a bright band at the place that the class is named for."""
    third = side // len(CLASSES)
    return [
        rng.randrange(150, 256) if x // third == label else rng.randrange(0, 60)
        for _ in range(side)
        for x in range(side)
    ]


def png(side, pixels, channels=1):
    """A PNG picture of 8 bits, grey or RGB."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    width = side * channels
    rows = b"".join(b"\0" + bytes(pixels[y * width : (y + 1) * width]) for y in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0 if channels == 1 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Result:
    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr


class Sandbox:
    """A folder in which lapel is run."""

    def __init__(self, lapel, folder):
        self.lapel = str(pathlib.Path(lapel).resolve())
        self.folder = pathlib.Path(folder).resolve()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("LAPEL_")}
        self.environment.update(LAPEL_RECIPES=str(SOURCE / "recipes"), LC_ALL="C.UTF-8")

    def path(self, name):
        return self.folder / name

    def data(self, name="data", train=90, test=30, side=SIDE):
        rng = random.Random(1)
        folder = self.path(name)
        folder.mkdir()
        for split, count in (("train", train), ("t10k", test)):
            labels = [i % len(CLASSES) for i in range(count)]
            rng.shuffle(labels)
            pixels = [value for label in labels for value in picture(label, rng, side)]
            (folder / f"{split}-images-idx3-ubyte").write_bytes(idx([count, side, side], pixels))
            (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx([count], labels))
        (folder / "class_names.txt").write_text("\n".join(CLASSES) + "\n")

    def recipe(self, name="tiny.toml", text=TINY_RECIPE):
        self.path(name).write_text(text)

    def picture(self, name, label=0, side=SIDE):
        self.path(name).write_bytes(png(side, picture(label, random.Random(2), side)))

    def gzip(self, name):
        plain = self.path(name)
        plain.with_name(plain.name + ".gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
        plain.unlink()

    def files(self):
        """Every file and folder inside, with the size and time of the files."""
        return {
            str(p.relative_to(self.folder)): (p.stat().st_size, p.stat().st_mtime_ns) if p.is_file() else None
            for p in sorted(self.folder.rglob("*"))
        }

    def start(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        return subprocess.Popen([self.lapel, *words], cwd=self.folder, env=self.environment, **options)

    def run(self, *words, stdout=subprocess.PIPE, file_size=None, prefix=()):
        def limit():
            if file_size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

        done = subprocess.run(
            [*prefix, self.lapel, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            preexec_fn=limit,
            timeout=300,
        )
        return Result(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())
