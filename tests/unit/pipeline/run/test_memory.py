"""Memory that is kept for the next file."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = """
import resource, sys
from puffin.pipeline.run.memory import keep_freed_memory

def faults(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    body = bytearray(b"x") * size
    assert len(body) == size
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1:] == ["keep"]:
    keep_freed_memory()
for _ in range(3):
    print(faults(48 << 20))
"""


def faults(*arguments):
    told = subprocess.run(
        [sys.executable, "-c", FAULTS, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return list(map(int, told.stdout.split()))


def _mapped_in_small_pages():
    huge = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return platform.libc_ver()[0] == "glibc" and not (huge.exists() and "[always]" in huge.read_text())


@pytest.mark.skipif(not _mapped_in_small_pages(), reason="faults do not show here what is mapped anew")
def test_what_was_freed_is_used_again():
    assert min(faults()) > 1000  # what is so large is mapped anew each time
    assert max(faults("keep")[1:]) < 1000
