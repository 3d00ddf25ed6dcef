"""Who fits, asked once for each kind of device."""

import pytest
from django.db import transaction

from deployments import targeting
from devices.models import Device
from tests.deployments import plant
from tests.deployments.plant import NOON

pytestmark = pytest.mark.django_db


def test_devices_that_report_the_same_are_judged_once(monkeypatch):
    asked = []
    real = targeting.why_not

    def why_not(*args):
        asked.append(args)
        return real(*args)

    monkeypatch.setattr(targeting, "why_not", why_not)
    same = [plant.a_device(memory=memory) for memory in ("4Gi", "4Gi", "4Gi", "1Ki", "1Ki")]
    version = plant.a_version()
    judged = targeting.judge(Device.objects.all(), version, "compose")
    assert (judged.fitting, [one.device_id for one in judged.misfits], len(asked)) == (
        3,
        [one.pk for one in same[3:]],
        2,
    )


@pytest.mark.parametrize("key", ["/id", "/serialNumber"])
def test_a_rule_about_what_is_a_devices_own_is_asked_of_each(key):
    wanted, other = (plant.a_device(path=path) for path in "ab")
    for device in (wanted, other):
        device.properties["serialNumber"] = device.path
        device.save(update_fields=["properties"])
    assert wanted.kind == other.kind
    rule = {"key": key, "operator": "In", "values": ["a"]}
    version = plant.a_version()
    version.profiles[0]["deviceConstraints"] = {
        "eligibilityRules": [{"propertySelector": {"matchExpressions": [rule]}}]
    }
    judged = targeting.judge(Device.objects.all(), version, "compose")
    assert [one.path for one in judged.misfits] == ["b"]


def test_who_changes_while_the_others_of_its_kind_are_judged_speaks_for_itself_alone():
    made = [plant.a_device(path=path) for path in "abc"]
    version = plant.a_version()
    rows = targeting.standings(Device.objects.all())
    found = []
    for device in made:
        with transaction.atomic():
            small = device.properties | {"memory": "1Ki"}
            Device.objects.filter(pk=device.pk).update(properties=small)
            found.append([one.path for one in targeting.judged(rows, version, "compose").misfits])
            transaction.set_rollback(True)
    # One of them was asked for all; it is noticed, and all are asked. The others are not noticed.
    assert sorted(found)[:2] == [[], []]
    assert sorted(found)[2] in (["a"], ["b"], ["c"])


def test_who_is_away_does_not_fit_and_is_not_asked():
    retired = plant.a_device(plant.a_client("r", state="retired"), memory="1Ki")
    gone = plant.a_device(path="gone")
    Device.objects.filter(pk=gone.pk).update(removed_at=NOON)
    judged = targeting.judge(Device.objects.all(), plant.a_version(), "compose")
    assert {one.path: one.reasons for one in judged.misfits} == {
        retired.path: ["its client is retired, not accepted"],
        "gone": ["was removed by its client"],
    }
