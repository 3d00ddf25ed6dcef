"""Breaks the engine on purpose, one patch after the other, and names the test that notices.

`python -m tests.mutants [NAME…]`. Each patch in this folder begins with a sentence about what it
breaks and a line "Killed by: " with the test that must fail. A patch that no longer applies, a
test that fails without its patch and one that passes with it are all errors.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KILLED_BY = "Killed by: "
#: What pytest answers when tests ran and some failed; everything else is no verdict.
TESTS_FAILED = 1
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch, what it breaks, and the test that must notice."""

    path: Path
    breaks: str
    test: str

    @property
    def name(self) -> str:
        """As it is called on the command line."""
        return self.path.stem


def read(path: Path) -> Mutant:
    """The mutant in a patch file; raises ValueError for one that does not name its test."""
    lines = path.read_text().splitlines()
    tests = [line.removeprefix(KILLED_BY) for line in lines if line.startswith(KILLED_BY)]
    if len(tests) != 1 or not lines[0].strip():
        message = f"{path.name} must begin with a sentence and name one test: {KILLED_BY}…"
        raise ValueError(message)
    return Mutant(path, lines[0].strip(), tests[0].strip())


def copy_of_the_tree(place: Path) -> Path:
    """The files of the checkout, as they are, in a folder of their own."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (source := ROOT / name).is_file():
            target = place / "tree" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return place / "tree"


def pytest(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Runs these tests in the copy, with data of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")}
    with tempfile.TemporaryDirectory(prefix="lineside-mutant-") as data:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
        return subprocess.run(
            command,
            cwd=tree,
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**clean, "LINESIDE_DATA_DIR": data, "PYTHONPATH": str(tree)},
        )


def apply(tree: Path, mutant: Mutant, *, reverse: bool = False) -> None:
    """Puts the patch into the copy, or takes it out; raises CalledProcessError."""
    command = ["git", "apply", *(["--reverse"] if reverse else []), str(mutant.path)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)


def verdict(tree: Path, mutant: Mutant) -> str:
    """Why the mutant is not killed as promised; empty when it is."""
    try:
        apply(tree, mutant)
    except subprocess.CalledProcessError as error:
        return f"the patch does not apply: {error.stderr.strip()}"
    try:
        ran = pytest(tree, mutant.test)
    except subprocess.TimeoutExpired:
        return f"no verdict within {SECONDS} s"
    finally:
        apply(tree, mutant, reverse=True)
    if ran.returncode == TESTS_FAILED:
        return ""
    return f"survived (pytest answered {ran.returncode}): {ran.stdout.strip()[-500:]}"


def hunt(mutants: list[Mutant], trees: list[Path]) -> list[tuple[Mutant, str]]:
    """The verdict on each mutant, as many at a time as there are copies of the tree."""
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def judge(mutant: Mutant) -> tuple[Mutant, str]:
        tree = free.get()
        try:
            return mutant, verdict(tree, mutant)
        finally:
            free.put(tree)

    with ThreadPoolExecutor(len(trees)) as threads:
        return list(threads.map(judge, mutants))


def main(names: list[str]) -> int:
    """Kill every mutant, or those named; answers 1 when one lives."""
    mutants = [read(path) for path in sorted(HERE.glob("*.patch"))]
    mutants = [one for one in mutants if not names or one.name in names]
    with tempfile.TemporaryDirectory(prefix="lineside-mutants-") as place:
        copies = min(2, os.cpu_count() or 1)
        trees = [copy_of_the_tree(Path(place) / str(number)) for number in range(copies)]
        sound = pytest(trees[0], *sorted({one.test for one in mutants}))
        if sound.returncode:
            say(f"The tests fail without any mutant:\n{sound.stdout[-3000:]}")
            return 1
        verdicts = hunt(mutants, trees)
    for mutant, why in verdicts:
        say(f"{'ALIVE ' if why else 'killed'}  {mutant.name}: {mutant.breaks}")
        say(f"        {why or mutant.test}")
    alive = sum(bool(why) for _, why in verdicts)
    say(f"{len(verdicts) - alive} of {len(verdicts)} mutants killed.")
    return 1 if alive or not verdicts else 0


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
