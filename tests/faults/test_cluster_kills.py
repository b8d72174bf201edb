"""One kill of each process of a cluster; ``python -m tests.faults.cluster_kills`` does many."""

import pytest

from tests.faults.cluster_kills import VICTIMS, kills


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_leaves_old_or_new_environments_and_a_rerun_makes_the_new_ones(victim, tmp_path):
    assert kills(tmp_path, 1, VICTIMS.index(victim), (victim,)) == []
