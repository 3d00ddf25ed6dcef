"""The capabilities that simulated devices report about themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devices.simulator.misbehaviour import chance


@dataclass(frozen=True)
class Mix:
    """The kinds of hardware in the fleet; each device takes one of every list.

    An entry of `deployment_types` may join several types with `+`. `peripherals` are
    `none` or a peripheral's type.
    """

    architectures: Sequence[str] = ("amd64", "amd64", "arm64")
    cores: Sequence[str] = ("4", "8")
    memory: Sequence[str] = ("8Gi", "16Gi")
    storage: Sequence[str] = ("64Gi", "256Gi")
    deployment_types: Sequence[str] = ("compose+helm",)
    peripherals: Sequence[str] = ("none", "gpu", "camera")
    labels: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {
            "site": ("north", "south", "west"),
            "line": ("line-1", "line-2", "line-3", "line-4"),
            "ring": ("canary", "early", "broad", "broad", "broad"),
        }
    )


def devices_of(client_id: str, children: int) -> list[str]:
    """The device ids of a client in the order in which they must be reported.

    Without children the client is the one device; else it is a gateway, which comes first.
    """
    return [client_id, *(f"{client_id}/child-{number}" for number in range(1, children + 1))]


def capabilities(device: str, mix: Mix, seed: int, *, hosts: bool) -> dict[str, object]:
    """The capabilities document of a device (Margo: device capabilities).

    A see-thru gateway that does not host anything leaves out all that speaks of hosting.
    """

    def pick(what: str, choices: Sequence[str]) -> str:
        return choices[int(chance(seed, what, device) * len(choices))]

    properties: dict[str, object] = {
        "id": device,
        "vendor": "Northwind Automation",
        "modelNumber": pick("model", ("NX-200", "NX-400")) if hosts else "NX-GW",
        "serialNumber": f"SN-{int(chance(seed, 'serial', device) * 10**10):010}",
    }
    labels = {key: pick(f"label {key}", values) for key, values in mix.labels.items()}
    if hosts:
        properties |= {
            "cpus": [
                {
                    "cores": float(pick("cores", mix.cores)),
                    "architecture": pick("architecture", mix.architectures),
                }
            ],
            "memory": pick("memory", mix.memory),
            "storage": pick("storage", mix.storage),
            "interfaces": [{"type": "ethernet"}],
            "otelCollector": True,
            "supportedRuntimes": ["oci"],
            "supportedDeploymentTypes": pick("types", mix.deployment_types).split("+"),
        }
        kind = pick("peripherals", mix.peripherals)
        if kind != "none":
            properties["peripherals"] = [{"type": kind, "manufacturer": "Northwind Automation"}]
    return {"properties": properties, "labels": labels}
