"""The virtual environment of the peers, made from requirements.txt when it is missing."""

import hashlib
import subprocess
import sys


def ensure(folder, requirements):
    """The Python of the environment in `folder`; makes it, or makes it anew where the requirements have changed."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = folder / "requirements.sha256"
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"making {folder} (downloads about 3 GB of packages) ...", file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], check=True)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"error: cannot make the environment of the peers in {folder}: {error}\n"
                             "  Debian needs the package python3-venv; --venv DIR takes an environment that exists")
        stamp.write_text(digest)
    return python


def existing(folder):
    """The Python of an environment that someone else made."""
    python = folder / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"error: --venv {folder}: no virtual environment is there (bin/python is missing)")
    return python
