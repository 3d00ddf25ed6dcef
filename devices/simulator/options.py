"""What a fleet can be told to do: on the command line, or in the fleet's own fleet.json."""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from devices.simulator import misbehaviour
from devices.simulator.device import Pace
from devices.simulator.flags import add_flags, to_arguments
from devices.simulator.misbehaviour import Misbehaviour
from devices.simulator.profiles import Mix
from devices.simulator.reports import Style
from devices.simulator.wire import Endpoint


class OptionsError(ValueError):
    """The fleet was told something that has no meaning; the text says what."""


@dataclass(frozen=True)
class Options:
    """Everything that a fleet can be told."""

    fleet: Path
    endpoint: Endpoint = Endpoint("127.0.0.1", 8443)
    poll_seconds: float = 2.0
    devices: int | None = None
    devices_per_client: int = 1
    keep_alive: bool = True
    report_styles: Sequence[Style] = (Style.NUMBER,)
    fetch: str = "auto"
    bundle_threshold: int = 1
    pace: Pace = Pace(1.0, 2.0)
    mix: Mix = field(default_factory=Mix)
    wrong: Misbehaviour = field(default_factory=Misbehaviour)
    seed: int = 1
    connects: int = 64
    duration_seconds: float | None = None
    with_parent: int | None = None
    quiet: bool = False


_PLAIN = {
    "poll_seconds",
    "devices",
    "devices_per_client",
    "fetch",
    "bundle_threshold",
    "seed",
    "connects",
    "duration_seconds",
    "with_parent",
    "quiet",
}


def read_options(arguments: Sequence[str]) -> Options:
    """The options of a command line; what it leaves open is taken from `<fleet>/fleet.json`.

    Exits as argparse does for an unknown flag. Raises OptionsError or MisbehaviourError.
    """
    parser = argparse.ArgumentParser(prog="devices.simulator", description=__doc__)
    parser.add_argument("--fleet", type=Path, required=True, help="folder with the clients")
    add_flags(parser)
    fleet = parser.parse_args(arguments).fleet
    given = parser.parse_args([*to_arguments(_from_file(fleet)), *arguments])
    return _checked(_options(given))


def _from_file(fleet: Path) -> dict[str, object]:
    path = fleet / "fleet.json"
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OptionsError(f"{path} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise OptionsError(f"{path} is not a JSON object.")
    return values


def _options(given: argparse.Namespace) -> Options:
    told = vars(given)
    plain = {name: told[name] for name in told if name in _PLAIN}
    options = replace(
        Options(given.fleet),
        **plain,
        mix=_mix(told),
        wrong=_wrong(told),
        pace=Pace(told.get("download_seconds", 1.0), told.get("install_seconds", 2.0)),
        keep_alive=told.get("connection") != "close",
    )
    if "url" in told:
        options = replace(options, endpoint=_endpoint(told["url"]))
    if "report_style" in told:
        options = replace(options, report_styles=_styles(told["report_style"]))
    return options


def _mix(told: Mapping[str, str | list[str]]) -> Mix:
    def listed(name: str, otherwise: Sequence[str]) -> Sequence[str]:
        words = told.get(name)
        return words.split(",") if isinstance(words, str) else otherwise

    usual = Mix()
    return Mix(
        architectures=listed("architectures", usual.architectures),
        cores=listed("cores", usual.cores),
        memory=listed("memory", usual.memory),
        storage=listed("storage", usual.storage),
        deployment_types=listed("deployment_types", usual.deployment_types),
        peripherals=listed("peripherals", usual.peripherals),
        labels={**usual.labels, **dict(map(_label, told.get("label", ())))},
    )


def _label(text: str) -> tuple[str, list[str]]:
    key, _, values = text.partition("=")
    if not key or not values:
        raise OptionsError(f"The label {text!r} is not written key=value,value.")
    return key, values.split(",")


def _wrong(told: Mapping[str, str]) -> Misbehaviour:
    def fraction(name: str) -> float:
        return misbehaviour.parse_fraction(told.get(name, "0"))

    return Misbehaviour(
        fail=[misbehaviour.parse_fail(text) for text in told.get("fail", ())],
        slow=misbehaviour.parse_span(told.get("slow", "0"), 5.0),
        offline=misbehaviour.parse_span(told.get("offline", "0"), 10.0, 30.0),
        drift=misbehaviour.parse_span(told.get("drift", "0"), 10.0),
        duplicate=fraction("duplicate"),
        out_of_order=fraction("out_of_order"),
        stale=fraction("stale"),
        silent=fraction("silent"),
        drift_state=told.get("drift_state", "failed"),
    )


def _endpoint(url: str) -> Endpoint:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        raise OptionsError(f"{url!r} is not a URL: {error}.") from error
    if parts.scheme != "https" or not host or parts.path.strip("/"):
        raise OptionsError(f"{url!r} is not of the form https://host:port.")
    return Endpoint(host, port)


def _styles(words: str) -> list[Style]:
    try:
        return [Style(word) for word in words.split(",")]
    except ValueError as error:
        raise OptionsError(f"{words!r} is not a list of number, string and absent.") from error


def _checked(options: Options) -> Options:
    waits = (options.pace.download_seconds, options.pace.install_seconds)
    if not all(0 <= seconds < math.inf for seconds in waits):
        raise OptionsError("A device cannot take less than no time.")
    if not 0.01 <= options.poll_seconds < math.inf:
        raise OptionsError("Clients must wait at least 0.01 seconds between two polls.")
    counts = (options.devices_per_client, options.connects, options.devices or 1)
    if min(counts) < 1 or options.bundle_threshold < 0:
        raise OptionsError("The numbers of devices and of connections must be at least 1.")
    return options
