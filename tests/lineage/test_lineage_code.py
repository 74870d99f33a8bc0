"""The fingerprint of a job changes when, and only when, what its function reaches may do something else.

A package of a few files is edited; each edit says which of two jobs it concerns. That neutral edits change nothing is
also held against Python itself: the compiled code of both versions does the same.
"""

import ast
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taskneurons
from taskneurons.errors import InputError
from taskneurons.lineage.code import Code, Reach, Sources
from taskneurons.lineage.reader import read_module

PACKAGE = Path(taskneurons.__file__).parent
FILES = {
    "__init__.py": '"""The package."""\n',
    "errors.py": '''"""Errors."""


class Wrong(Exception):
    def __init__(self, message, *, where=None, remedy=None):
        self.message, self.where, self.remedy = message, where, remedy
''',
    "files.py": '''"""Files."""
import logging
from pathlib import Path

from taskneurons.errors import Wrong

log = logging.getLogger(__name__)
LIMIT = 3
UNUSED = 1


def read(path):
    """Read a file."""
    text = path.read_text()  # the text
    if len(text) > LIMIT:
        raise Wrong(f"{path} is too long: {len(text)}", where=str(path), remedy="Cut it")
    log.info("read %s", path)
    return text


def write(path: Path, text: str) -> None:
    for line in text.split():
        parts = [part for part in line]
        path.write_text("".join(parts))


def _private():
    return 4
''',
    "units.py": '''"""Units."""
from taskneurons import files as names

SCALE = 2
TABLE = {"a": SCALE}


class Unit:
    """A unit."""

    factor: int = 1

    def times(self, value):
        return value * self.factor * TABLE["a"]

    def other(self):
        """Never called here."""
        return names.read(None)
''',
    "registry.py": '''"""Ways."""
WAYS = {}


def way(name):
    def keep(function):
        WAYS[name] = function
        return function

    return keep
''',
    "ways.py": '''"""Two ways."""
from taskneurons.registry import way


@way("one")
def one(x):
    return x + 1
''',
    "workflow/__init__.py": "",
    "workflow/handing.py": """
def job_of(snakemake, settings, digests):
    return settings


def settings_type(function):
    return function
""",
    "studies/__init__.py": "",
    "studies/s/__init__.py": "",
    "studies/s/page.css": "p { color: red }\\n",
    "studies/s/measure.py": '''"""The jobs."""
from dataclasses import dataclass
from pathlib import Path

import taskneurons.registry as registry
import taskneurons.ways
from taskneurons import files, units


@dataclass
class Settings:
    """Settings."""

    size: int


@dataclass
class Other:
    size: int


def scored(job: Settings) -> int:
    """Score."""
    total = 0
    for unit in [units.Unit()]:
        total += unit.times(job.size)
    files.write(job, total)
    return registry.WAYS["one"](total)


def drawn(job: "Other") -> str:
    style = Path(__file__).with_name("page.css").read_text()
    return files.read(job) + style


def swallowed(job: Other) -> str:
    try:
        return files.read(job)
    except files.Wrong as error:
        return error.message
''',
}
JOBS = ("scored", "drawn", "swallowed")


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "taskneurons" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "taskneurons"


def fingerprints(package, cache=None):
    sources = Sources(package, cache)
    found = {job: Code(sources).fingerprint(f"s.measure:{job}") for job in JOBS}
    sources.save()
    return found


def changed(package, name, old, new):
    """The jobs whose fingerprint an edit changes, with a cache of before and without any."""
    cache = package.parent / "code.json"
    before = fingerprints(package, cache)
    path = package / name
    text = path.read_text()
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new))
    after = fingerprints(package)
    assert fingerprints(package, cache) == after
    return {job for job in JOBS if before[job] != after[job]}


NEUTRAL = [
    ("files.py", '"""Read a file."""', '"""Read."""\n'),
    ("files.py", '    """Read a file."""\n', ""),
    ("files.py", "  # the text", ""),
    ("files.py", "    return 4", "    return   5"),
    ("files.py", "UNUSED = 1", "UNUSED = 2"),
    ("files.py", "UNUSED = 1\n", ""),
    ("files.py", "def _private", "def _another():\n    return 1\n\n\ndef _private"),
    ("files.py", "(path: Path, text: str) -> None", "(path: str, text) -> 'int'"),
    ("files.py", "part for part in line", "piece for piece in line"),
    ("files.py", "parts", "pieces"),
    (
        "files.py",
        "for line in text.split():\n        parts = [part for part in line]",
        "for row in text.split():\n        parts = [part for part in row]",
    ),
    ("files.py", 'remedy="Cut it"', 'remedy="Make it shorter"'),
    ("units.py", '"""A unit."""', '"""What is counted."""'),
    ("units.py", '"""Never called here."""', ""),
    ("studies/s/measure.py", "total", "whole"),
    ("errors.py", '"""Errors."""', '"""What may go wrong."""\n\n'),
    ("studies/s/measure.py", "import taskneurons.ways\n", "\n\nimport taskneurons.ways\n"),
]


