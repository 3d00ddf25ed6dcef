"""SPIFFE ids are recognised byte for byte, or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.identity.errors import IdentityError
from devices.identity.spiffe import ClientIdentity, PortalIdentity, SpiffeId, client_id

NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True).filter(
    lambda name: name not in {".", ".."}
)
DOMAINS = st.from_regex(r"[a-z0-9._-]{1,40}", fullmatch=True)


@settings(deadline=None)
@given(domain=DOMAINS, wfm=NAMES, name=NAMES)
def test_a_clients_id_reads_back_as_it_was_spelt(domain: str, wfm: str, name: str) -> None:
    text = client_id(domain, wfm, name)
    assert ClientIdentity.parse(text) == ClientIdentity(domain, wfm, name)
    assert str(SpiffeId.parse(text)) == text


@settings(deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_is_an_id_or_a_refusal(text: str) -> None:
    for candidate in (text, f"spiffe://{text}", f"spiffe://a/margo/wfm/w/client/{text}"):
        try:
            assert str(SpiffeId.parse(candidate)) == candidate
        except IdentityError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("https://plant.example/margo/wfm/w/client/c", id="another scheme"),
        pytest.param("SPIFFE://plant.example/margo/wfm/w/client/c", id="scheme in capitals"),
        pytest.param("spiffe:///margo/wfm/w/client/c", id="no trust domain"),
        pytest.param("spiffe://Plant.example/margo/wfm/w/client/c", id="domain in capitals"),
        pytest.param("spiffe://plant.example:443/margo/wfm/w/client/c", id="a port"),
        pytest.param("spiffe://plant.example", id="no path"),
        pytest.param("spiffe://plant.example/", id="root path"),
        pytest.param("spiffe://plant.example/margo/wfm/w", id="a portal's"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client", id="no name"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/", id="empty name"),
        pytest.param("spiffe://plant.example/margo/wfm//client/c", id="empty wfm-id"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/c/", id="trailing slash"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/c/d", id="one segment more"),
        pytest.param("spiffe://plant.example/x/margo/wfm/w/client/c", id="a prefix"),
        pytest.param("spiffe://plant.example/margo/wfm/w/Client/c", id="other capitals"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/.", id="dot"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/..", id="two dots"),
        pytest.param("spiffe://plant.example/margo/wfm/../client/c", id="two dots inside"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/a%2Fb", id="percent-encoding"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/é", id="not ASCII"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/c\n", id="a line end"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/c?x=1", id="a query"),
        pytest.param("spiffe://plant.example/margo/wfm/w/client/" + "c" * 2100, id="too long"),
    ],
)
def test_other_shapes_are_no_client(text: str) -> None:
    with pytest.raises(IdentityError):
        ClientIdentity.parse(text)


def test_names_differ_when_their_capitals_do() -> None:
    assert client_id("a", "w", "Line") != client_id("a", "w", "line")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "a\n", "ä", "a" * 2100])
def test_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(IdentityError):
        client_id("plant.example", "hall-7", name)


def test_a_portal_is_told_from_a_client() -> None:
    portal = PortalIdentity("plant.example", "hall-7")
    assert PortalIdentity.parse(str(portal)) == portal
    with pytest.raises(IdentityError, match="not the identity of a workload fleet manager"):
        PortalIdentity.parse(client_id("plant.example", "hall-7", "line-4"))
