"""Schemas of values, as a package's configuration writes them."""

TEXT = {"name": "text", "dataType": "string"}
WHOLE = {"name": "whole", "dataType": "integer"}
NUMBER = {"name": "number", "dataType": "double"}
YES_OR_NO = {"name": "yesOrNo", "dataType": "boolean"}
OPTIONAL = {"allowEmpty": True}
LEVELS = {"options": ["debug", "info"]}
