"""The documentation says what the code says."""

import re
from pathlib import Path

import pytest

from deployments.states import GATE_LOOKS, STAGE_LOOKS, STATE_LOOKS, VERBS, Stage, allowed

ROOT = Path(__file__).resolve().parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_between(name: str, mark: str) -> list[list[str]]:
    """The cells of the table between <!-- mark --> and <!-- /mark -->."""
    _, _, rest = text_of(name).partition(f"<!-- {mark} -->")
    table, _, _ = rest.partition(f"<!-- /{mark} -->")
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_setting_has_its_line():
    used = set(re.findall(r'"(LINESIDE_[A-Z_]+)"', text_of("config/settings.py")))
    described = set(re.findall(r"`(LINESIDE_[A-Z_]+)`", text_of("docs/settings.md")))
    assert used == described


def test_the_table_of_stages_is_the_one_in_the_code():
    waiting = [(Stage.GATE, gate, look) for gate, look in GATE_LOOKS.items()]
    rows = []
    for stage, look in STAGE_LOOKS.items():
        rows += waiting if stage is Stage.GATE else [(stage, None, look)]
    expected = [
        [look.mark, look.words, ", ".join(VERBS[one].words for one in allowed(stage, gate))]
        for stage, gate, look in rows
    ]
    assert rows_between("docs/first-deployment.md", "stages") == expected


def test_the_table_of_states_is_the_one_in_the_code():
    expected = [[look.mark, look.words] for look in STATE_LOOKS.values()]
    assert rows_between("docs/first-deployment.md", "states") == expected


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
