"""Peers as processes that live as long as their row is measured, and are asked for some steps at a time."""

import json
import os
import pathlib
import select
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parents[1]


# A mode that has not been compiled, or has not taken its steps, by then cannot be the fastest. (What is known to take so
# long: JAX's bfloat16 convolutions inside lax.scan, which XLA leaves to plain loops.)
PATIENCE_SECONDS = 90


class PeerFailed(Exception):
    """A worker ended or answered nonsense; the text says where its messages are."""


def environment(threads, cache):
    """The environment of a worker: as many threads as are measured, and caches that stay in the build folder."""
    return os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "torchinductor"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Worker:
    """One peer in one mode on one row. Use as a context."""

    def __init__(self, python, peer, mode, row, threads, cache, batch=None, check=False, weights=None,
                 patience=PATIENCE_SECONDS):
        self.name = f"{peer}/{mode}"
        self.log = cache / "logs" / f"{row.name}-{peer}-{mode}.txt"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [str(python), str(FOLDER / f"{peer}_peer.py"), "--recipe", str(row.path), "--mode", mode, "--batch",
                   str(batch or row.batch), "--threads", str(threads)]
        command += ["--check"] * check + (["--weights", str(weights)] if weights else [])
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True,
                                            env=environment(threads, cache))
        self.patience = patience
        self.versions = None

    def wait_ready(self):
        if self.versions is None:
            self.versions = self.read()["versions"]

    def read(self):
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.process.kill()
            raise PeerFailed(f"{self.name} gave no answer within {self.patience} s")
        try:
            return json.loads(self.process.stdout.readline())
        except json.JSONDecodeError:
            raise PeerFailed(f"{self.name} failed; its messages are in {self.log}") from None

    def ask(self, **request):
        self.wait_ready()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerFailed(f"{self.name} failed; its messages are in {self.log}") from None
        return self.read()

    def run(self, steps):
        """Seconds of one step, the mean of about `steps`."""
        answer = self.ask(do="run", steps=steps)
        return answer["seconds"] / answer["steps"]

    def cpu_seconds(self):
        """Processor time of the process so far: how much a worker takes that should be idle."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        try:
            self.process.communicate(json.dumps({"do": "quit"}) + "\n", timeout=20)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
