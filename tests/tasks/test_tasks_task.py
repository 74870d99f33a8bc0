"""Task and Example: constructors refuse what cannot be used; the template follows from the id alone."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.tasks.prompts import make_example, template_of, templates_from_instructions
from taskneurons.tasks.task import Example, Task, choose_tasks, content_id, require_slug

TEMPLATES = ("say : {input} . answer :", "tell : {input} . answer :", "{input} ?")


def classification(**changes) -> Task:
    fields = {
        "name": "mood",
        "family": "sentiment",
        "kind": "classification",
        "templates": TEMPLATES,
        "options": ("good", "bad"),
    }
    return Task(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "a;touch X;"}, "not a usable name"),
        ({"name": "../../x"}, "not a usable name"),
        ({"name": "mood\n"}, "not a usable name"),
        ({"name": "Mood"}, "not a usable name"),
        ({"name": "m" * 41}, "not a usable name"),
        ({"name": ""}, "not a usable name"),
        ({"name": "all"}, "reserved"),
        ({"name": "original"}, "reserved"),
        ({"family": "a b"}, "not a usable name"),
        ({"kind": "regression"}, "classification or generation"),
        ({"templates": ()}, "at least one"),
        ({"templates": ("no slot",)}, "exactly once"),
        ({"templates": ("{input} {input}",)}, "exactly once"),
        ({"templates": ("a {input}", "a {input}")}, "repeats"),
        ({"templates": ["a {input}"]}, "tuple of texts"),
        ({"options": ("good",)}, "at least two"),
        ({"options": ("good", "good")}, "repeats"),
        ({"options": ("good", " bad")}, "white space"),
        ({"options": ("good", "")}, "empty"),
        ({"kind": "generation"}, "no options"),
        ({"license": None}, "must be text"),
    ],
)
def test_a_task_that_cannot_be_used_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        classification(**changes)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (("1", "{input}", "x", ""), "answer is empty"),
        (("1", "{input}", "x", "  "), "answer is empty"),
        (("1", "{input}", "x", "y "), "outer white space"),
        (("", "{input}", "x", "y"), "empty id"),
        (("1", "no slot", "x", "y"), "exactly once"),
        (("1", "{input}", None, "y"), "must be text"),
        (("1", "{input}", "x", 3), "must be text"),
    ],
)
def test_an_example_that_cannot_be_used_is_refused(fields, words):
    with pytest.raises(InputError, match=words):
        Example(*fields)


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_only_the_slot_is_filled_whatever_the_input_holds(text):
    example = Example("1", "{a} : {input} {} .", text, "y")
    assert example.parts() == ("{a} : ", text, " {} .")
    assert example.prompt == f"{{a}} : {text} {{}} ."


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_a_name_that_passes_is_a_plain_path_part(name):
    try:
        require_slug(name, what="task name")
    except InputError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name, re.ASCII)


def test_names_with_shell_or_path_characters_never_pass():
    for character in "/\\;$`'\"|&<>()* \t\n.-~{}":
        with pytest.raises(InputError):
            require_slug(f"a{character}b", what="task name")


def test_templates_follow_from_ids_and_cover_all_templates():
    ids = [content_id(f"text {number}", "y") for number in range(600)]
    by_order = {one: template_of(TEMPLATES, one) for one in ids}
    shuffled = ids.copy()
    random.Random(0).shuffle(shuffled)
    assert by_order == {one: template_of(TEMPLATES, one) for one in shuffled}
    shares = [list(by_order.values()).count(template) / 600 for template in TEMPLATES]
    assert min(shares) > 0.26  # a third each; 4 standard errors below it is 0.256


def test_ids_follow_from_content():
    assert content_id("a", "b") == content_id("a", "b") != content_id("a", "c")
    # Without the length of the input the border between input and answer could move.
    assert content_id("a", "b\nc") != content_id("a\nb", "c")
    assert content_id("a", "b", 1) != content_id("a", "b")
    assert make_example(classification(), "a", "good").id == content_id("a", "good")


def test_plain_instructions_become_several_templates_and_whole_templates_stay():
    plain = templates_from_instructions(["What is it?"], "classification", ("A", "B"))
    assert len(plain) == 4 and all(template.count("{input}") == 1 for template in plain)
    assert all("What is it?" in template for template in plain)
    assert sum("A, B" in template for template in plain) == 1
    assert len(templates_from_instructions(["What is it?"], "generation")) == 3
    assert templates_from_instructions(["Q: {input} A:"], "generation") == ("Q: {input} A:",)


def test_options_are_listed_never_in_one_form_or_in_every_prompt():
    listed = {}
    for how in ("never", "sometimes", "always"):
        made = templates_from_instructions(["What is it?", "Q: {input} A:"], "classification", ("A", "B"), how)
        assert made[-1] == "Q: {input} A:", "a whole template is taken as it stands"
        listed[how] = ["Options: A, B" in template for template in made[:-1]]
    assert listed == {"never": [False] * 3, "sometimes": [False] * 3 + [True], "always": [True]}
    assert len(templates_from_instructions(["What is it?"], "generation", (), "always")) == 3


def test_an_unknown_task_is_answered_with_the_nearest_one():
    assert choose_tasks("all", ("a", "b"), where="f") == ("a", "b")
    assert choose_tasks(["b", "a"], ("a", "b"), where="f") == ("b", "a")
    with pytest.raises(InputError, match=r"^f: there is no task 'agnew'. Did you mean 'agnews'\?$"):
        choose_tasks(["agnew"], ("agnews", "rte"), where="f")
    with pytest.raises(InputError, match="Choose among: agnews, rte"):
        choose_tasks(["zzz"], ("agnews", "rte"), where="f")
    with pytest.raises(InputError, match="twice"):
        choose_tasks(["rte", "rte"], ("agnews", "rte"), where="f")
    with pytest.raises(InputError, match="no task is asked for"):
        choose_tasks([], ("agnews", "rte"), where="f")
