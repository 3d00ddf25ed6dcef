"""Who is in a group, asked from both sides."""

import pytest

from devices.groups import groups_of, members_of, sizes
from devices.models import Device, DeviceGroup
from tests.deployments import plant

pytestmark = pytest.mark.django_db


def a_group(name: str, selector: str = "") -> DeviceGroup:
    return DeviceGroup.objects.create(name=name, selector=selector, created_at=plant.NOON)


def test_a_device_knows_the_groups_that_know_it(django_assert_num_queries):
    berlin, lyon = plant.a_device(site="berlin", line=1), plant.a_device(site="lyon")
    groups = [
        a_group("By label", "site=berlin"),
        a_group("By two labels", "site=berlin, line in (1, 2)"),
        a_group("By absence", "!line"),
        a_group("By hand"),
        a_group("Nobody"),
    ]
    groups[3].members.add(lyon)
    for device in (berlin, lyon):
        expected = [group.name for group in sorted(groups, key=str) if device in members_of(group)]
        with django_assert_num_queries(2):
            found = [group.name for group in groups_of(device)]
        assert found == expected
        assert len(found) == 2


def test_the_sizes_of_all_groups_are_one_query_and_leave_out_who_left(django_assert_num_queries):
    plant.a_device(site="berlin")
    gone, lyon = plant.a_device(site="berlin"), plant.a_device(site="lyon")
    groups = [a_group("By label", "site=berlin"), a_group("Not there", "site!=berlin, !line")]
    groups += [a_group("Both ways", "site=berlin"), a_group("Nobody")]
    groups[2].members.add(lyon, gone)
    Device.objects.filter(pk=gone.pk).update(removed_at=plant.NOON)
    with django_assert_num_queries(1):
        found = sizes(groups)
    assert found == {group.pk: members_of(group).count() for group in groups}
    assert list(found.values()) == [1, 1, 2, 0]
    assert sizes([]) == {}
