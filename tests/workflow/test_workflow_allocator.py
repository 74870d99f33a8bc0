"""The C library takes what the workflow tells it, and a user's word counts more."""

import os
import platform
import subprocess
import sys

import pytest

from taskneurons.workflow import allocator


def test_a_users_setting_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(allocator.VARIABLE, "glibc.malloc.check=0")
    allocator.tune_jobs()
    assert os.environ[allocator.VARIABLE] == "glibc.malloc.check=0"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library reads no such variable")
def test_the_c_library_gives_huge_pages_to_what_a_process_allocates(monkeypatch: pytest.MonkeyPatch):
    # madvise(2) marks memory with `hg` in smaps; without the variable no heap has it.
    code = (
        "x = [bytearray(3_000_000) for _ in range(4)]\n"
        "flags = [line.split() for line in open('/proc/self/smaps') if line.startswith('VmFlags')]\n"
        "print(any('hg' in line for line in flags))"
    )
    monkeypatch.delenv(allocator.VARIABLE, raising=False)

    def marked() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    before = marked()
    allocator.tune_jobs()
    assert (before, marked()) == ("False", "True")
