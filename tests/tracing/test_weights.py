"""What numbers tell about the distribution that they may be drawn from."""

import pytest
import torch
from torch import nn

from jitnas_fn.tracing.weights import holds

DRAWS = {
    "uniform": ({"uniform": [-0.5, 0.5]}, lambda t: t.uniform_(-0.5, 0.5)),
    "normal": ({"normal": [1.0, 2.0]}, lambda t: t.normal_(1.0, 2.0)),
    "trunc_normal": ({"trunc_normal": [0.0, 1.0, -2.0, 2.0]}, lambda t: nn.init.trunc_normal_(t)),
    "one tail": ({"trunc_normal": [0.0, 1.0, 1.0, 3.0]}, lambda t: nn.init.trunc_normal_(t, a=1.0, b=3.0)),
}
draws = pytest.mark.parametrize(("init", "fill"), DRAWS.values(), ids=DRAWS)


@draws
@pytest.mark.parametrize("count", [1, 2, 9, 100])
def test_honest_draws_hold_however_few_they_are(init, fill, count):
    torch.manual_seed(count)
    assert all(holds(fill(torch.empty(count)), init) for _ in range(2000))


@draws
def test_numbers_that_were_shrunk_shifted_or_ordered_do_not_hold(init, fill):
    torch.manual_seed(0)
    numbers = fill(torch.empty(4096))
    centre = numbers.mean()
    assert holds(numbers, init)
    assert not holds((numbers - centre) * 0.7 + centre, init)
    assert not holds(numbers.clamp(min=numbers.quantile(0.4).item()), init)
    assert not holds(numbers.sort().values, init)


def test_one_zero_is_a_draw_in_many_and_several_are_not():
    """A network of a hundred thousand numbers in small tensors holds an exact 0 once in two hundred builds."""
    torch.manual_seed(0)
    init = {"uniform": [-0.5, 0.5]}
    kernel, gate = torch.empty(16, 1, 3, 3).uniform_(-0.5, 0.5), torch.empty(10).uniform_(-0.5, 0.5)
    kernel[3, 0, 1, 1] = gate[4] = 0.0
    assert holds(kernel, init)
    assert not holds(gate, init)
    kernel[:3, 0, 1, 1] = 0.0
    assert not holds(kernel, init)
