"""A fleet of Margo clients in one process: a program that knows nothing of the portal."""
