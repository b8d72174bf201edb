"""What a run over many environments was asked for, and how an environment can come out of it."""

from puffin.pipeline.plan_settings import Settings
from puffin.value import frozen

UPDATED, UNCHANGED, FAILED, SKIPPED, DRIFTED = "updated", "unchanged", "failed", "skipped", "drifted"


@frozen
class ManySettings:
    """What a run over many environments was asked for; ``run`` has what it shares with a sync of one."""

    run: Settings
    check: bool = False
    frozen: bool = False
    fail_fast: bool = False
