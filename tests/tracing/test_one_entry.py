"""An operation on one tensor, element by element, that torch has by name is one entry in the table, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from jitnas_fn.core.errors import UnsupportedModel
from tests.tracing.numerics import Net, key

ROOT = Path(__file__).parents[2]
EXP2 = '"exp2": _elementwise("exp2")'
LOGIT = '"logit": Operation(shapes.same, attrs={"eps": a_float}, torch="logit", arguments=(Argument("eps"),), opset=2)'
# The entry is put into the table before anything that reads the table is imported.
PROGRAM = """
from jitnas_fn.graphs import opset_2, shapes
from jitnas_fn.graphs.operations import Argument, Operation, a_float
from jitnas_fn.graphs.opset_2 import _elementwise

opset_2.OPSET_2 = opset_2.OPSET_2 | {{{entry}}}

import json
import torch
from torch import nn
from jitnas_fn import Architecture
from tests.tracing.numerics import Net


def asked(function):
    parts = lambda: dict(conv=nn.Conv2d(1, 2, 3), head=nn.Linear(8, 3))
    return Architecture.from_module(lambda: Net(lambda s, x: s.head(function(s.conv(x)).flatten(1)), **parts()), (1, 4, 4))


def told():
{body}


print(json.dumps(told()))
"""


def with_entry(entry, body):
    """What `body` returns in a fresh interpreter whose table has one entry more."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(entry=entry, body=lines)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_without_the_entry_the_operation_is_refused():
    with pytest.raises(UnsupportedModel, match=r"torch\.exp2 is not in the table"):
        key(lambda: Net(lambda s, x: torch.exp2(s.a(x)), a=nn.Linear(4, 4)))


def test_one_entry_gives_every_spelling_one_key_of_its_own():
    *spellings, other = with_entry(
        EXP2,
        """
ways = [torch.exp2, lambda x: x.exp2(), lambda x: x.exp2_(), torch.exp]
return [asked(way).fingerprint for way in ways]
""",
    )
    assert len(set(spellings)) == 1
    assert other != spellings[0]


def test_one_entry_is_enough_to_write_read_rebuild_and_train_a_network():
    found = with_entry(
        EXP2,
        """
architecture, x = asked(torch.exp2), torch.randn(5, 1, 4, 4)
network = architecture.build(seed=3)
by_shape = {tuple(weight.shape): weight for weight in network.parameters()}
kernel, shift, head, bias = (by_shape[shape] for shape in [(2, 1, 3, 3), (2,), (3, 8), (3,)])
by_hand = (2 ** torch.conv2d(x, kernel, shift)).flatten(1) @ head.T + bias
agrees = torch.allclose(network(x), by_hand, rtol=1e-5, atol=1e-6)
again = Architecture.from_module(network, (1, 4, 4)).fingerprint
loss = network(x).square().mean()
loss.backward()
torch.optim.SGD(network.parameters(), lr=0.01).step()
return {
    "opset": architecture.document["opset"],
    "ops": [node["op"] for node in architecture.document["nodes"]],
    "read back": Architecture.from_json(architecture.to_json()).fingerprint == architecture.fingerprint,
    "traced again": again == architecture.fingerprint,
    "agrees": agrees,
    "learns": bool(network(x).square().mean() < loss),
}
""",
    )
    assert found.pop("opset") == 2
    assert found.pop("ops") == ["conv", "exp2", "reshape", "linear"]
    assert all(found.values()), found


def test_an_argument_that_the_entry_names_is_part_of_the_key():
    small, named, large = with_entry(
        LOGIT,
        """
ways = [lambda x: torch.logit(x, 0.1), lambda x: x.logit(eps=0.1), lambda x: torch.logit(x, 0.2)]
return [asked(way).fingerprint for way in ways]
""",
    )
    assert small == named != large


def test_validation_refuses_an_entry_whose_default_is_not_torchs():
    told = with_entry(
        LOGIT.replace('Argument("eps")', 'Argument("eps", 0.25)'),
        """
try:
    return asked(lambda x: torch.logit(torch.sigmoid(x))).fingerprint
except Exception as error:
    return str(error)
""",
    )
    assert "the network rebuilt from what was traced is not this model" in told
