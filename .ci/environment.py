#!/usr/bin/env python3
"""Makes `.venv` right, whatever was left there: `environment.py runtime` or `environment.py dev`.

Only the standard library, and no syntax newer than Python 3.6 (hence the quoted annotations), so
that an old Python can still say that it is too old.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "lineside.json"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}


class EnvironmentRefusedError(Exception):
    """What is wrong and what to do about it, in a sentence for the person who typed `make`."""


def main(wanted: str) -> None:
    """Leave a `.venv` that holds what the lock `wanted` names."""
    use_a_python_that_is_new_enough()
    with LOCKS[wanted].open() as lock:
        # Two makes in two terminals: the second waits, and finds the work done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not covers(wanted):
            build(wanted)


def use_a_python_that_is_new_enough() -> None:
    """Go on in a newer Python of this machine when the one that was found is too old."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer and is_new_enough(newer):
            os.execv(newer, [newer, *sys.argv])
    raise EnvironmentRefusedError(
        f"Lineside needs Python 3.11 or newer, and this is {sys.version.split()[0]}: install a "
        "newer one, or name it with make PYTHON=/path/to/python3."
    )


def is_new_enough(python: str) -> bool:
    """Tell whether this Python starts at all (a version manager's shim may not) and is new."""
    question = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([python, "-c", question], capture_output=True).returncode == 0
    except OSError:
        return False


def covers(wanted: str) -> bool:
    """Tell whether `.venv` is whole, of today's locks, still at its place, and starts."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    finished = stamp in [stamp_of(kind) for kind in {wanted, "dev"}]
    return finished and is_new_enough(str(PYTHON)) and has_all_its_files()


def has_all_its_files() -> bool:
    """Tell whether every module that was installed is still there."""
    question = (
        "import sys; from importlib.metadata import distributions; "
        "sys.exit(not all(file.locate().exists() for one in distributions() "
        "for file in one.files or () if file.suffix in {'.py', '.so'}))"
    )
    return subprocess.run([str(PYTHON), "-c", question], capture_output=True).returncode == 0


def stamp_of(kind: str) -> "dict[str, object]":
    """Describe what a finished `.venv` for this kind of use was made from."""
    digests = {name: hashlib.sha256(lock.read_bytes()).hexdigest() for name, lock in LOCKS.items()}
    # Scripts in a virtual environment carry its path, so a moved checkout needs a new one.
    return {"for": kind, "at": str(VENV), "locks": digests}


def build(wanted: str) -> None:
    """Make `.venv` from nothing, except that a whole one for running is only added to."""
    check_that_environments_can_be_made()
    if covers("runtime"):
        STAMP.unlink()
    else:
        say("Making the Python environment in .venv ...")
        remove_what_was_left()
        run([sys.executable, "-m", "venv", str(VENV)], "The environment in .venv cannot be made.")
    say(f"Installing the packages of {LOCKS[wanted].name} ...")
    install(LOCKS[wanted])
    STAMP.write_text(json.dumps(stamp_of(wanted)))


def check_that_environments_can_be_made() -> None:
    """Refuse early where the distribution ships Python without its `venv` half."""
    if all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        return
    raise EnvironmentRefusedError(
        f"The Python at {sys.executable} comes without the venv module: on Debian or Ubuntu, "
        "install it with `apt install python3-venv`, then run the same command again."
    )


def remove_what_was_left() -> None:
    """Clear the place for a new environment: a folder, a file or a dangling link."""
    try:
        if VENV.is_dir() and not VENV.is_symlink():
            shutil.rmtree(VENV)
        elif VENV.exists() or VENV.is_symlink():
            VENV.unlink()
    except OSError as refusal:
        raise EnvironmentRefusedError(
            f"The old .venv cannot be removed ({refusal}): remove it by hand, then run the same "
            "command again."
        ) from None


def install(lock: Path) -> None:
    """Install what the lock names and nothing else, each file checked against its hash."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(
        [*pip, "--no-deps", "--require-hashes", "--retries", "2", "-r", str(lock)],
        "The packages cannot be installed; can the package index be reached from here?",
    )


def run(command: "list[str]", refusal: str) -> None:
    """Run a step in silence; when it fails, its own error line follows the sentence."""
    # A user-wide pip setting would install beside the environment instead of into it.
    surroundings = dict(os.environ, PIP_USER="0")
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    if done.returncode == 0:
        return
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
    raise EnvironmentRefusedError(
        f"{refusal} When that is mended, run the same command again. " + " ".join(errors)[:600]
    )


def say(line: str) -> None:
    """Tell the person what takes so long."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except EnvironmentRefusedError as sentence:
        sys.exit(str(sentence))
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on from here.")
