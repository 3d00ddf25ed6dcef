"""What a whole run must show in CI, and what each test process needs before Django wakes up.

In CI no test may be skipped but those that need the material beside the checkout, no run may have
fewer tests than the one before it, and nothing may be left in the checkout. The rules fail the run
from inside, so that the closing line stays pytest's own.
"""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which one run tells its number of tests to the next."""
    parser.addoption("--counts", type=Path, help="file that holds the fewest tests a run may have")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Give each test process a Redis of its own, before the settings are read."""
    servers = os.environ.get("LINESIDE_TEST_REDIS_URL", "").split()
    if servers:
        number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        os.environ["LINESIDE_REDIS_URL"] = servers[number % len(servers)]
    yield


def pytest_configure(config: pytest.Config) -> None:
    """Watch the run, once for all its processes."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RunRules(config), "lineside-run-rules")


class RunRules:
    """Counts what ran and what was skipped, and says what is wrong with that at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.counts: Path | None = config.getoption("--counts")
        self.root = config.rootpath
        self.ran: set[str] = set()
        self.skipped: set[str] = set()
        self.skipped_without_material: set[str] = set()
        self.complaints: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the test, and whether and why it was skipped."""
        self.ran.add(report.nodeid)
        # An expected failure reports itself as skipped too.
        if report.skipped and not hasattr(report, "wasxfail"):
            excused = "needs_shared" in report.keywords
            (self.skipped_without_material if excused else self.skipped).add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a whole file that skipped itself."""
        if report.skipped:
            self.skipped.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that passed but broke a rule."""
        self.complaints = [*self.too_few(), *self.not_excused(), *self.left_behind()]
        if self.complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many tests needed the material beside the checkout, and what is wrong."""
        number = len(self.skipped_without_material)
        terminalreporter.write_line(f"needs_shared: {number} skipped, {len(self.ran)} tests in all")
        for complaint in self.complaints:
            terminalreporter.write_line(complaint, red=True)

    def too_few(self) -> list[str]:
        """Compare with the run before, or be the one that the next is compared with."""
        if self.counts is None:
            return []
        if not self.counts.exists():
            self.counts.write_text(str(len(self.ran)))
        fewest = int(self.counts.read_text())
        if len(self.ran) >= fewest:
            return []
        return [f"This run had {len(self.ran)} tests, and the one before it had {fewest}."]

    def not_excused(self) -> list[str]:
        """Name the tests that CI may not skip."""
        if not IN_CI:
            return []
        return [f"{name} was skipped, which CI does not allow." for name in sorted(self.skipped)]

    def left_behind(self) -> list[str]:
        """Name what the tests wrote into the checkout; a person's own edits are no offence."""
        if not IN_CI or not (self.root / ".git").exists():
            return []
        status = ["git", "status", "--porcelain"]
        done = subprocess.run(status, check=True, cwd=self.root, capture_output=True, text=True)
        return [f"Left in the checkout: {line}" for line in done.stdout.splitlines()]
