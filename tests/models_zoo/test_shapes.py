import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_zoo.records import Target
from models_zoo.shapes import as_circle, enlarge, training_box

places = st.floats(-50, 5000)


@settings(max_examples=60, deadline=None)
@given(cx=places, cy=places, r=st.floats(0.5, 400), shrink=st.floats(0.3, 1.5))
def test_a_circle_comes_back_from_training_as_it_was_drawn(cx: float, cy: float, r: float, shrink: float) -> None:
    box = training_box(Target("circle", (cx, cy, r), 0), shrink)
    assert box[2] - box[0] == pytest.approx(2 * r * shrink, abs=1e-6)
    back = as_circle(enlarge(np.array([box]), shrink)[0])
    assert back == pytest.approx((cx, cy, r), abs=1e-6)


def test_boxes_and_contours_are_never_shrunk() -> None:
    assert training_box(Target("box", (1.0, 2.0, 30.0, 40.0), 0), 0.5) == (1.0, 2.0, 30.0, 40.0)
    assert training_box(Target("contour", (5.0, 2.0, 9.0, 7.0, 1.0, 8.0), 0), 0.5) == (1.0, 2.0, 9.0, 8.0)


def test_radius_is_a_quarter_of_width_and_height() -> None:
    assert as_circle((10.0, 20.0, 30.0, 70.0)) == (20.0, 45.0, 17.5)


def test_enlarging_keeps_the_number_type_and_takes_no_box() -> None:
    assert enlarge(np.zeros((0, 4), np.float32), 0.8).shape == (0, 4)
    assert enlarge(np.ones((2, 4), np.float32), 0.8).dtype == np.float32
    with pytest.raises(ValueError, match="shrink factor must be positive"):
        enlarge(np.zeros((1, 4)), 0.0)
