"""Fingerprints change when, and only when, what a job does may change."""

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taskneurons
from taskneurons.errors import InputError
from taskneurons.lineage.fingerprint import CodeFingerprints, imported_modules, settings, syntax_digest
from taskneurons.params.loading import load_params

PACKAGE = Path(taskneurons.__file__).parent
CODE = '''"""A module."""
import json

LIMIT = 3


class Kept:
    """A class."""

    def method(self, x):
        """A method."""
        return f"{x:>{LIMIT}}" + "text"


async def other():
    """A coroutine."""
    yield json
'''
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another."""'),
        ('"""A module."""\n', ""),
        ('"""A class."""', "'''A class that\n    was described again.'''"),
        ('"""A method."""', "# no docstring"),
        ('"""A coroutine."""\n', ""),
        ("LIMIT = 3", "LIMIT   =   3  # a comment"),
        ('"text"', "'text'"),
        ("\n\n\n", "\n\n"),
    ],
)
def test_what_python_does_not_execute_does_not_count(old, new):
    assert old in CODE
    assert syntax_digest(CODE.replace(old, new)) == syntax_digest(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("LIMIT = 3", "LIMIT = '3'"),
        ('"text"', '"texts"'),
        ("(self, x)", "(self, x=None)"),
        (":>", ":<"),
        ("import json", "import json as yaml"),
        ("async def", "def"),
        ("class Kept:", "class Kept(dict):"),
    ],
)
def test_what_python_executes_counts(old, new):
    assert old in CODE
    assert syntax_digest(CODE.replace(old, new)) != syntax_digest(CODE)


def test_a_text_that_is_no_docstring_counts():
    assert syntax_digest("x = 1\n'one'\n") != syntax_digest("x = 1\n'two'\n")


def test_digests_of_the_package_are_as_distinct_as_its_trees():
    """Against Python's own dump of the trees; its text is no fingerprint only because it differs between versions."""
    sources = [path.read_text() for path in PACKAGE.rglob("*.py")]
    dumps = {ast.unparse(strip(ast.parse(source))) for source in sources}
    assert len({syntax_digest(source) for source in sources}) == len(dumps) > 20


def strip(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def test_the_fingerprint_of_an_empty_module_is_the_same_in_every_version_of_python():
    assert syntax_digest("") == hashlib.sha256(b"(Module)").hexdigest()


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), json_values, max_size=5))
def test_settings_are_canonical(values):
    text = settings(**values)
    assert json.loads(text) == values
    assert settings(**dict(reversed(values.items()))) == text
    assert settings(**json.loads(text)) == text


def test_settings_take_models_of_parameters():
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    content = json.loads(settings(model=next(iter(params.models.values())), runs=params.runs))
    assert content["model"]["pretraining"]["steps"] > 0
    assert content["runs"][0]["seeds"]


def test_settings_tell_swapped_values_apart():
    assert settings(train=1, test=2) != settings(train=2, test=1)


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), (object(), TypeError), ({1, 2}, TypeError)])
def test_settings_refuse_what_has_no_canonical_form(value, error):
    with pytest.raises(error):
        settings(value=value)


def test_imports_are_found_wherever_they_stand():
    modules = frozenset({"p", "p.a", "p.b", "p.c", "p.d"})
    source = "import p.a\nfrom p import b\ndef f():\n    from p.c import g\nimport os\nfrom p.a import name\n"
    assert imported_modules(source, modules) == {"p", "p.a", "p.b", "p.c"}


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "light.py").write_text("from taskneurons.neurons.sets import NeuronSet\nprint(NeuronSet)\n")
    (folder / "alone.py").write_text("import os\n")
    return folder


def test_reached_modules_are_those_that_python_loads(scripts, tmp_path):
    """Against an import in a fresh process; imports inside functions are reached but not loaded."""
    reached = set(CodeFingerprints(scripts, PACKAGE, tmp_path / "code.json").reached("light"))
    command = "import sys; import taskneurons.neurons.sets; print(*[m for m in sys.modules if 'taskneurons' in m])"
    loaded = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.split()
    assert {module for module in loaded if module.startswith("taskneurons")} <= reached
    assert "taskneurons.files" in reached
    assert "taskneurons.params" not in reached
    assert "taskneurons.cli" not in reached


def test_a_script_without_the_package_depends_on_itself_alone(scripts, tmp_path):
    fingerprints = CodeFingerprints(scripts, PACKAGE, tmp_path / "code.json")
    assert fingerprints.reached("alone") == ()
    before = fingerprints.of("alone"), fingerprints.of("light")
    (scripts / "alone.py").write_text("import os  # comment\n")
    assert fingerprints.of("alone") == before[0]
    (scripts / "alone.py").write_text("import sys\n")
    assert fingerprints.of("alone") != before[0]
    assert fingerprints.of("light") == before[1]


def test_the_cache_gives_what_reading_gives(scripts, tmp_path):
    cache = tmp_path / "code.json"
    first = CodeFingerprints(scripts, PACKAGE, cache).of("light")
    state = cache.stat().st_mtime_ns
    assert CodeFingerprints(scripts, PACKAGE, cache).of("light") == first
    assert cache.stat().st_mtime_ns == state, "nothing was read again"
    cache.write_text("{ broken")
    assert CodeFingerprints(scripts, PACKAGE, cache).of("light") == first
    stale = json.loads(cache.read_text())
    stale["state"]["files.py"] = [0, 0]
    stale["digests"]["taskneurons.files"] = "wrong"
    cache.write_text(json.dumps(stale))
    assert CodeFingerprints(scripts, PACKAGE, cache).of("light") == first


def test_an_absent_script_is_named(scripts, tmp_path):
    with pytest.raises(InputError, match=r"absent\.py"):
        CodeFingerprints(scripts, PACKAGE, tmp_path / "code.json").of("absent")


def test_reading_a_cached_package_is_fast(scripts, tmp_path):
    """Parsing the workflow pays this each time, without grimp."""
    cache = tmp_path / "code.json"
    CodeFingerprints(scripts, PACKAGE, cache)
    command = (
        "import sys, pathlib; from taskneurons.lineage.fingerprint import CodeFingerprints as C;"
        f"C(pathlib.Path({str(scripts)!r}), pathlib.Path({str(PACKAGE)!r}), pathlib.Path({str(cache)!r})).of('light');"
        "print('grimp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "False"
