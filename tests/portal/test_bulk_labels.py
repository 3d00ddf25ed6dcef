"""Labels of many devices at once: chosen in the list, seen before they change, done as seen."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from devices import relabelling
from devices.models import Device, DeviceGroup, DeviceLabel
from tests import cast

pytestmark = pytest.mark.django_db

LIST = "/devices/device/"
PAGE = "/devices/device/labels/"
APPLY = re.compile(r'name="apply"\s+value="(\w+)"')


@pytest.fixture
def fleet(db: None) -> dict[str, Device]:
    client = cast.client("plant")
    return {
        "a": cast.device(client, "a", site="berlin", line="1"),
        "b": cast.device(client, "b", site="paris"),
        "c": cast.device(client, "c"),
    }


def text_of(page: object) -> str:
    return " ".join(page.content.decode().split())


def digest_in(page: object) -> str:
    found = APPLY.search(page.content.decode())
    assert found, text_of(page)
    return found[1]


def change(browser: Browser, address: str, how: str, labels: str) -> object:
    wish = {"how": how, "labels": labels}
    seen = browser.post(address, wish)
    return browser.post(address, {**wish, "apply": digest_in(seen)}, follow=True)


def assigned() -> dict[str, object]:
    return dict(Device.objects.values_list("path", "assigned_labels"))


@pytest.mark.parametrize(
    ("how", "labels", "expected"),
    [
        pytest.param(
            "replace",
            "site=rome",
            {
                "a": {"line": "1", "site": ["rome"]},
                "b": {"site": ["rome"]},
                "c": {"site": ["rome"]},
            },
            id="set",
        ),
        pytest.param(
            "add",
            "site=paris",
            {
                "a": {"line": ["1"], "site": ["berlin", "paris"]},
                "b": {"site": "paris"},
                "c": {"site": ["paris"]},
            },
            id="add",
        ),
        pytest.param(
            "remove",
            "site=paris",
            {"a": {"line": "1", "site": "berlin"}, "b": {}, "c": {}},
            id="a value",
        ),
        pytest.param("remove", "site", {"a": {"line": ["1"]}, "b": {}, "c": {}}, id="a key"),
    ],
)
def test_what_was_wished_becomes_of_the_labels(
    how: str, labels: str, expected: dict[str, object], fleet: dict[str, Device], operator: Browser
) -> None:
    change(operator, PAGE, how, labels)

    listed = {path: relabelling.labels.effective({}, its) for path, its in assigned().items()}
    assert listed == {path: relabelling.labels.effective({}, its) for path, its in expected.items()}
    rows = {(row.device.path, row.key, row.value) for row in DeviceLabel.objects.all()}
    assert rows == {
        (path, key, value)
        for path, its in listed.items()
        for key, all_ in its.items()
        for value in all_
    }


def test_the_preview_counts_and_shows_before_and_after_and_changes_nothing(
    fleet: dict[str, Device], operator: Browser
) -> None:
    before = assigned()
    page = operator.post(PAGE, {"how": "replace", "labels": "site=paris"})
    assert "<strong>2 devices</strong> change; 1 has it like this already." in text_of(page)
    assert [one.device.path for one in page.context["seen"].first] == ["a", "c"]
    assert page.context["seen"].first[0].effective() == (
        {"site": ["berlin"], "line": ["1"]},
        {"site": ["paris"], "line": ["1"]},
    )
    assert assigned() == before


def test_only_devices_that_change_get_a_line_in_their_history(
    fleet: dict[str, Device], operator: Browser
) -> None:
    change(operator, PAGE, "replace", "site=paris")
    kept = {(row.object_repr, row.user.username) for row in LogEntry.objects.all()}
    assert kept == {("a", "operator"), ("c", "operator")}
    assert LogEntry.objects.all()[0].get_change_message() == "Labels set in bulk: site=paris."


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("?labels=site", {"a", "b"}, id="a filter"),
        pytest.param("?labels=site&q=b", {"b"}, id="a filter and a search"),
        pytest.param("?key=site&value=site%3Dberlin", {"a"}, id="label and value"),
        pytest.param("?group={group}", {"c"}, id="a group"),
        pytest.param("?ticked=1&ids={a}&ids={c}", {"a", "c"}, id="ticked"),
        pytest.param("?labels=site&ticked=1&ids={a}&ids={c}", {"a"}, id="ticked, within a filter"),
    ],
)
def test_the_chosen_devices_change_and_no_others(
    query: str, expected: set[str], fleet: dict[str, Device], operator: Browser
) -> None:
    group = DeviceGroup.objects.create(name="g", selector="!site", created_at=cast.NOON)
    keys = {path: device.pk for path, device in fleet.items()}

    change(operator, PAGE + query.format(group=group.pk, **keys), "replace", "x=1")

    assert {path for path, its in assigned().items() if "x" in its} == expected


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?ticked=1", id="nothing ticked"),
        pytest.param("?ticked=1&ids=x", id="no key"),
        pytest.param("?q=nobody", id="nothing found"),
        pytest.param("?client__id__exact=x", id="no such filter"),
    ],
)
def test_without_devices_it_leads_back_to_the_list(
    query: str, fleet: dict[str, Device], operator: Browser
) -> None:
    answer = operator.get(PAGE + query)
    assert answer.status_code == 302
    assert answer.url.startswith(LIST)


def test_what_changed_since_the_preview_is_shown_again_and_not_done(
    fleet: dict[str, Device], operator: Browser
) -> None:
    wish = {"how": "replace", "labels": "site=rome"}
    seen = digest_in(operator.post(PAGE, wish))
    Device.objects.filter(path="c").update(assigned_labels={"site": "oslo"})

    answer = operator.post(PAGE, {**wish, "apply": seen})

    assert "changed since this was shown: look at it once more" in text_of(answer)
    assert digest_in(answer) != seen
    assert assigned()["c"] == {"site": "oslo"}
    assert not LogEntry.objects.exists()


def test_another_wish_than_the_shown_one_is_not_done(
    fleet: dict[str, Device], operator: Browser
) -> None:
    seen = digest_in(operator.post(PAGE, {"how": "add", "labels": "x=1"}))
    operator.post(PAGE, {"how": "remove", "labels": "site", "apply": seen})
    assert assigned()["a"] == {"site": "berlin", "line": "1"}


@pytest.mark.parametrize(
    ("how", "labels", "sentence"),
    [
        pytest.param("add", "site", "Line 1: write it as key=value.", id="no value"),
        pytest.param("remove", "a b", "Line 1: a key cannot contain “ ”.", id="no key"),
        pytest.param("add", " ", "Write at least one label.", id="nothing"),
        pytest.param(
            "add",
            "\n".join(f"k{n}=1" for n in range(64)),
            "The device a would have too many",
            id="limit",
        ),
        pytest.param("shout", "a=1", "shout is not one of the available choices", id="no such way"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_with_a_sentence(
    how: str, labels: str, sentence: str, fleet: dict[str, Device], operator: Browser
) -> None:
    assert sentence in text_of(operator.post(PAGE, {"how": how, "labels": labels}))


def test_too_many_devices_at_a_time_are_refused(
    fleet: dict[str, Device], operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relabelling, "MOST_DEVICES", 2)
    page = operator.post(PAGE, {"how": "add", "labels": "x=1"})
    assert "At most 2 devices can be labelled at a time" in text_of(page)


def test_the_list_leads_there_with_its_filters_for_those_who_may(
    fleet: dict[str, Device], operator: Browser, viewer: Browser
) -> None:
    page = operator.get(f"{LIST}?labels=site&q=b")
    assert "Label all 1…" in page.content.decode()
    assert f'href="{PAGE}?labels=site&amp;q=b"' in page.content.decode()
    assert 'name="ids"' not in viewer.get(LIST).content.decode()


def test_it_costs_no_more_for_many_devices(operator: Browser) -> None:
    def cost(count: int) -> int:
        client = cast.client(f"plant-{count}")
        for number in range(count):
            cast.device(client, f"{count}-{number}")
        address = f"{PAGE}?q={count}-"
        wish = {"how": "add", "labels": f"x={count}"}
        digest = digest_in(operator.post(address, wish))
        with CaptureQueriesContext(connection) as captured:
            operator.post(address, {**wish, "apply": digest})
        return len(captured)

    operator.get(reverse("admin:index"))
    assert cost(3) == cost(30)
