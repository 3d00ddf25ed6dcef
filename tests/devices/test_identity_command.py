"""An operator makes the plant's identity in the shell."""

import json
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from devices import checks, onboarding
from devices.identity import bundle, files
from devices.identity.authority import Authority, new_key
from devices.identity.svid import spiffe_id_of
from devices.models import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(tmp_path: Path, settings: LazySettings) -> Path:
    """Give every test an identity folder of its own."""
    folder = tmp_path / "identity"
    settings.IDENTITY_DIR = folder
    settings.SVID_CERTIFICATE = folder / "wfm.pem"
    settings.SVID_KEY = folder / "wfm.key"
    settings.TRUST_BUNDLE = folder / "bundle.json"
    return folder


def identity(*words: str) -> str:
    out = StringIO()
    call_command("identity", *words, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        identity(*words)
    return refusal.value


def make_expiring(folder: Path, *, born: timedelta) -> None:
    now = datetime.now(UTC) - born
    Authority.create(folder, trust_domain="plant.example", wfm_id="lineside", now=now)


def test_init_makes_an_authority_and_says_who_the_portal_is(house: Path) -> None:
    said = identity("init", "--trust-domain", "mill.example", "--wfm-id", "hall-7")
    assert "spiffe://mill.example/margo/wfm/hall-7" in said
    assert Authority.load(house).wfm_id == "hall-7"


def test_init_a_second_time_is_refused_and_harms_nothing(house: Path) -> None:
    identity("init")
    key = (house / "ca.key").read_bytes()
    assert "already holds an identity" in str(refused("init"))
    assert (house / "ca.key").read_bytes() == key


@pytest.mark.parametrize("verb", [("issue", "line-4"), ("show",), ("renew",)])
def test_without_an_authority_there_is_a_sentence(verb: tuple[str, ...]) -> None:
    refusal = refused(*verb)
    assert refusal.returncode == 1
    assert str(refusal).endswith(".")


def test_issue_writes_key_certificate_and_anchors_and_lets_the_client_in(tmp_path: Path) -> None:
    identity("init")
    out = tmp_path / "line-4"
    said = identity("issue", "line-4", "--out", str(out))
    names = {path.name for path in out.iterdir()}
    assert names == {"line-4.key", "line-4.pem", "bundle.json", "bundle.pem"}
    assert all(str(out / name) in said for name in names)
    assert stat.S_IMODE((out / "line-4.key").stat().st_mode) == 0o600
    leaf = files.read_chain(out / "line-4.pem")[0]
    client = Client.objects.get()
    assert client.spiffe_id == str(spiffe_id_of(leaf))
    assert client.spiffe_id in said
    assert (client.name, client.state) == ("line-4", "accepted")
    leaf.verify_directly_issued_by(bundle.read(out / "bundle.json")[0])


def test_issue_can_leave_the_decision_to_the_operator() -> None:
    identity("init")
    assert "is pending" in identity("issue", "line-4", "--pending")
    assert Client.objects.get().state == "pending"


def test_the_same_name_again_gets_a_new_certificate_and_keeps_its_state(house: Path) -> None:
    identity("init")
    identity("issue", "line-4")
    first = (house / "clients" / "line-4" / "line-4.pem").read_bytes()
    onboarding.retire(Client.objects.get(), actor=None, now=datetime.now(UTC))
    assert "is retired" in identity("issue", "line-4")
    assert (house / "clients" / "line-4" / "line-4.pem").read_bytes() != first
    assert Client.objects.get().state == "retired"


def test_a_pending_client_is_not_let_in_by_another_certificate() -> None:
    identity("init")
    identity("issue", "line-4", "--pending")
    identity("issue", "line-4")
    assert Client.objects.get().state == "pending"


def test_issue_signs_a_request_and_writes_no_key(tmp_path: Path) -> None:
    identity("init")
    key = new_key()
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    pem = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "line-4.csr").write_bytes(pem)
    out = tmp_path / "out"
    identity("issue", "line-4", "--csr", str(tmp_path / "line-4.csr"), "--out", str(out))
    assert not (out / "line-4.key").exists()
    assert files.read_chain(out / "line-4.pem")[0].public_key() == key.public_key()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["issue", "a/b"], id="a slash in the name"),
        pytest.param(["issue", ".."], id="two dots"),
        pytest.param(["issue", "n" * 300], id="a name too long to keep"),
        pytest.param(["issue", "line-4", "--days", "0"], id="no days"),
        pytest.param(["issue", "line-4", "--csr", "nowhere.csr"], id="no such request"),
    ],
)
def test_what_cannot_be_issued_leaves_nothing_behind(house: Path, words: list[str]) -> None:
    identity("init")
    assert str(refused(*words)).endswith(".")
    assert not Client.objects.exists()
    assert not (house / "clients").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    identity("init")
    (tmp_path / "file").write_text("in the way")
    refusal = refused("issue", "line-4", "--out", str(tmp_path / "file" / "sub"))
    assert "cannot be written" in str(refusal)


def test_show_tells_names_and_dates_to_people_and_programs() -> None:
    identity("init", "--trust-domain", "mill.example")
    assert "Trust domain   mill.example" in identity("show")
    told = json.loads(identity("show", "--json"))
    assert told["trustDomain"] == "mill.example"
    assert told["wfmId"] == "lineside"
    assert told["warnings"] == []


def test_show_and_the_start_up_check_warn_in_time(house: Path) -> None:
    make_expiring(house, born=timedelta(days=350))
    assert "The portal's certificate expires on" in identity("show")
    assert [warning.id for warning in checks.check_identity(None)] == ["devices.W001"]


def test_show_exits_with_3_when_it_is_too_late(house: Path) -> None:
    make_expiring(house, born=timedelta(days=400))
    assert refused("show").returncode == 3
    assert "expired on" in checks.check_identity(None)[0].msg


def test_renew_makes_the_warning_go_away(house: Path) -> None:
    make_expiring(house, born=timedelta(days=350))
    identity("renew")
    assert checks.check_identity(None) == []


def test_the_start_up_check_names_a_broken_identity_and_not_an_absent_one(house: Path) -> None:
    assert checks.check_identity(None) == []
    identity("init")
    (house / "bundle.json").write_text("{}")
    assert [warning.id for warning in checks.check_identity(None)] == ["devices.W002"]


def test_a_misspelt_answer_to_unknown_types_is_noticed(settings: LazySettings) -> None:
    assert checks.check_unknown_deployment_type(None) == []
    settings.MARGO_UNKNOWN_DEPLOYMENT_TYPE = "refuze"
    assert [error.id for error in checks.check_unknown_deployment_type(None)] == ["devices.E001"]


@pytest.mark.parametrize("days", ["999999999", "9999999999"])
def test_a_certificate_for_longer_than_time_itself_ends_with_the_authority(
    house: Path, days: str
) -> None:
    identity("init")
    identity("issue", "line-4", "--days", days)
    issued = files.read_chain(house / "clients" / "line-4" / "line-4.pem")[0]
    assert issued.not_valid_after_utc == files.read_chain(house / "ca.pem")[0].not_valid_after_utc
