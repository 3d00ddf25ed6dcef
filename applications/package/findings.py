"""What is wrong with a package: findings that name line and field, collected while reading."""

from collections.abc import Iterable
from dataclasses import dataclass

# A hostile file could make a finding of every line; a person reads the first few.
MOST_FINDINGS = 100


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to say about a package; `line` counts from 1, `field` is a path or empty."""

    line: int
    field: str
    sentence: str

    def __str__(self) -> str:
        place = f"Line {self.line}, {self.field}" if self.field else f"Line {self.line}"
        return f"{place}: {self.sentence}"

    def as_data(self) -> dict[str, object]:
        return {"line": self.line, "field": self.field, "sentence": self.sentence}


class PackageError(ValueError):
    """The package cannot be imported; `findings` has every reason, in the order of the file."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__(_summary(self.findings))


def _summary(findings: tuple[Finding, ...]) -> str:
    first, *others = findings
    if not others:
        return str(first)
    problems = "problem" if len(others) == 1 else "problems"
    return f"{str(first).removesuffix('.')} (and {len(others)} more {problems})."


class Findings:
    """Collects errors and warnings; `lenient` while an older envelope is read.

    The older envelopes were written before today's rules, so what merely breaks a rule of today is
    a warning there, as long as the package can still be deployed.
    """

    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.lenient = False

    def error(self, line: int, field: str, sentence: str) -> None:
        _add(self.errors, Finding(line, field, sentence))

    def warn(self, line: int, field: str, sentence: str) -> None:
        _add(self.warnings, Finding(line, field, sentence))

    def breach(self, line: int, field: str, sentence: str) -> None:
        """A broken rule: an error in a `v1` package, a warning in an older one."""
        (self.warn if self.lenient else self.error)(line, field, sentence)

    def refuse_errors(self) -> None:
        """Raises PackageError when there is an error."""
        if self.errors:
            raise PackageError(self.errors)


def _add(findings: list[Finding], finding: Finding) -> None:
    if len(findings) < MOST_FINDINGS:
        findings.append(finding)
