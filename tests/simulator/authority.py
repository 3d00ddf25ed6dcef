"""A trust domain of the tests' own, so that the simulator is not judged by the code it judges."""

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Authority:
    """A root that signs servers and clients of one trust domain."""

    def __init__(self, trust_domain: str = "plant.example", wfm_id: str = "main") -> None:
        self.trust_domain = trust_domain
        self.wfm = f"spiffe://{trust_domain}/margo/wfm/{wfm_id}"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign(_name("root"), self._key.public_key(), None)

    def bundle(self) -> str:
        """The SPIFFE bundle, with a key of another use that nobody may trust."""
        der = base64.b64encode(self.root.public_bytes(Encoding.DER)).decode()
        keys = [{"use": "jwt-svid", "x5c": ["AAAA"]}, {"use": "x509-svid", "x5c": [der]}]
        return json.dumps({"spiffe_sequence": 1, "keys": keys})

    def issue(self, folder: Path, spiffe_id: str) -> None:
        """Write svid.pem and key.pem for one identity."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._sign(_name(spiffe_id.rsplit("/", 1)[-1]), key.public_key(), spiffe_id)
        (folder / "svid.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    def server_context(self, folder: Path, spiffe_id: str | None = None) -> ssl.SSLContext:
        """TLS 1.3 that asks for a client certificate of this domain."""
        self.issue(folder, spiffe_id or self.wfm)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.root.public_bytes(Encoding.DER))
        context.load_cert_chain(folder / "svid.pem", folder / "key.pem")
        return context

    def make_fleet(self, fleet: Path, clients: int) -> Path:
        """A fleet's folder with its clients edge-1, edge-2 and so on."""
        fleet.mkdir(exist_ok=True)
        (fleet / "bundle.json").write_text(self.bundle())
        for number in range(1, clients + 1):
            name = f"edge-{number}"
            self.issue(fleet / "clients" / name, f"{self.wfm}/client/{name}")
        return fleet

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, spiffe_id: str | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name("root"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(spiffe_id is None, None), critical=True)
        )
        if spiffe_id is not None:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe_id)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
