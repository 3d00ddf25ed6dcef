"""What a version did before on the devices it is meant for: where it had to be rolled back."""

from django.db.models import QuerySet

from applications.models import ApplicationVersion
from deployments.models import Revision
from devices.models import Device


def sentences(devices: QuerySet[Device], version: ApplicationVersion) -> list[str]:
    """A warning if the version was rolled back on some of these devices, by hand or by itself."""
    number = rolled_back_on(devices, version)
    return [f"{version} was rolled back on {number} of these devices."] if number else []


def rolled_back_on(devices: QuerySet[Device], version: ApplicationVersion) -> int:
    """On how many of these devices the version is known to be bad."""
    bad = Revision.objects.filter(
        version=version, workload__device__in=devices.order_by().values("pk")
    ).exclude(bad_at=None)
    return bad.order_by().values("workload__device").distinct().count()
