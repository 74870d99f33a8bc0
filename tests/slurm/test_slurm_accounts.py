"""A cluster with real daemons that keeps accounts."""

import pytest
from daemons import ACCOUNT, Cluster
from projects import Project
from runs import MODEL, Run, cancelled, lone

pytestmark = pytest.mark.slurm


def test_a_cancelled_job_is_seen_where_accounts_are_kept(accounted: Cluster, toy: Project) -> None:
    """By default the plugin asks sacct there, which says `CANCELLED by 0`: this run would never end."""
    assert "SLURM status is: 'CANCELLED'" in cancelled(accounted, toy)


def test_an_account_that_does_not_exist_is_refused_with_those_that_do(accounted: Cluster, toy: Project) -> None:
    run = Run(lone(toy), "--default-resources", "slurm_account=nobody", "--", MODEL)
    said = run.ends(ok=False)
    assert f"you have no account nobody on this cluster. Name one of yours: {ACCOUNT}" in said
    assert "submitted" not in said
    assert Run(toy, "--default-resources", f"slurm_account={ACCOUNT}", "--", MODEL).ends(ok=True)
