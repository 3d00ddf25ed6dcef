"""The portal's identity: make an authority, issue certificates to clients, look at expiry."""

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from devices import onboarding
from devices.identity import bundle, expiry, files
from devices.identity.authority import Authority, IssuedSvid, new_key
from devices.management import refusals

_EXPIRED = 3


class Command(BaseCommand):
    """Exits with 0 when done, 1 when refused, 2 when misspelt, 3 when `show` finds an expiry."""

    help = "Makes and shows the portal's identity, and issues certificates to its clients."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the four verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        init = verbs.add_parser("init", help="make an authority and the portal's certificate")
        init.add_argument("--trust-domain", default="plant.example")
        init.add_argument("--wfm-id", default="lineside")
        issue = verbs.add_parser("issue", help="make a client's certificate, and let it in")
        issue.add_argument("name", help="the client's name, which is the end of its SPIFFE id")
        issue.add_argument("--csr", type=Path, help="sign this request instead of making a key")
        issue.add_argument("--out", type=Path, help="the folder to write to")
        issue.add_argument("--days", type=int, default=90, help="how long it is good")
        issue.add_argument("--pending", action="store_true", help="leave the client to be accepted")
        show = verbs.add_parser("show", help="say who the portal is and when it expires")
        show.add_argument("--json", action="store_true", help="for programs")
        verbs.add_parser("renew", help="renew the portal's own certificate")

    def handle(self, *args: object, **options: object) -> None:
        """Carry out one verb."""
        verb = {"init": self._init, "issue": self._issue, "show": self._show, "renew": self._renew}
        with refusals.in_sentences():
            verb[str(options["verb"])](options, timezone.now())

    def _init(self, options: dict[str, object], now: datetime) -> None:
        authority = Authority.create(
            settings.IDENTITY_DIR,
            trust_domain=str(options["trust_domain"]),
            wfm_id=str(options["wfm_id"]),
            now=now,
        )
        self.stdout.write(
            f"Made the authority of {authority.trust_domain} in {authority.directory}.\n"
            f"The portal is spiffe://{authority.trust_domain}/margo/wfm/{authority.wfm_id}.\n"
            "Keep a copy of the folder in a safe place: without ca.key no client can be issued."
        )

    def _issue(self, options: dict[str, object], now: datetime) -> None:
        authority = Authority.load(settings.IDENTITY_DIR)
        name, csr, days = str(options["name"]), options["csr"], options["days"]
        assert isinstance(days, int)
        folder = options["out"] or settings.IDENTITY_DIR / "clients" / name
        assert isinstance(folder, Path)
        content: dict[str, bytes] = {}
        if isinstance(csr, Path):
            issued = authority.issue_for_csr(name, files.read(csr), now=now, lifetime_days=days)
        else:
            key = new_key()
            content[f"{name}.key"] = files.pem_of_key(key)
            issued = authority.issue(name, key.public_key(), now=now, lifetime_days=days)
        accepted = not options["pending"]
        client = onboarding.enrol(issued.spiffe_id, accepted=accepted, actor=None, now=now)
        content[f"{name}.pem"] = issued.chain_pem
        written = _write(folder, content | _anchors(authority.directory))
        self._tell(issued, client.get_state_display().lower(), written)

    def _show(self, options: dict[str, object], now: datetime) -> None:
        identity = expiry.read(settings.SVID_CERTIFICATE, settings.TRUST_BUNDLE)
        warnings = expiry.warnings(identity, now)
        ends = identity.anchors_not_after
        if options["json"]:
            self.stdout.write(_as_json(identity, warnings))
        else:
            self.stdout.write(
                f"Trust domain   {identity.portal.trust_domain}\n"
                f"WFM id         {identity.portal.wfm_id}\n"
                f"SPIFFE id      {identity.portal}\n"
                f"Certificate    good until {identity.svid_not_after:%Y-%m-%d %H:%M} UTC\n"
                + "\n".join(f"Anchor         good until {end:%Y-%m-%d %H:%M} UTC" for end in ends)
            )
            for warning in warnings:
                self.stderr.write(warning)
        if min(identity.svid_not_after, max(ends)) <= now:
            raise CommandError("The portal's identity has expired.", returncode=_EXPIRED)

    def _renew(self, options: dict[str, object], now: datetime) -> None:
        end = Authority.load(settings.IDENTITY_DIR).renew_portal(now)
        self.stdout.write(f"The portal's certificate is good until {end:%Y-%m-%d %H:%M} UTC.")

    def _tell(self, issued: IssuedSvid, state: str, written: list[Path]) -> None:
        self.stdout.write(
            f"{issued.spiffe_id} is {state}; "
            f"its certificate is good until {issued.not_after:%Y-%m-%d %H:%M} UTC. Wrote:"
        )
        for path in written:
            self.stdout.write(f"  {path}")


def _anchors(directory: Path) -> dict[str, bytes]:
    """Return what a device needs to know the portal by: the bundle, and the same as PEM."""
    anchors = bundle.read(directory / "bundle.json")
    return {
        "bundle.json": files.read(directory / "bundle.json"),
        "bundle.pem": bundle.pem(anchors),
    }


def _write(folder: Path, content: dict[str, bytes]) -> list[Path]:
    folder.mkdir(mode=files.SECRET_DIRECTORY, parents=True, exist_ok=True)
    for name, text in content.items():
        files.write(folder / name, text)
    return [folder / name for name in content]


def _as_json(identity: expiry.Identity, warnings: list[str]) -> str:
    return json.dumps(
        {
            "trustDomain": identity.portal.trust_domain,
            "wfmId": identity.portal.wfm_id,
            "spiffeId": str(identity.portal),
            "certificateExpires": identity.svid_not_after.isoformat(),
            "anchorsExpire": [end.isoformat() for end in identity.anchors_not_after],
            "warnings": warnings,
        },
        indent=2,
    )
