"""How `manage.py serve` runs the portal's parts, together in one process or each alone."""
