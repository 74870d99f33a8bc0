"""Numbers in titles are told with their sign, and zero without one."""

from pathlib import Path

import matplotlib
import pytest
from matplotlib import font_manager

from taskneurons.evidence.style import FONT, signed


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1.0, 1, "+1.0"),
        (-45.04, 1, "−45.0"),
        (-0.06, 1, "−0.1"),
        (0.0, 1, "0.0"),
        (0.04, 1, "0.0"),
        (-0.04, 1, "0.0"),
        (-0.0, 1, "0.0"),
        (-0.04, 2, "−0.04"),
        (-0.004, 2, "0.00"),
    ],
)
def test_a_change_has_its_sign_unless_it_rounds_to_zero(value: float, digits: int, text: str) -> None:
    assert signed(value, digits) == text


def test_the_font_is_matplotlibs_own_whatever_the_system_has():
    assert Path(font_manager.findfont(FONT)).is_relative_to(matplotlib.get_data_path())
    assert (
        Path(font_manager.findfont(font_manager.FontProperties(family=FONT, weight="bold"))).name
        == "DejaVuSans-Bold.ttf"
    )