@pytest.mark.parametrize(("name", "old", "new"), NEUTRAL)
def test_what_cannot_change_a_result_changes_no_fingerprint(package, name, old, new):
    assert changed(package, name, old, new) == set()


COUNTS = [
    ("files.py", "LIMIT = 3", "LIMIT = 4", {"drawn", "scored", "swallowed"}),
    ("files.py", "text.split()", "text.split(',')", {"scored"}),
    ("files.py", "return text", "return text + ''", {"drawn", "scored", "swallowed"}),
    ("files.py", 'log.info("read %s", path)', 'log.info("got %s", path)', {"drawn", "scored", "swallowed"}),
    ("files.py", "getLogger(__name__)", "getLogger()", {"drawn", "scored", "swallowed"}),
    ("files.py", "raise Wrong(", "raise ValueError(", {"drawn", "scored", "swallowed"}),
    # The words of an error count where somebody reads them.
    ("files.py", "is too long", "is long", {"swallowed"}),
    ("units.py", "SCALE = 2", "SCALE = 3", {"scored"}),
    ("units.py", "factor: int", "factor: float", {"scored"}),
    ("units.py", "return names.read(None)", "return names.read(1)", {"scored"}),
    ("ways.py", "x + 1", "x + 2", {"drawn", "scored", "swallowed"}),
    (
        "studies/s/measure.py",
        'class Settings:\n    """Settings."""\n\n    size: int',
        "class Settings:\n    size: float",
        {"scored"},
    ),
    ("studies/s/measure.py", 'job: "Other"', 'job: "Settings"', {"drawn"}),
    ("studies/s/measure.py", "class Other:\n    size: int", "class Other:\n    size: str", {"drawn", "swallowed"}),
    ("studies/s/page.css", "red", "blue", {"drawn"}),
    ("workflow/handing.py", "return settings", "return [settings]", {"drawn", "scored", "swallowed"}),
    ("studies/s/measure.py", "total = 0", "total = 0.0", {"scored"}),
    # The name of a parameter is how callers hand it over.
    (
        "files.py",
        'def read(path):\n    """Read a file."""\n    text = path.read_text()',
        "def read(file):\n    path = file\n    text = path.read_text()",
        {"drawn", "scored", "swallowed"},
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "jobs"), COUNTS)
def test_what_may_change_a_result_changes_the_jobs_that_reach_it(package, name, old, new, jobs):
    assert changed(package, name, old, new) == jobs


def test_a_function_that_is_named_in_settings_counts_where_the_rule_names_it(package):
    def texts():
        code = Code(Sources(package))
        return code("s.measure:drawn"), code("s.measure:drawn", "units:Unit")

    alone, named = texts()
    assert named.startswith("s.measure:drawn+units:Unit ")
    path = package / "units.py"
    path.write_text(path.read_text().replace("SCALE = 2", "SCALE = 3"))
    after, named_after = texts()
    assert after == alone and named_after != named
    with pytest.raises(InputError, match=r"there is no unit in taskneurons\.units"):
        Code(Sources(package))("s.measure:drawn", "units:unit")


DYNAMIC = [
    "getattr(files, job.name)",
    "globals()[job.name]",
    "__import__('importlib').import_module(job.name)",
    "eval('UNSEEN')",
    "vars()",
]


@pytest.mark.parametrize("text", DYNAMIC)
def test_what_asks_for_names_that_cannot_be_told_takes_the_whole_module(package, text):
    path = package / "studies/s/measure.py"
    path.write_text(path.read_text().replace("    style = ", f"    {text}\n    style = ") + "\n\nUNSEEN = 1\n")
    assert changed(package, "studies/s/measure.py", "UNSEEN = 1", "UNSEEN = 2") == {"drawn"}


def test_a_module_that_is_handed_on_counts_whole(package):
    path = package / "studies/s/measure.py"
    path.write_text(path.read_text().replace("    style = ", "    print(files)\n    style = "))
    assert changed(package, "files.py", "UNUSED = 1", "UNUSED = 2") == {"drawn"}


