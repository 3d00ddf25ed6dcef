"""The commands that pages show are those that work for this portal."""

import shlex
import subprocess
import sys

from django.conf import settings

from devices.shell import manage


def test_the_usual_data_directory_goes_without_saying(settings):
    settings.DATA_DIR = settings.BASE_DIR / "data"
    assert manage("identity", "show").endswith(" manage.py identity show")
    assert "LINESIDE_DATA_DIR" not in manage("identity", "show")


def test_another_data_directory_stands_in_front(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "my plant"
    line = manage("identity", "issue", "press-4")
    assert shlex.split(line)[0] == f"LINESIDE_DATA_DIR={tmp_path / 'my plant'}"


def test_the_line_runs_as_it_stands():
    line = manage("identity", "--help")
    done = subprocess.run(line, shell=True, cwd=settings.BASE_DIR, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_python_without_the_packages_is_told_what_to_do():
    bare = [sys.executable, "-I", "-S", "manage.py", "check"]
    done = subprocess.run(bare, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("This Python lacks the packages of Lineside")
    assert "Traceback" not in done.stderr
