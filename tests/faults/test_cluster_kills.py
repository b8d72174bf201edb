"""One kill of each process of a cluster; ``python -m tests.faults.cluster_kills`` does many."""

from tests.faults.cluster_kills import VICTIMS, kills


def test_a_kill_leaves_old_or_new_environments_and_a_rerun_makes_the_new_ones(tmp_path):
    assert kills(tmp_path, len(VICTIMS), 0) == []
