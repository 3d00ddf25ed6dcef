"""The wizard's step Devices: ticks, groups, labels and lists add up; who does not fit is named."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments.models import Deployment
from devices.models import DeviceGroup
from tests.deployments import plant
from tests.deployments.wizard import draft_at, step_url, stored, text_of

pytestmark = pytest.mark.django_db


def test_ticks_on_other_pages_are_kept_when_one_page_is_saved(browser):
    first, second, third = (plant.a_device() for _ in range(3))
    draft = draft_at(2, [first, second])
    browser.post(step_url(draft, 2), {"shown": [second.pk, third.pk], "ids": third.pk})
    assert stored(draft).targeting["ids"] == [first.pk, third.pk]


def test_all_that_match_a_search_are_ticked_at_once(browser):
    wanted = [plant.a_device(path=f"press-{number}") for number in range(30)]
    other = plant.a_device(path="mixer")
    draft = draft_at(2, [other])
    answer = browser.post(step_url(draft, 2), {"q": "press", "go": "all"})
    assert sorted(stored(draft).targeting["ids"]) == sorted(
        device.pk for device in [*wanted, other]
    )
    assert "q=press" in answer.url
    browser.post(step_url(draft, 2), {"q": "press", "go": "none"})
    assert stored(draft).targeting["ids"] == [other.pk]


def test_groups_labels_and_ticks_add_up(browser):
    by_hand, by_group = plant.a_device(), plant.a_device()
    plant.a_device(site="berlin")
    group = DeviceGroup.objects.create(name="Line 4", created_at=plant.NOON)
    group.members.add(by_group)
    draft = draft_at(2)
    form = {
        "shown": [by_hand.pk],
        "ids": [by_hand.pk],
        "groups": [group.pk],
        "labels": "site=berlin",
        "go": "update",
    }
    answer = browser.post(step_url(draft, 2), form)
    text = browser.get(answer.url).content.decode()
    assert "<strong>3</strong> devices chosen" in text
    assert "3 can run it" in text


def test_who_does_not_fit_is_named_with_the_reason_and_can_be_left_out(browser):
    good, small = plant.a_device(), plant.a_device(path="tiny", memory="512Mi")
    draft = draft_at(2, [good, small])
    text = browser.get(step_url(draft, 2)).content.decode()
    assert "1 cannot, and will be skipped" in text
    assert "needs 1 GiB of memory, the device reports 512 MiB" in text
    form = {"shown": [good.pk, small.pk], "ids": [good.pk, small.pk], "go": "without-misfits"}
    browser.post(step_url(draft, 2), form)
    assert stored(draft).targeting["excluded"] == [small.pk]
    browser.post(step_url(draft, 2), {**form, "go": "without-nobody"})
    assert stored(draft).targeting["excluded"] == []


def test_who_is_busy_is_named_with_the_deployment_and_can_be_left_out(browser):
    version, busy, free = plant.a_version(), plant.a_device(), plant.a_device()
    plant.a_rollout([busy], version)
    draft = draft_at(2, [busy, free], version)
    text = browser.get(step_url(draft, 2)).content.decode()
    assert "1 busy with another deployment" in text
    form = {"shown": [busy.pk, free.pk], "ids": [busy.pk, free.pk], "go": "without-busy"}
    browser.post(step_url(draft, 2), form)
    assert stored(draft).targeting["excluded"] == [busy.pk]


def test_leaving_busy_ones_out_spares_a_device_of_the_same_name(browser):
    version = plant.a_version()
    busy = plant.a_device(plant.a_client("one"), "pump")
    namesake = plant.a_device(plant.a_client("two"), "pump")
    plant.a_rollout([busy], version)
    draft = draft_at(2, [busy, namesake], version)
    form = {"shown": [busy.pk], "ids": [busy.pk], "go": "without-busy"}
    browser.post(step_url(draft, 2), form)
    assert stored(draft).targeting["excluded"] == [busy.pk]


@pytest.mark.parametrize("labels", ["site=(", "a," * 1100], ids=["unreadable", "too long"])
def test_a_label_expression_that_cannot_be_read_is_told_beside_it_and_nothing_is_lost(
    browser, labels
):
    device = plant.a_device()
    draft = draft_at(2)
    form = {"shown": device.pk, "ids": device.pk, "labels": labels, "go": "next"}
    page = browser.post(step_url(draft, 2), form)
    text = text_of(page)
    assert page.context["failed"]
    assert 'id="labels-error"' in text
    assert f'value="{labels}"' in text
    assert f'id="device-{device.pk}" checked' in text
    assert stored(draft).targeting == {"ids": []}


def test_no_device_at_all_does_not_lead_on(browser):
    draft = draft_at(2)
    page = browser.post(step_url(draft, 2), {"go": "next"})
    assert page.context["failed"]
    assert "Choose at least one device" in page.content.decode()
    assert browser.post(step_url(draft, 2), {"go": "back"}).url == step_url(draft, 1)


def test_the_live_count_judges_an_unsaved_form_and_saves_nothing(browser):
    device = plant.a_device()
    draft = draft_at(2)
    url = reverse("admin:deployments_deployment_fit", args=[draft.pk])
    seen = browser.post(url, {"shown": device.pk, "ids": device.pk}).json()
    assert seen["total"] == 1
    assert "1 can run it" in seen["html"]
    assert stored(draft).targeting == {"ids": []}


def test_the_devices_step_costs_the_same_for_more_devices(browser):
    version = plant.a_version()
    draft = draft_at(2, [plant.a_device(), plant.a_device()], version)
    counts = []
    for more in (0, 20):
        devices = [plant.a_device() for _ in range(more)]
        Deployment.objects.filter(pk=draft.pk).update(
            targeting={"ids": [*stored(draft).targeting["ids"], *(one.pk for one in devices)]}
        )
        with CaptureQueriesContext(connection) as seen:
            browser.get(step_url(draft, 2))
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_pasted_list_ticks_its_devices_and_names_those_nobody_knows(browser):
    known = [plant.a_device() for _ in range(4)]
    draft = draft_at(2, known[:1])
    pasted = f"{known[3].path}, {known[1].path};<b>\r\n\t{known[3].path}\nghost"
    answer = browser.post(
        step_url(draft, 2),
        {"go": "paste", "pasted": pasted, "shown": [known[0].pk], "ids": [known[0].pk]},
        follow=True,
    )
    ids = [known[0].pk, known[3].pk, known[1].pk]
    assert stored(draft).targeting["ids"] == ids
    assert "Ticked 2 devices of the list." in text_of(answer)
    assert "There is no such device: &lt;b&gt;, ghost." in text_of(answer)


def test_a_pasted_id_means_the_devices_of_all_clients_that_have_it(browser):
    here, there = (plant.a_device(path="press/1") for _ in range(2))
    draft = draft_at(2)
    browser.post(step_url(draft, 2), {"go": "paste", "pasted": "press/1"})
    assert set(stored(draft).targeting["ids"]) == {here.pk, there.pk}


def test_an_empty_list_is_refused_with_a_sentence(browser):
    plant.a_device()
    answer = browser.post(step_url(draft_at(2), 2), {"go": "paste", "pasted": " , "}, follow=True)
    assert "The list is empty" in text_of(answer)
