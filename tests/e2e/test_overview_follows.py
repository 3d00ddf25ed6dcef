"""The overview in one window hears of what is done in another, also when nothing moved before."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, expect
from pytest_django.live_server_helper import LiveServer

from deployments.models import Deployment
from tests import cast
from tests.deployments import plant, stages
from tests.e2e.browsing import chromium, is_marked, mark, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ready() -> Deployment:
    return stages.ready(plant.a_version())


@pytest.fixture
def window(ready: Deployment, live_server: LiveServer) -> Iterator[BrowserContext]:
    session = cast.sign_in(cast.operator())
    with chromium() as browser:
        context = browser.new_context()
        sign_in(context, session, live_server.url)
        yield context


@pytest.mark.parametrize("address", ["index", "deployments_deployment_changelist"])
def test_numbers_follow_and_what_only_a_reload_shows_is_announced(
    window, ready, live_server, address
):
    here, there = window.new_page(), window.new_page()
    complaints = []
    here.on("console", lambda said: complaints.append(said.text))
    here.goto(live_server.url + reverse(f"admin:{address}"))
    mark(here)
    news, note = here.locator("[data-lines-news]"), here.locator("[data-live-words]")
    expect(note).to_contain_text("As of")
    expect(news).to_be_hidden()
    there.goto(live_server.url + reverse("admin:deployments_deployment_page", args=[ready.pk]))
    there.get_by_role("button", name="Start", exact=True).click()
    expect(there.get_by_text("was started")).to_be_visible()
    expect(here.locator(f'[data-line="{ready.pk}"]')).to_contain_text("Rolling out")
    expect(note).to_contain_text("Live, updated")
    if address == "index":
        tile = here.locator(".tile", has_text="Rolling out")
        expect(tile.locator(".tile-number")).to_have_text("1")
        expect(news).to_have_text("1 new event: reload")
        assert is_marked(here)
        news.click()
        expect(here.locator("[data-live-words]")).to_contain_text("As of")
        expect(news).to_be_hidden()
        assert not is_marked(here)
    assert complaints == []
