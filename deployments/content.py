"""What the chosen version, profile and parameters come to: values for the devices, and a hash."""

import hashlib
import json
from collections.abc import Mapping

from django.db.models import QuerySet

from applications.models import ApplicationVersion
from applications.parameters import Resolution, resolve
from deployments.models import Deployment, Workload
from devices.models import Device


def resolved(
    version: ApplicationVersion,
    profile_id: str,
    given: Mapping[str, object],
    targets: QuerySet[Device] | None = None,
) -> Resolution:
    """The parameters' values for a profile, and what is wrong with them, by parameter.

    Immutable values are kept as they are installed on `targets`; where those disagree with each
    other, that is a problem too, since one deployment gives all its devices the same values.
    """
    running = _installed(version, targets) if targets is not None else {}
    agreed = {name: values[0] for name, values in running.items() if len(values) == 1}
    profile = version.profile(profile_id) or {}
    resolution = resolve(
        version.parameters, version.sections, version.schemas, profile, given, agreed or None
    )
    for name in _immutable(version):
        if len(running.get(name, [])) > 1 and name in resolution.values:
            resolution.problems[name] = (
                "cannot be changed once it is installed, and these devices run different values"
            )
    return resolution


def content_of(version: ApplicationVersion, profile_id: str, values: Mapping[str, object]) -> str:
    """The hash that tells content from other content, whatever device it is for."""
    essence = [version.digest, profile_id, values]
    text = json.dumps(essence, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _immutable(version: ApplicationVersion) -> list[str]:
    settings = [setting for section in version.sections for setting in section["settings"]]
    return [str(setting["parameter"]) for setting in settings if setting.get("immutable")]


def _installed(version: ApplicationVersion, targets: QuerySet[Device]) -> dict[str, list[object]]:
    """The different values with which the application is installed on these devices, by name."""
    running = Workload.objects.filter(application=version.application, device__in=targets)
    deployments = running.exclude(installed=None).values("installed__deployment").distinct()
    found: dict[str, list[object]] = {}
    for values in Deployment.objects.filter(pk__in=deployments).values_list("resolved", flat=True):
        for name, entry in values.items():
            if entry["value"] not in (seen := found.setdefault(name, [])):
                seen.append(entry["value"])
    return found