def test_a_star_takes_the_whole_of_both_modules(package):
    path = package / "studies/s/measure.py"
    path.write_text("from taskneurons.units import *\n" + path.read_text().replace("style +", "") + "\n")
    path.write_text(path.read_text().replace("    style = ", "    Unit\n    style = "))
    assert changed(package, "units.py", "SCALE = 2", "SCALE = 5") >= {"drawn"}


def test_a_docstring_counts_where_docstrings_are_read(package):
    path = package / "studies/s/measure.py"
    path.write_text(path.read_text().replace("    style = ", "    print(files.read.__doc__)\n    style = "))
    assert changed(package, "files.py", '"""Read a file."""', '"""Read."""') == {"drawn"}


def test_what_a_module_does_when_it_is_imported_counts_for_all_that_reach_it(package):
    path = package / "files.py"
    path.write_text(path.read_text() + "\nlog.setLevel(1)\n")
    assert changed(package, "files.py", "setLevel(1)", "setLevel(2)") == set(JOBS)
    path.write_text(path.read_text() + "\nimport taskneurons.units\ntaskneurons.units.SCALE = 4\n")
    assert changed(package, "files.py", "SCALE = 4", "SCALE = 5") == set(JOBS)


def test_a_constant_that_enters_itself_in_a_list_is_no_mere_constant(package):
    path = package / "ways.py"
    path.write_text(path.read_text() + "\nsecond = way('two')(lambda x: x + 3)\n")
    assert changed(package, "ways.py", "x + 3", "x + 4") == set(JOBS)


def test_a_name_that_a_function_imports_is_followed(package):
    path = package / "studies/s/measure.py"
    text = "    from taskneurons.units import SCALE as scale\n    print(scale)\n    style = "
    path.write_text(path.read_text().replace("    style = ", text))
    assert changed(package, "units.py", "SCALE = 2", "SCALE = 3") == {"drawn", "scored"}
    assert (
        changed(
            package, "studies/s/measure.py", "SCALE as scale\n    print(scale)", "SCALE as factor\n    print(factor)"
        )
        == set()
    )


