"""The plant in which every world begins: packages, people, clients and their devices."""

from dataclasses import dataclass

from accounts.models import User
from applications.models import ApplicationVersion
from devices.models import Client, Device
from tests.deployments import plant
from tests.simulation.fleet import Edge, Unit

APPS = ("mixer", "pump")
NUMBERS = ("1.0.0", "2.0.0", "3.0.0")
#: The devices behind each client; two clients are gateways with devices behind them.
PATHS = (("hall", "hall/a", "hall/b"), ("press",), ("oven",), ("saw",), ("crane", "crane/lamp"))


@dataclass(frozen=True)
class Plant:
    """What all worlds share; each begins with fresh copies of its edges."""

    versions: dict[tuple[str, str], ApplicationVersion]
    people: list[User]
    clients: list[Client]
    devices: list[Device]

    def renew(self) -> None:
        """What a world changed on the shared rows in memory is as in the database again."""
        for version in self.versions.values():
            version.state = version.State.AVAILABLE

    def edges(self) -> list[Edge]:
        """The modelled side of the clients."""
        numbers = iter(range(len(self.devices)))
        return [
            Edge(index, client.name, [Unit(next(numbers), path) for path in paths])
            for index, (client, paths) in enumerate(zip(self.clients, PATHS, strict=True))
        ]


def build() -> Plant:
    """Makes the rows; call it in a transaction that is thrown away."""
    clients = [plant.a_client(f"client-{index}") for index in range(len(PATHS))]
    devices = [
        _a_device(client, path, index)
        for index, (client, paths) in enumerate(zip(clients, PATHS, strict=True))
        for path in paths
    ]
    return Plant(
        versions={
            (app, number): plant.a_version(number, app_id=app) for app in APPS for number in NUMBERS
        },
        people=[User.objects.create(username=name) for name in ("ada", "grace")],
        clients=clients,
        devices=devices,
    )


def _a_device(client: Client, path: str, index: int) -> Device:
    # The lamp is too small for everything.
    memory = "512Mi" if path.endswith("lamp") else "4Gi"
    device = plant.a_device(client, path, memory=memory, line=str(1 + index % 3))
    device.properties |= {"vendor": "Example", "modelNumber": "1", "serialNumber": path}
    device.save(update_fields=["properties"])
    return device
