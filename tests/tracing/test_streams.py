"""Numbers that never change: the streams, against literal values, and their distributions."""

import numpy as np
import pytest

from jitnas_fn.tracing.rebuild import drawn_values
from jitnas_fn.tracing.streams import Stream

FROZEN = {
    "words": [2080070433670679990, 12981059822586284072, 7630549222861594647],
    "uniform": [0.11276084415543075, 0.7037046630406173, 0.4136529022342059],
    "normal": [-0.1402909920338494, -0.46861482801307236, -0.9169764331547311],
    "permutation": [0, 4, 2, 5, 3, 1],
    "coins": [False, False, False, True, False, False, False, False, True],
}


@pytest.mark.parametrize("kind", FROZEN)
def test_a_stream_gives_the_same_numbers_for_ever(kind):
    stream = Stream(7, "weights", 3)
    found = {
        "words": lambda: stream.words(3),
        "uniform": lambda: stream.uniform(3),
        "normal": lambda: stream.normal(3),
        "permutation": lambda: stream.permutation(6),
        "coins": lambda: stream.coins(9, 0.5),
    }[kind]()
    assert np.allclose(found.astype(float), np.array(FROZEN[kind], dtype=float), rtol=1e-14, atol=0)


def test_moments_of_the_streams():
    u, z, c = (
        getattr(Stream(1, "weights", 0), name)(400_000, *more)
        for name, more in (("uniform", ()), ("normal", ()), ("coins", (0.3,)))
    )
    assert (u.min() >= 0, u.max() < 1) == (True, True)
    assert u.mean() == pytest.approx(0.5, abs=0.003)
    assert u.var() == pytest.approx(1 / 12, abs=0.001)
    assert z.mean() == pytest.approx(0, abs=0.008)
    assert z.var() == pytest.approx(1, abs=0.01)
    assert (z**4).mean() == pytest.approx(3, abs=0.1)
    assert c.mean() == pytest.approx(0.3, abs=0.004)


def test_drawn_values_have_the_distribution_they_are_named_after():
    stream = Stream(2, "weights", 0)
    assert set(drawn_values({"const": 0.25}, 5, stream)) == {0.25}
    assert set(np.floor(drawn_values({"uniform": [-2.0, 2.0]}, 9999, stream))) == {-2, -1, 0, 1}
    normal = drawn_values({"normal": [3.0, 0.5]}, 200_000, stream)
    assert (normal.mean(), normal.std()) == pytest.approx((3, 0.5), abs=0.01)
    cut = drawn_values({"trunc_normal": [0.0, 1.0, -1.0, 2.0]}, 200_000, stream)
    assert (cut.min() >= -1, cut.max() <= 2) == (True, True)
    assert cut.mean() == pytest.approx(0.2296, abs=0.01)  # (φ(-1) − φ(2)) / (Φ(2) − Φ(-1))


def test_an_odd_count_of_normals_is_the_beginning_of_the_next_even_one():
    assert (Stream(1, "weights").normal(5) == Stream(1, "weights").normal(6)[:5]).all()
