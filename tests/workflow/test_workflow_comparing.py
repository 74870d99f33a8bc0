"""Snakemake compares the params of jobs as it always does, and imports pandas for none that is no table."""

import subprocess
import sys

import snakemake
from snakemake.persistence import PersistenceBase

from taskneurons.workflow import comparing, wake

ASKED = """
import sys
from types import SimpleNamespace
from snakemake.persistence import PersistenceBase
from taskneurons.workflow import wake

of = SimpleNamespace(_serialize_param_builtin=lambda value: PersistenceBase._serialize_param_builtin(None, value))
own = PersistenceBase._serialize_param_pandas
wake.install()
ours = PersistenceBase._serialize_param_pandas
values = ["x", 1, None, ["x"], {"x": 1}, object()]
found = [ours(of, value) for value in values]
print("pandas" in sys.modules)
print(found == [own(of, value) for value in values])
import pandas

table = pandas.DataFrame({"x": [1, 2]})
print(ours(of, table) == own(of, table) != ours(of, table + 1))
"""


def test_params_are_compared_without_pandas_as_with_it():
    assert snakemake.__version__ in comparing.KNOWN
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True"]


def test_another_version_is_left_as_it_is(monkeypatch):
    found = PersistenceBase._serialize_param_pandas
    monkeypatch.setattr(snakemake, "__version__", "9.99.0")
    wake.install()
    assert PersistenceBase._serialize_param_pandas is found
