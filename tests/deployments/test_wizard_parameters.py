"""The wizard's step Parameters: what differs from the package is kept, what is wrong is told."""

import pytest

from tests.deployments import plant
from tests.deployments.wizard import draft_at, page_url, step_url, stored

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        pytest.param("20", {"speed": 20}, id="another value"),
        pytest.param("10", {}, id="the default is not a given value"),
        pytest.param(" 7 ", {"speed": 7}, id="spaces around a number"),
    ],
)
def test_parameters_are_kept_as_far_as_they_differ_from_the_package(browser, answer, given):
    draft = draft_at(3, [plant.a_device()])
    assert browser.post(step_url(draft, 3), {"p-speed": answer}).url == step_url(draft, 4)
    assert stored(draft).parameters == given


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param("101", "Speed must be at most 100.", id="over the limit"),
        pytest.param("fast", "Speed must be a whole number.", id="no number"),
        pytest.param("", "Speed must not be empty.", id="empty"),
        pytest.param("1" * 400, "Speed must be a whole number.", id="absurd"),
    ],
)
def test_a_bad_parameter_is_told_beside_its_field_and_nothing_is_saved(browser, answer, sentence):
    draft = draft_at(3, [plant.a_device()])
    page = browser.post(step_url(draft, 3), {"p-speed": answer})
    text = page.content.decode()
    assert page.context["failed"]
    assert f'<p class="error" id="id_p-speed_error">{sentence}</p>' in text
    assert f'name="p-speed" value="{answer}"' in text or not answer
    assert stored(draft).parameters == {}


def test_limits_default_and_help_stand_beside_the_field(browser):
    draft = draft_at(3, [plant.a_device()])
    text = browser.get(step_url(draft, 3)).content.decode()
    assert "Turns a minute" in text
    assert "At most 100 · default: 10" in text


def test_a_package_without_settings_says_so_and_leads_on(browser):
    version = plant.a_version(sections=[], schemas={})
    draft = draft_at(3, [plant.a_device()], version)
    assert "Nothing to set" in browser.get(step_url(draft, 3)).content.decode()
    assert browser.post(step_url(draft, 3), {}).url == step_url(draft, 4)


def test_a_secret_is_never_shown_again_and_kept_when_left_empty(browser):
    targets = [{"pointer": "PASSWORD", "components": ["controller"]}]
    setting = {"parameter": "db_password", "name": "Password", "description": "", "schema": "text"}
    version = plant.a_version(
        parameters={"db_password": {"value": "from the package", "targets": targets}},
        sections=[{"name": "Database", "settings": [setting]}],
        schemas={"text": {"dataType": "string"}},
    )
    draft = draft_at(3, [plant.a_device()], version)
    browser.post(step_url(draft, 3), {"p-db_password": "hunter2"})
    assert stored(draft).parameters == {"db_password": "hunter2"}
    pages = [step_url(draft, 3), step_url(draft, 4), page_url(draft)]
    assert not any("hunter2" in browser.get(url).content.decode() for url in pages)
    answer = browser.post(step_url(draft, 3), {"p-db_password": ""})
    assert answer.url == step_url(draft, 4)
    assert stored(draft).parameters == {"db_password": "hunter2"}
