import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_zoo.tiles import Tile, clip, for_training, plan


@settings(max_examples=100, deadline=None)
@given(width=st.integers(1, 2000), height=st.integers(1, 2000), tile=st.integers(32, 700), overlap=st.floats(0, 0.7))
def test_tiles_cover_every_pixel_and_share_the_overlap(width: int, height: int, tile: int, overlap: float) -> None:
    for tiles in (plan(width, height, tile, overlap), for_training(width, height, tile, overlap)):
        assert len(set(tiles)) == len(tiles)
        for starts, ends, side in (
            (sorted({t.x for t in tiles}), sorted({t.x + t.width for t in tiles}), width),
            (sorted({t.y for t in tiles}), sorted({t.y + t.height for t in tiles}), height),
        ):
            assert (starts[0], ends[-1]) == (0, side)
            assert all(end - start >= overlap * tile - 1e-6 for start, end in zip(starts[1:], ends, strict=False))
        assert len(tiles) == len({t.x for t in tiles}) * len({t.y for t in tiles})


def test_fields_up_to_one_and_a_half_tiles_are_seen_whole() -> None:
    assert plan(480, 300, 320) == [Tile(0, 0, 480, 300)]
    assert plan(481, 300, 320) == [Tile(0, 0, 320, 300), Tile(161, 0, 320, 300)]
    assert len(plan(2048, 2048, 320)) == 81


def test_training_tiles_are_never_larger_than_the_tile() -> None:
    assert for_training(480, 300, 320) == [Tile(0, 0, 320, 300), Tile(160, 0, 320, 300)]
    assert for_training(320, 320, 320) == [Tile(0, 0, 320, 320)]


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="share from 0"):
        plan(1000, 1000, 320, 1.0)
    with pytest.raises(ValueError, match="at least 1"):
        for_training(0, 10, 320)


def test_clip_moves_cuts_and_drops() -> None:
    tile = Tile(100, 50, 200, 100)
    boxes = np.array([[110, 60, 150, 90], [90, 60, 110, 80], [93, 60, 103, 80], [0, 0, 20, 20], [120, 70, 120, 90]])
    seen, kept = clip(boxes, tile)
    assert kept.tolist() == [0, 1, 2]
    assert seen.tolist() == [[10, 10, 50, 40], [0, 10, 10, 30], [0, 10, 3, 30]]
    assert clip(boxes, tile, min_visible=0.4)[1].tolist() == [0, 1]
    assert clip(np.zeros((0, 4)), tile)[0].shape == (0, 4)