def test_an_edit_that_keeps_size_and_date_is_seen(package):
    path = package / "units.py"
    stat, before = path.stat(), fingerprints(package, package.parent / "code.json")
    path.write_text(path.read_text().replace("SCALE = 2", "SCALE = 3"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    after = fingerprints(package, package.parent / "code.json")
    assert before["scored"] != after["scored"] and before["drawn"] == after["drawn"]


def test_the_cache_gives_what_reading_gives(package):
    cache = package.parent / "code.json"
    first = fingerprints(package)
    assert fingerprints(package, cache) == first
    state = cache.stat().st_mtime_ns
    assert fingerprints(package, cache) == first
    assert cache.stat().st_mtime_ns == state, "nothing was read again"
    kept = json.loads(cache.read_text())
    entry, said = next(iter(kept["modules"].items()))
    for broken in (
        "{ broken",
        "[]",
        *(json.dumps(kept | {part: value}) for part in ("modules", "fingerprints") for value in (None, [], {"x": 1})),
        json.dumps(kept | {"modules": {entry: {"source": said["source"]}}}),
    ):
        cache.write_text(broken)
        assert fingerprints(package, cache) == first


def test_nothing_is_read_to_save_what_is_not_new(package, monkeypatch):
    cache = package.parent / "code.json"
    fingerprints(package, cache)
    sources = Sources(package, cache)
    monkeypatch.setattr(Sources, "bytes_at", lambda *_: pytest.fail("a file was read"))
    sources.save()


def test_what_is_kept_of_a_package_is_of_it_alone_though_it_is_edited_meanwhile(package):
    first, cache = fingerprints(package), package.parent / "code.json"
    sources = Sources(package, cache)
    assert Code(sources).fingerprint("s.measure:drawn") == first["drawn"]
    kept = {path: path.read_text() for path in package.rglob("*.py")}
    for path in kept:
        path.write_text("def read(:\n")
    assert Code(sources).fingerprint("s.measure:scored") == first["scored"], "of the bytes that the first saw"
    sources.save()
    for path, text in kept.items():
        path.write_text(text)
    assert fingerprints(package, cache) == first


def test_what_is_named_and_is_not_there_is_refused(package):
    code = Code(Sources(package))
    for entry in ("s.measure:absent", "s.absent:scored"):
        with pytest.raises(InputError, match="absent"):
            code(entry)
    (package / "files.py").write_text("def read(:\n")
    with pytest.raises(InputError, match=r"files\.py:1"):
        Code(Sources(package))("s.measure:drawn")


def test_local_names_are_told_apart_from_those_of_the_module():
    """Renaming is neutral where Python binds the name in the function, and never elsewhere."""

    def digest(text):
        return read_module(f"def f(a):\n    {text}\n", "m", False).definitions[0].said.digest

    assert digest("x = a; return x") == digest("y = a; return y")
    assert digest("x = a; y = 1; return x") != digest("x = a; y = 1; return y")
    assert digest("return x") != digest("return y")
    assert digest("global x; x = 1") != digest("global y; y = 1")
    assert digest("return [x for x in a]") == digest("return [y for y in a]")
    assert digest("return [x for y in a]") != digest("return [y for y in a]")
    assert digest("return lambda x: x") != digest("return lambda y: y"), "parameters may be named by callers"
    assert digest("import json as x; return x.loads") == digest("import json as y; return y.loads")
    assert digest("import json as x; return x.loads") != digest("import yaml as x; return x.loads")
    assert digest("x = 1\n    def g():\n        return x\n    return g") == digest(
        "y = 1\n    def g():\n        return y\n    return g"
    )
    assert digest("x = 1\n    def g():\n        x = 2\n        return x\n    return g, x") == digest(
        "x = 1\n    def g():\n        y = 2\n        return y\n    return g, x"
    )
    assert digest("x = 1\n    def g():\n        nonlocal x\n        x = 2\n    return g, x") != digest(
        "x = 1\n    def g():\n        x = 2\n    return g, x"
    )
    assert digest("return [y := 1, y]") == digest("return [z := 1, z]")
    assert digest("match a:\n        case [x, *y]: return x, y") == digest(
        "match a:\n        case [u, *v]: return u, v"
    )
    assert digest("match a:\n        case [x, *y]: return x, y") != digest(
        "match a:\n        case [u, *v]: return v, u"
    )


SNIPPETS = [path.read_text() for path in sorted(PACKAGE.rglob("*.py")) if path.stat().st_size > 500]


@given(st.sampled_from(SNIPPETS), st.randoms(use_true_random=False))
def test_renaming_the_variables_of_a_function_changes_no_digest(source, chance):
    """On the functions of this project: each variable that Python's compiler calls local gets another name."""
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not functions:
        return
    function = chance.choice(functions)
    before = read_module(ast.unparse(function), "m", False).definitions[0]
    names = local_names(function)
    if not names:
        return
    chosen = random.Random(len(names)).choice(sorted(names))
    after = read_module(ast.unparse(Renamed(chosen).visit(function)), "m", False).definitions[0]
    assert after.said.digest == before.said.digest


def local_names(function):
    """Names that are local to a function and nothing else, by Python's own tables of symbols."""
    import symtable

    table = symtable.symtable(ast.unparse(ast.Module([function], [])), "m", "exec").get_children()[0]
    if table.get_children():
        return set()
    return {
        one.get_name()
        for one in table.get_symbols()
        if one.is_local() and not one.is_parameter() and not one.is_imported() and not one.is_namespace()
    }


class Renamed(ast.NodeTransformer):
    def __init__(self, name):
        self.name = name

    def visit_Name(self, node):
        return ast.Name("renamed_" + node.id, node.ctx) if node.id == self.name else node

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        if node.name == self.name:
            node.name = "renamed_" + node.name
        return node


def test_modules_in_reach_are_those_that_python_loads():
    """Against an import in a fresh process: whatever is loaded is in reach, and rooms above are not."""
    reach = Reach(Sources(PACKAGE), "taskneurons.neurons.sets", "load_sets")
    command = "import sys; import taskneurons.neurons.sets; print(*[m for m in sys.modules if 'taskneurons' in m])"
    loaded = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.split()
    assert {module for module in loaded if module.startswith("taskneurons")} <= reach.modules
    assert "taskneurons.files" in reach.modules
    assert not {"taskneurons.params", "taskneurons.cli", "taskneurons.commands"} & reach.modules


def test_the_form_of_an_empty_function_is_the_same_in_every_version_of_python():
    """`ast.dump` is not: a digest that changed with Python would train everything again."""
    said = read_module("def f(a, *, b=1):\n    return a + b\n", "m", False).definitions[0].said
    tokens = (
        "(FunctionDef f [ ] (arguments args=a kwonlyargs=b kw_defaults int:1 ) "
        "[ (Return value (BinOp left <a> op (Add ) right <b> ) ) ] )"
    )
    assert said.digest == hashlib.sha256(tokens.encode()).hexdigest()
