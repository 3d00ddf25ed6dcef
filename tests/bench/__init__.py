"""Measurements (`make bench`): they print tables and judge nothing."""
