"""Which certificates are those of our clients: the checks that no handshake makes."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from devices.identity.errors import RejectedClientError
from devices.identity.validation import client_of
from tests.devices.certs import GOOD_ID, NOW, ca, certificate, uris, usage

PLAIN = (ca(yes=False), usage())
BASE = "spiffe://plant.example/margo/wfm/hall-7"


def verdict(leaf: x509.Certificate) -> str:
    return client_of(leaf, "plant.example", "hall-7", NOW)


def test_a_clients_certificate_gives_its_name() -> None:
    assert verdict(certificate(uris(GOOD_ID), *PLAIN)) == GOOD_ID


def test_names_of_other_kinds_mean_nothing() -> None:
    names = x509.SubjectAlternativeName(
        [x509.DNSName("anything.example"), x509.UniformResourceIdentifier(GOOD_ID)]
    )
    assert verdict(certificate(names, *PLAIN)) == GOOD_ID


def test_basic_constraints_may_be_left_out() -> None:
    assert verdict(certificate(uris(GOOD_ID), usage())) == GOOD_ID


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        pytest.param(certificate(*PLAIN), "no alternative name", id="no name"),
        pytest.param(
            certificate(x509.SubjectAlternativeName([x509.DNSName("a.example")]), *PLAIN),
            "0 URI names",
            id="a DNS name only",
        ),
        pytest.param(
            certificate(uris(GOOD_ID, GOOD_ID + "x"), *PLAIN), "2 URI names", id="two names"
        ),
        pytest.param(
            certificate(uris("https://plant.example/x"), *PLAIN), "not a SPIFFE id", id="https"
        ),
        pytest.param(
            certificate(uris("spiffe://plant.example"), *PLAIN), "of a trust domain", id="no path"
        ),
        pytest.param(
            certificate(uris(GOOD_ID.replace("plant", "other")), *PLAIN),
            "another trust domain",
            id="another trust domain",
        ),
        pytest.param(
            certificate(uris(GOOD_ID.replace("hall-7", "hall-8")), *PLAIN),
            "another manager",
            id="another manager's client",
        ),
        pytest.param(
            certificate(uris(GOOD_ID.replace("hall-7", "Hall-7")), *PLAIN),
            "another manager",
            id="other capitals",
        ),
        pytest.param(certificate(uris(BASE), *PLAIN), "identity of a client", id="a portal"),
        pytest.param(
            certificate(uris(f"{BASE}/client/a/b"), *PLAIN), "identity of a client", id="deeper"
        ),
        pytest.param(
            certificate(uris(GOOD_ID), ca(yes=True), usage()), "an authority's", id="authority"
        ),
        pytest.param(
            certificate(uris(GOOD_ID), ca(yes=False), usage(cert_sign=True)),
            "may sign certificates",
            id="signs certificates",
        ),
        pytest.param(
            certificate(uris(GOOD_ID), ca(yes=False), usage(crl_sign=True)),
            "may sign certificates",
            id="signs revocation lists",
        ),
        pytest.param(
            certificate(uris(GOOD_ID), ca(yes=False), usage(signs=False)),
            "may not make signatures",
            id="does not sign",
        ),
        pytest.param(
            certificate(uris(GOOD_ID), ca(yes=False)), "may not make signatures", id="no usage"
        ),
        pytest.param(
            certificate(uris(GOOD_ID), *PLAIN, end=NOW - timedelta(seconds=1)),
            "expired",
            id="expired",
        ),
        pytest.param(
            certificate(uris(GOOD_ID), *PLAIN, begin=NOW + timedelta(minutes=1)),
            "not valid before",
            id="not valid yet",
        ),
        pytest.param(
            certificate(
                uris(GOOD_ID), *PLAIN, key=rsa.generate_private_key(65537, 2048).public_key()
            ),
            "2048 bits",
            id="short RSA key",
        ),
        pytest.param(
            certificate(
                uris(GOOD_ID), *PLAIN, key=ec.generate_private_key(ec.SECP521R1()).public_key()
            ),
            "secp521r1",
            id="another curve",
        ),
    ],
)
def test_every_other_certificate_is_rejected_with_the_reason(
    leaf: x509.Certificate, words: str
) -> None:
    with pytest.raises(RejectedClientError, match=words):
        verdict(leaf)
