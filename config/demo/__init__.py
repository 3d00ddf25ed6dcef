"""`manage.py demo`: a portal with people, packages, groups and a simulated fleet, to try it."""
