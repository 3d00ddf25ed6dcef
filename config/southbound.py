"""The device interface as one ASGI application: the parts of both apps under one front door."""

from deployments import southbound as desired_state
from devices.southbound import capabilities
from devices.southbound.application import application as device_interface

application = device_interface([*capabilities.ROUTES, *desired_state.ROUTES])
