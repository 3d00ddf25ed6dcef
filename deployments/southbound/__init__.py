"""The device interface of desired state and status: Margo's words stay in here."""

from deployments.southbound import desired_state, status

ROUTES = [*desired_state.ROUTES, *status.ROUTES]
