"""The refusals of the identity part; each one's text is a sentence for the person who asked."""


class IdentityError(Exception):
    """A key, certificate, bundle or name that cannot be used, and why."""


class RejectedClientError(Exception):
    """A peer's certificate is not that of a client of this portal: its connection is dropped."""
