"""The device interface: what Margo clients talk to, on a listener of its own."""
