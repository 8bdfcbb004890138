"""Line charts: numbers in, coordinates and the same numbers as text out."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from learning.figures.lines import Axis, Band, LineChart, Marker, Series, line_chart, round_ticks

EPOCH, LOSS = Axis("epoch", whole=True), Axis("loss")
FINITE = st.floats(-1e9, 1e9, allow_nan=False)


def places(chart: LineChart) -> list[tuple[float, float]]:
    marks = [(mark.x, mark.y) for line in chart.lines for mark in line.marks]
    paths = " ".join(line.path for line in chart.lines)
    return marks + [(float(a), float(b)) for a, b in re.findall(r"(-?[\d.]+),(-?[\d.]+)", paths)]


class TestTicks:
    @pytest.mark.parametrize(
        ("low", "high", "most", "ticks"),
        [
            (0, 1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (1, 20, 5, [5, 10, 15, 20]),
            (0, 3000, 4, [0, 1000, 2000, 3000]),
            (2, 2, 5, [2]),
        ],
    )
    def test_they_are_round(self, low: float, high: float, most: int, ticks: list[float]) -> None:
        assert round_ticks(low, high, most) == ticks

    def test_epochs_are_whole(self) -> None:
        assert round_ticks(1, 3, 9, whole=True) == [1, 2, 3]

    @given(FINITE, st.floats(1e-6, 1e9), st.integers(2, 12))
    def test_they_lie_within_and_are_not_too_many(self, low: float, wide: float, most: int) -> None:
        ticks = round_ticks(low, low + wide, most)
        slack = 1e-6 * max(abs(low), wide)
        assert len(ticks) <= most + 1
        assert all(low - slack <= tick <= low + wide + slack for tick in ticks)


class TestChart:
    def test_higher_values_stand_higher_and_later_ones_further_right(self) -> None:
        line = line_chart("Loss", [Series("training", [(1, 2.0), (2, 1.0)])], x=EPOCH, y=LOSS).lines[0]
        first, last = line.marks
        assert first.x < last.x
        assert first.y < last.y  # pixels count downwards

    def test_a_gap_breaks_the_line(self) -> None:
        points = [(1.0, 1.0), (2.0, 1.0), (3.0, float("nan")), (4.0, None), (5.0, 2.0), (6.0, 2.0)]
        assert line_chart("Loss", [Series("a", points)], x=EPOCH, y=LOSS).lines[0].path.count("M") == 2

    def test_a_single_point_is_a_mark(self) -> None:
        line = line_chart("Loss", [Series("a", [(1, 0.5)])], x=EPOCH, y=LOSS).lines[0]
        assert (line.path, len(line.marks)) == ("", 1)

    def test_nothing_makes_an_empty_chart(self) -> None:
        assert line_chart("Loss", [Series("a", [])], x=EPOCH, y=LOSS).empty

    def test_thousands_of_points_are_thinned_and_the_last_one_stays(self) -> None:
        chart = line_chart("Loss", [Series("a", [(n, 1.0) for n in range(1, 5001)])], x=EPOCH, y=LOSS)
        assert chart.lines[0].path.count("L") < 300
        assert len(chart.rows) <= 61
        assert chart.rows[-1][0] == "5000"

    def test_the_table_holds_every_series_and_the_band(self) -> None:
        chart = line_chart(
            "AP50",
            [Series("teacher", [(1, 0.5), (2, 0.6)]), Series("student", [(2, 0.55)])],
            x=EPOCH,
            y=Axis("AP50", 0, 1),
            band=Band("95 %", [(1, 0.4, 0.6), (2, 0.5, 0.7)]),
        )
        assert chart.columns == ("epoch", "teacher", "student", "95 %, low", "95 %, high")
        assert chart.rows == (("1", "0.5", "\N{EN DASH}", "0.4", "0.6"), ("2", "0.6", "0.55", "0.5", "0.7"))
        assert chart.band.startswith("M")

    def test_a_marker_stands_at_its_place_and_in_the_legend(self) -> None:
        series = [Series("a", [(1, 1.0), (2, 0.5), (3, 0.7)])]
        chart = line_chart("Loss", series, x=EPOCH, y=LOSS, marker=Marker(2, "best epoch: 2"))
        assert chart.marker is not None
        assert chart.marker.at == chart.lines[0].marks[1].x
        assert "best epoch: 2" in render_to_string("learning/_lines.html", {"chart": chart})
        assert line_chart("Loss", series, x=EPOCH, y=LOSS, marker=Marker(9, "beyond")).marker is None

    def test_what_lies_beyond_a_fixed_axis_stays_inside_the_picture(self) -> None:
        chart = line_chart("P", [Series("a", [(0, -3.0), (1, 7.0)])], x=Axis("recall", 0, 1), y=Axis("precision", 0, 1))
        assert all(chart.top <= y <= chart.bottom for _, y in places(chart))

    @given(st.lists(st.tuples(FINITE, st.one_of(st.none(), st.floats())), max_size=30))
    def test_any_numbers_stay_inside_the_picture(self, points: list[tuple[float, float | None]]) -> None:
        chart = line_chart("Loss", [Series("a", points)], x=Axis("x"), y=LOSS)
        assert all(
            chart.left - 0.1 <= x <= chart.right + 0.1 and chart.top - 0.1 <= y <= chart.bottom + 0.1
            for x, y in places(chart)
        )

    def test_it_is_written_without_style_attributes_and_with_its_table(self) -> None:
        chart = line_chart("Loss", [Series("a", [(1, 1.0)]), Series("b", [(1, 2.0)])], x=EPOCH, y=LOSS)
        page = render_to_string("learning/_lines.html", {"chart": chart})
        assert "style=" not in page
        assert '<th scope="row" class="number">1</th>' in page
        assert 'class="legend"' in page
