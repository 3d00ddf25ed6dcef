"""What an operator should hear at start-up about the devices' side of the house."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils import timezone

from devices.identity import expiry
from devices.identity.errors import IdentityError

_ANSWERS = ("refuse", "custom")


def register_checks() -> None:
    """Have Django run these checks; called once, when the app is ready."""
    checks.register(check_identity)
    checks.register(check_unknown_deployment_type)


def check_identity(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Warn when the portal's identity cannot be used or is about to end.

    A house without any identity is new, not broken: the listener says so when it is started.
    """
    if not settings.SVID_CERTIFICATE.exists():
        return []
    try:
        identity = expiry.read(settings.SVID_CERTIFICATE, settings.TRUST_BUNDLE)
    except IdentityError as refusal:
        return [checks.Warning(str(refusal), id="devices.W002")]
    hint = "manage.py identity renew renews the certificate of a portal that is its own authority."
    return [
        checks.Warning(sentence, hint=hint, id="devices.W001")
        for sentence in expiry.warnings(identity, timezone.now())
    ]


def check_unknown_deployment_type(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Refuse a setting that nobody would notice to be misspelt until a device is turned away."""
    if settings.MARGO_UNKNOWN_DEPLOYMENT_TYPE in _ANSWERS:
        return []
    return [
        checks.Error(
            "MARGO_UNKNOWN_DEPLOYMENT_TYPE must be 'refuse' or 'custom', "
            f"not {settings.MARGO_UNKNOWN_DEPLOYMENT_TYPE!r}.",
            hint="Unset it for the default, 'refuse'.",
            id="devices.E001",
        )
    ]
