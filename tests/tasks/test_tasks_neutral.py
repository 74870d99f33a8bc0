"""Neutral texts: none is scored and tested, and they come from where the parameters say."""

import pytest
from small_checkpoint import ECHO, MOOD, lay_task

from taskneurons.errors import InputError
from taskneurons.tasks.neutral import Neutral, english, neutral_texts
from taskneurons.tasks.storage import read_split


def test_lines_of_a_file_are_dealt_to_both_sides_and_short_ones_are_left_out(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("One line.\n\n  Two words. \nword\nThird line here.\nFourth line here.\nFifth line.\n")
    scored, tested = neutral_texts(Neutral("file", texts=2, tokens=8), {}, [file])
    assert (scored, tested) == (["One line.", "Third line here."], ["Two words.", "Fourth line here."])


def test_a_file_of_one_line_is_refused_by_name(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("One line.\n")
    with pytest.raises(InputError, match=r"1 neutral texts of two words or more.*") as error:
        neutral_texts(Neutral("file", texts=2, tokens=8), {}, [file])
    assert "text.txt" in str(error.value) and "at least two lines" in str(error.value)


def test_inputs_are_those_of_all_tasks_in_turn_without_instruction_and_answer(tmp_path):
    folders = {name: lay_task(tmp_path / name, task) for name, task in (("mood", MOOD), ("echo", ECHO))}
    scored, tested = neutral_texts(Neutral("inputs", texts=9, tokens=8), folders, [])
    known = [example.input for folder in folders.values() for example in read_split(folder, "validation")]
    assert sorted(scored + tested) == sorted(text for text in known if " " in text)


def test_generated_sentences_are_the_same_every_time_and_differ_from_each_other():
    texts = list(english(60))
    assert texts == list(english(60)) and len(set(texts)) == 60
    for text in texts:
        sentences = text.split(". ")
        assert len(sentences) == 3 and text.endswith(".")
        assert all(sentence[0].isupper() for sentence in sentences)
    scored, tested = neutral_texts(Neutral("english", texts=30, tokens=8), {}, [])
    assert not set(scored) & set(tested) and len(scored) == len(tested) == 30
