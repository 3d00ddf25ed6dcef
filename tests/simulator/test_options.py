"""Flags, fleet.json, the hardware of a fleet and its journal."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices.simulator.flags import add_flags, to_arguments
from devices.simulator.journal import Journal, installs, read
from devices.simulator.misbehaviour import FailRule, MisbehaviourError
from devices.simulator.options import Options, OptionsError, read_options
from devices.simulator.profiles import Mix, capabilities, devices_of
from devices.simulator.reports import Style
from devices.simulator.state import Memory, StateError
from devices.simulator.wire import Endpoint


def _options(fleet: Path, *flags: str) -> Options:
    return read_options(["--fleet", str(fleet), *flags])


def test_the_command_line_has_the_last_word_over_the_file(tmp_path: Path) -> None:
    words = {"poll_seconds": 9, "seed": 4, "fail": ["0.1"], "quiet": True, "label": ["site=here"]}
    (tmp_path / "fleet.json").write_text(json.dumps(words))
    options = _options(tmp_path, "--poll-seconds=3", "--fail=revision=2:1")
    assert (options.poll_seconds, options.seed, options.quiet) == (3.0, 4, True)
    assert options.wrong.fail == [FailRule(0.1), FailRule(1, "revision", "2")]
    assert options.mix.labels["site"] == ["here"]


def test_what_nobody_says_has_a_default(tmp_path: Path) -> None:
    assert _options(tmp_path) == Options(tmp_path, wrong=_options(tmp_path).wrong)


def test_every_flag_survives_being_handed_on(tmp_path: Path) -> None:
    flags = ["--devices=7", "--fail=0.1", "--fail=version=2:0.5", "--quiet", "--connection=close"]
    parser = argparse.ArgumentParser()
    add_flags(parser)
    handed_on = to_arguments({**vars(parser.parse_args(flags)), "verbosity": 1})
    assert sorted(handed_on) == sorted(flags)


def test_a_url_names_host_and_port(tmp_path: Path) -> None:
    assert _options(tmp_path, "--url=https://wfm.example").endpoint == Endpoint("wfm.example", 443)
    assert _options(tmp_path, "--url=https://[::1]:9/").endpoint == Endpoint("::1", 9)


def test_dialects_can_be_mixed(tmp_path: Path) -> None:
    styles = _options(tmp_path, "--report-style=number,absent").report_styles
    assert styles == [Style.NUMBER, Style.ABSENT]


@pytest.mark.parametrize(
    "flag",
    [
        "--url=http://127.0.0.1",
        "--url=https://host:port",
        "--url=https://host/prefix",
        "--poll-seconds=0",
        "--poll-seconds=nan",
        "--install-seconds=-1",
        "--devices=-1",
        "--devices-per-client=0",
        "--report-style=roman",
        "--label=site",
        "--slow=2",
    ],
)
def test_flags_without_meaning_are_refused_with_a_sentence(tmp_path: Path, flag: str) -> None:
    with pytest.raises((OptionsError, MisbehaviourError), match=r"\.$"):
        _options(tmp_path, flag)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "fleet.json").write_text(text)
    with pytest.raises(OptionsError, match="fleet.json"):
        _options(tmp_path)


def test_a_gateway_comes_before_its_children() -> None:
    assert devices_of("edge-1", 0) == ["edge-1"]
    assert devices_of("edge-1", 2) == ["edge-1", "edge-1/child-1", "edge-1/child-2"]


def test_the_hardware_of_a_fleet_is_mixed_and_stays_the_same() -> None:
    names = [f"edge-{number}" for number in range(100)]
    mix = Mix(deployment_types=("compose", "helm", "compose+helm"))
    first, again = ([capabilities(n, mix, 1, hosts=True) for n in names] for _ in range(2))
    assert first == again
    texts = "".join(map(json.dumps, first))
    for word in ("amd64", "arm64", '["compose", "helm"]', '["helm"]', "gpu", "canary", "north"):
        assert word in texts


def test_the_journal_is_there_at_once_and_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert read(path) == []
    with Journal(path, lambda: at) as journal:
        journal.write("installed", "edge-1", "edge-1", deployment="d", digest="sha256:1", version=2)
        (line,) = installs(path)
    assert (line.at, line.digest, line.version) == ("2026-11-23T12:00:00.000+00:00", "sha256:1", 2)
    path.write_text(path.read_text() + '{"at": "2026')
    with Journal(path, lambda: at) as journal:
        journal.write("failed", "edge-1", reason="why")
    assert [line.event for line in read(path)] == ["installed", "failed"]


def test_a_state_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "edge-1.json"
    path.write_text('{"manifest_version": 1}')
    with pytest.raises(StateError, match=r"edge-1\.json"):
        Memory(path)
