"""Which of these tests this machine's servers allow, and how patient they are with a page."""

import os

from playwright.sync_api import expect

#: A portal in several processes needs both servers; on SQLite there is no such portal to crash, so
#: nothing is collected and nothing skipped. The run on both has these tests on top of the others.
SERVERS = ("LINESIDE_DATABASE_URL", "LINESIDE_REDIS_URL")

collect_ignore = [] if all(os.environ.get(name) for name in SERVERS) else ["test_crash.py"]

# What a page shows follows processes that share this machine with others.
expect.set_options(timeout=20_000)
