"""Memory that one training step frees is there for the next.

Measured in processes of their own: what a long test run has freed before would count otherwise.
"""

import json
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are"
)
# 16 blocks of 12 MiB: below glibc's largest threshold, far above its first one
PROBE = """
import json, resource, torch
from tinyglot.training.memory import kept_memory

def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(12 * 2**20, dtype=torch.uint8) for _ in range(16)]
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    del blocks
    return faults

faults = []
try:
    with kept_memory():
        faults += [page_faults(), page_faults()]
        {inside}
except ValueError as error:
    assert "step 7" in str(error)
print(json.dumps([*faults, page_faults()]))
"""


def page_faults(inside: str) -> list[int]:
    """First and again inside, then after it."""
    command = [sys.executable, "-c", PROBE.replace("{inside}", inside)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return json.loads(ended.stdout)


@pytest.mark.parametrize("inside", ["pass", "raise ValueError('step 7')"])
def test_freed_pages_are_kept_inside_and_given_back_at_the_end(inside):
    first, again, after = page_faults(inside)
    assert first > 50
    assert again < first / 10
    assert after > first / 2
