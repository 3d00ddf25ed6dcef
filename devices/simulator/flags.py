"""The flags of the simulator: one table for its own command line, fleet.json and other programs."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class _Flag:
    kind: type[int] | type[float] | type[str] | type[bool]
    words: str
    choices: tuple[str, ...] | None = None
    repeated: bool = False


_FLAGS = {
    "url": _Flag(str, "base URL of the device interface (https://127.0.0.1:8443)"),
    "poll-seconds": _Flag(float, "seconds between two polls of a client (2), give or take 20 %%"),
    "devices": _Flag(int, "how many devices (as many as there are clients)"),
    "devices-per-client": _Flag(int, "1: a client is a device; more: it is a gateway (1)"),
    "connection": _Flag(
        str,
        "keep the connection or close it after each request (keep-alive)",
        ("keep-alive", "close"),
    ),
    "report-style": _Flag(str, "comma list of number, string, absent: how versions are told"),
    "fetch": _Flag(
        str,
        "how content is fetched (auto: a bundle for more than the threshold)",
        ("auto", "bundle", "documents"),
    ),
    "bundle-threshold": _Flag(int, "with more changes than this, auto takes the bundle (1)"),
    "download-seconds": _Flag(float, "seconds that a download takes (1)"),
    "install-seconds": _Flag(float, "seconds that an installation takes (2)"),
    "architectures": _Flag(str, "comma list that devices draw from"),
    "cores": _Flag(str, "comma list that devices draw from"),
    "memory": _Flag(str, "comma list that devices draw from, such as 8Gi,16Gi"),
    "storage": _Flag(str, "comma list that devices draw from, such as 64Gi"),
    "deployment-types": _Flag(str, "comma list such as compose,helm,compose+helm"),
    "peripherals": _Flag(str, "comma list such as none,gpu,camera"),
    "label": _Flag(str, "key=value,value…: a label that devices draw from", repeated=True),
    "seed": _Flag(int, "what all chance depends on (1)"),
    "connects": _Flag(int, "how many clients may connect at the same time (64)"),
    "duration-seconds": _Flag(float, "stop by itself after so long"),
    "with-parent": _Flag(int, "PID: stop when this program, which started the fleet, dies"),
    "quiet": _Flag(bool, "print no summary"),
    "fail": _Flag(
        str, "RATE, or revision=R:RATE, version=V:RATE, application=ID:RATE", repeated=True
    ),
    "slow": _Flag(str, "FRACTION[:FACTOR] of the devices are slower (5 times)"),
    "offline": _Flag(str, "FRACTION[:FROM[:FOR]] of the clients are away (from 10 for 30 seconds)"),
    "duplicate": _Flag(str, "FRACTION of the work is reported twice"),
    "out-of-order": _Flag(str, "FRACTION of the work reports installed before installing"),
    "stale": _Flag(str, "FRACTION of the work first sends a report of an older version"),
    "drift": _Flag(str, "FRACTION[:AFTER] of what is installed breaks later (after 10 seconds)"),
    "drift-state": _Flag(str, "what a drifted device reports", ("failed", "removed")),
    "silent": _Flag(str, "FRACTION of the devices never report"),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Give a parser every flag of the simulator but the fleet's folder."""
    for name, flag in _FLAGS.items():
        if flag.kind is bool:
            parser.add_argument(
                f"--{name}", action="store_true", default=argparse.SUPPRESS, help=flag.words
            )
        else:
            parser.add_argument(
                f"--{name}",
                type=flag.kind,
                choices=flag.choices,
                action="append" if flag.repeated else "store",
                default=argparse.SUPPRESS,
                help=flag.words,
            )


def to_arguments(values: Mapping[str, object]) -> list[str]:
    """The command line that says what `values` (by flag name, with _ or -) say; others are left."""
    by_name = {name.replace("_", "-"): value for name, value in values.items()}
    return [word for name in _FLAGS if name in by_name for word in _words(name, by_name[name])]


def _words(name: str, value: object) -> Iterator[str]:
    if _FLAGS[name].kind is bool:
        yield from [f"--{name}"] if value else []
    else:
        for each in value if isinstance(value, list) else [value]:
            yield f"--{name}={each}"
