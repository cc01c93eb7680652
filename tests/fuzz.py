"""How many random cases the tests draw: the same ones every time, or with NETC_FUZZ=20 others, twenty times as many (`make fuzz`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("NETC_FUZZ", "1"))
# Drawing a whole network is slow, and many a one that is drawn is none.
CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]


def cases(count: int) -> settings:
    """So many cases, as what stands above `@given`.

    They are the same in every run, so that a test that fails is the work of a change, and fails again.
    """
    return settings(max_examples=count * TIMES, derandomize=TIMES == 1, database=None, deadline=None, suppress_health_check=CHECKS)
