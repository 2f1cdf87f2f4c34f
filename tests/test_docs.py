"""What the pages in docs show is what happens: their code runs, their tables hold, their drawings are the tool's."""

import contextlib
import csv
import gzip
import io
import itertools
import os
import random
import re
import shlex
import statistics
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from jitnas_fn import JitnasError, fingerprint
from jitnas_fn.backends._globus import memory, pace, watch
from jitnas_fn.cli.app import run
from jitnas_fn.client import control, elsewhere, first_look, journal, liveness, losses
from jitnas_fn.client.client import WEEK_SECONDS
from jitnas_fn.core import envelope, shelf
from jitnas_fn.tables import nasbench201
from jitnas_fn.worker import outcomes, processes, tickets
from tests.spaces.tables import FOLDER

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
SAMENESS, IDENTITY, CLUSTER, COMPARISON = (
    (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    for name in (
        "what-makes-two-networks-the-same",
        "how-identity-works",
        "from-a-laptop-to-a-cluster",
        "compare-two-nas-methods",
    )
)
BLOCK = re.compile(
    r"^<!-- (run|measure|save \S+) -->\n```(python|sh)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_prints_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path))
    module = types.ModuleType("page")  # a class of the page has a source, as in a file
    module.__file__ = str(tmp_path / "example.py")
    monkeypatch.setitem(sys.modules, "page", module)
    for marker, language, code, shown in BLOCK.findall(page.read_text("utf-8")):
        if marker.startswith("save "):
            (tmp_path / marker.removeprefix("save ")).write_text(code, "utf-8")
            continue
        told = printed(code, module) if language == "python" else answered(code, tmp_path)
        if marker == "measure":
            assert alike(told, shown), told
        else:
            assert told.strip() == shown.strip(), code
    for drawing in tmp_path.glob("*.svg"):
        assert drawing.read_text("utf-8") == (ROOT / "docs" / "images" / drawing.name).read_text("utf-8")


def printed(code, module):
    Path(module.__file__).write_text(code, "utf-8")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, module.__file__, "exec"), vars(module))
    return out.getvalue()


def answered(code, folder):
    words = shlex.split(code)
    assert words[0] == "jitnas"
    done = subprocess.run(
        [sys.executable, "-m", "jitnas_fn.cli", *words[1:]],
        cwd=folder,
        env={**os.environ, "JITNAS_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def alike(told, shown):
    """Whether two texts say the same, but for what is measured: accuracies are near, times and hashes are free."""
    lines = [[line.split() for line in text.strip().splitlines()] for text in (told, shown)]
    pairs = [zip(one, other, strict=True) for one, other in zip(*lines, strict=True)]
    return all(same(*pair) for line in pairs for pair in line)


def same(word, other):
    if all(re.fullmatch(r"[01]\.\d{4}", one) for one in (word, other)):
        return abs(float(word) - float(other)) < 0.05
    free = (r"[\d,]+\.\d+", r"(?<=[-@])[0-9a-f]{8}\b")
    return re.sub("|".join(free), "#", word) == re.sub("|".join(free), "#", other)


def test_every_block_of_python_is_run_or_saved():
    for page in PAGES:
        text = page.read_text("utf-8")
        assert len(re.findall(r"^```python$", text, re.MULTILINE)) == sum(b[1] == "python" for b in BLOCK.findall(text))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_every_file_and_heading_that_is_linked_exists(page):
    for target in re.findall(r"\]\(([^)]+)\)", prose(page.read_text("utf-8"))):
        path, _, heading = target.partition("#")
        if ":" in path:
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if heading:
            assert heading in anchors(linked.read_text("utf-8")), target


def prose(text):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    """The names that headings have in links."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# the tables


def rows(heading):
    """The first two cells of each row of the table under a heading."""
    table = SAMENESS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(lines) > 4
    return [(one.strip().strip("`"), other.strip().strip("`")) for one, other, *_ in lines]


class Counted(nn.Module):
    """A layer that counts its calls."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.calls = layer, 0

    def forward(self, x):
        self.calls += 1
        return self.layer(x)


class InAList(nn.Module):
    """A layer where torch does not look for it."""

    def __init__(self, layer):
        super().__init__()
        self.layers = [layer]

    def forward(self, x):
        return self.layers[0](x)


class Moving(nn.Module):
    """A mean that moves, as one writes it by hand."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.register_buffer("mean", torch.zeros(3, 1, 1))

    def forward(self, x):
        y = self.layer(x)
        self.mean.mul_(0.9).add_(0.1 * y.detach().mean((0, 2, 3), keepdim=True)[0])
        return y - self.mean


class Own(torch.autograd.Function):
    """A function with a backward of its own."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient


def started(fill):
    def change(layer):
        fill(layer.weight)
        return layer

    return change


def hooked(layer):
    layer.register_forward_hook(lambda *given: None)
    return layer


def trained(layer):
    with torch.no_grad():
        layer.weight.mul_(0.01)
    return layer


def attend(layer, x):
    return layer(x, x, x)[0]


CHANGED = {
    "xavier": started(nn.init.xavier_uniform_),
    "orthogonal": started(nn.init.orthogonal_),
    "dirac": started(nn.init.dirac_),
    "sparse": started(lambda weight: nn.init.sparse_(weight, 0.5)),
    "spectral_norm": nn.utils.parametrizations.spectral_norm,
    "weight_norm": nn.utils.parametrizations.weight_norm,
    "frozen": lambda layer: layer.requires_grad_(False),
    "hooked": hooked,
    "counted": Counted,
    "moving": Moving,
    "in_a_list": InAList,
}
NAMES = {
    "torch": torch,
    "F": F,
    "random": random,
    "checkpoint": checkpoint,
    "Own": Own,
    "attend": attend,
    "pack_padded_sequence": nn.utils.rnn.pack_padded_sequence,
}


def conv():
    return nn.Conv2d(3, 3, 3, padding=1)


class Written(nn.Module):
    """The network that a cell of a table writes in one line; its layers are built once."""

    def __init__(self, line):
        super().__init__()
        self.a, self.b, self.norm, self.drop = conv(), conv(), nn.BatchNorm2d(3), nn.Dropout(0.5)
        for i, made in enumerate(re.findall(r"nn\.[A-Z]\w+\([^()]*\)", line)):
            self.add_module(f"layer{i}", eval(made, {"nn": nn}))
            line = line.replace(made, f"layer{i}")
        for change, name in re.findall(rf"({'|'.join(CHANGED)})\((\w+)\)\(", line):
            setattr(self, name, CHANGED[change](getattr(self, name)))
            line = line.replace(f"{change}({name})", name)
        self.line = line

    def forward(self, x):
        return eval(self.line, {**NAMES, "x": x, "m": self, **dict(self.named_children())})


def written(cell):
    """What a cell of a table stands for: a forward in one line, or a whole model."""
    if re.search(r"\bx\b", cell):
        return lambda: Written(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, when its compiler is loaded
        whole = eval(cell, {"nn": nn, "torch": torch, "a": conv(), "trained": trained})
    return whole if cell in ("trained(a)", "torch.compile(a)") else lambda: eval(cell, {"nn": nn, "a": conv()})


def keys(one, other):
    return [fingerprint(written(cell), (3, 8, 8)) for cell in (one, other)]


@pytest.mark.parametrize(("one", "other"), rows("The same"))
def test_a_row_of_the_first_table_is_one_network(one, other):
    a, b = keys(one, other)
    assert a == b


DIFFERENT = rows("Not the same") + rows("Two fingerprints although the mathematics agrees")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_a_row_of_the_other_tables_is_two_networks(one, other):
    a, b = keys(one, other)
    assert a != b


@pytest.mark.parametrize(("model", "message"), rows("Refused, and what to do"))
def test_a_refused_model_gets_the_message_that_is_shown(model, message):
    with pytest.raises(JitnasError) as refused:
        fingerprint(written(model), (3, 8, 8))
    assert message in re.sub(r" \([\w<>.]+, line \d+\)", "", str(refused.value))


LEFT_OUT = IDENTITY.partition("\n## What is left out\n")[2].partition("\n## ")[0]
EXAMPLES = [cell for line in LEFT_OUT.splitlines() if line.startswith("| ") for cell in re.findall(r"`([^`]+)`", line)]


@pytest.mark.parametrize("model", EXAMPLES)
def test_what_is_said_to_be_left_out_is_refused(model):
    with pytest.raises(JitnasError) as refused:
        fingerprint(written(model), (3, 8, 8))
    assert "NameError" not in str(refused.value)
    assert "SyntaxError" not in str(refused.value)


def test_an_entry_that_is_shown_is_in_the_tables():
    shown = re.findall(r"^```text\n(\".*)\n```$", IDENTITY, re.MULTILINE)
    tables = "".join((ROOT / "jitnas_fn" / "graphs" / f"opset_{i}.py").read_text("utf-8") for i in (1, 2))
    assert len(shown) == 2
    assert all(f"    {entry}\n" in tables for entry in shown)


# the way to a cluster

DAY = 24 * 3600
STATED = [
    (control.BATCH, 1000, "for up to 1,000 tasks"),
    (first_look.PATIENCE_SECONDS, 30, "says nothing for 30 s"),
    (elsewhere.FIRST_SECONDS, 0.5, "from half a second to twenty"),
    (elsewhere.MOST_SECONDS, 20, "from half a second to twenty"),
    (watch.CHECK_SECONDS, 10, "is asked every 10 s"),
    (liveness.CHECK_SECONDS, 60, "once a minute the site is asked"),
    (losses.TRIES["SiteUnavailable"], 8, "tried again 8 times"),
    (WEEK_SECONDS, 7 * DAY, "in seven days at the latest"),
    (journal.KEPT_SECONDS, 30 * DAY, "what was left, 30 days"),
    (memory.KEPT_SECONDS, 8 * DAY, "what was left, eight days"),
    (processes.KEPT_SECONDS, DAY, "a day after it was last seen to live"),
    (outcomes.KEPT_SECONDS, DAY, "keeps for a day how runs have ended"),
    (watch.LONGEST_SECONDS, 30, "later every 30 s"),
    (watch.SILENT_SECONDS, 600, "every ten minutes the service is asked"),
    (tickets.SILENT_SECONDS, 180, "after three minutes without a sign of life"),
    (tickets.SWEEP_SECONDS, 3600, "an hour after the last sign"),
    (envelope.MAX_PAYLOAD_BYTES, 8_000_000, "at most 8 MB"),
    (pace.FREE, 4, "makes four at once"),
    (pace.SLOW_SECONDS, 1, "then one a second"),
]


@pytest.mark.parametrize(("value", "stated", "words"), STATED, ids=[words for _, _, words in STATED])
def test_the_way_to_a_cluster_states_what_the_code_does(value, stated, words):
    assert value == stated
    assert words in " ".join(CLUSTER.split())


# comparisons

TABLE = FOLDER / "nb201.csv.gz"
PERCENT = r"(\d\d\.\d\d) ± (\d\.\d\d)"


def test_the_two_lines_are_two_and_the_ten_are_ten():
    blocks = [code for _, language, code, _ in BLOCK.findall(COMPARISON) if language == "python"][:2]
    assert [len([line for line in code.splitlines() if line.strip()]) for code in blocks] == [2, 10]


def commands(page):
    """The commands in the blocks of a page, each as its words."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def test_every_option_that_is_named_exists(capsys):
    told = {}
    for command in ("compare", "search", "report", "transfer", "lookup", "cache import"):
        with contextlib.suppress(SystemExit):
            run([*command.split(), "--help"])
        told[command] = capsys.readouterr().out
    for _, command, *words in commands(COMPARISON):
        assert all(f" {word} " in told[command] for word in words if word.startswith("--"))
    named = set(re.findall(r"`(--[a-z-]+)[ `]", prose(COMPARISON)))
    assert len(named) > 8
    assert all(any(f" {word} " in text for text in told.values()) for word in named)


def test_every_method_is_named_and_the_other_way_round():
    rows = COMPARISON.partition("| methods | |\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])} == set(shelf.names("searchers"))


STAND_IN = """
class Api:
    meta_archs = ["|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|none~2|"]
    arch2infos_dict = {}

    def get_more_info(self, index, dataset, hp, is_random):
        assert is_random is False
        late = hp == "200"
        found = {"test-accuracy": 50.0 + 10 * late, "train-all-time": 12.5 * int(hp)}
        return found if dataset == "cifar10" else found | {"valid-accuracy": 40.0 + 10 * late + len(dataset) / 100}

    def get_cost_info(self, index, dataset, hp):
        return {"params": 0.129306, "flops": 15.64737}


def create(folder, space, fast_mode, verbose):
    assert (folder, space, fast_mode) == ("folder", "tss", True)
    return Api()
"""


def test_the_script_that_makes_a_table_makes_one_that_is_read(tmp_path):
    """Against the functions of nats_bench 1.8, and a cell of our own making."""
    code = next(code for marker, _, code, _ in BLOCK.findall(COMPARISON) if marker == "save nb201_to_csv.py")
    (tmp_path / "nb201_to_csv.py").write_text(code, "utf-8")
    (tmp_path / "nats_bench.py").write_text(STAND_IN, "utf-8")
    subprocess.run([sys.executable, "nb201_to_csv.py", "folder"], cwd=tmp_path, check=True, timeout=60)
    (row,), _ = nasbench201.TABLE.read(tmp_path / "nb201.csv.gz")
    assert row.point == (4, 2, 1, 2, 1, 0)
    assert row.sizes["cifar10"] == (129_306, 15_647_370)
    found = {(figure.dataset, figure.recipe): figure for figure in row.figures}
    for dataset, length in (("cifar10", 13), ("cifar100", 8), ("imagenet16_120", 14)):  # of cifar10-valid, cifar100, …
        early, late = (found[dataset, f"nasbench201_{epochs}"] for epochs in (12, 200))
        assert early.validation == pytest.approx(0.4 + length / 10_000)
        assert (early.test, late.test) == (0.5, 0.6)
    assert found["cifar10", "nasbench201_200"].seconds == 2500.0


def of_the_table():
    if not TABLE.exists():
        pytest.skip(f"there is no {TABLE.name} here: JITNAS_TABLES names a folder with it")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_replay_that_is_shown_is_what_happens(tmp_path):
    of_the_table()
    (tmp_path / TABLE.name).symlink_to(TABLE)
    words = next(words for words in commands(COMPARISON) if "--seeds 200" in " ".join(words))
    shown = re.search(r"--seeds 200\n```\n```text\n(.*?)```", COMPARISON, re.DOTALL)[1]
    told = answered(shlex.join(words), tmp_path)
    rows, shown_rows = (re.findall(r"^(\w+ +\w+ +200 .*) [\d.]+$", text, re.MULTILINE) for text in (told, shown))
    assert rows == shown_rows
    assert len(rows) == 9
    assert told.splitlines()[-1] == shown.splitlines()[-1]
    figures = re.findall(rf"^\| `(\w+)` \| `(\w+)` \| .* \| {PERCENT} \|$", COMPARISON, re.MULTILINE)
    assert len(figures) == 6
    for method, dataset, mean, deviation in figures:
        row = next(row for row in rows if row.split()[:2] == [dataset, method])
        assert [f"{100 * float(number):.2f}" for number in re.findall(r"0\.\d{4}", row)[:2]] == [mean, deviation]
    run_name = re.search(r"^run (\S+-cifar10-\w+):", told, re.MULTILINE)[1]
    moved = answered(f"jitnas transfer {run_name} --to cifar100,imagenet16_120 --table {TABLE.name}", tmp_path)
    stated = re.findall(r"0\.\d{3}", COMPARISON.partition("\n## On another dataset\n")[2].partition("\n## ")[0])
    assert re.findall(r"rank correlation (0\.\d{3}) over 15,625 networks", moved) == stated


def test_a_replay_from_python_prints_what_is_shown(tmp_path):
    of_the_table()
    (tmp_path / TABLE.name).symlink_to(TABLE)
    code, shown = next((code, shown) for marker, _, code, shown in BLOCK.findall(COMPARISON) if "search_a_table" in marker)
    environment = {**os.environ, "JITNAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == shown


def test_every_method_that_is_told_how_far_it_is_from_the_best_exists():
    rows = COMPARISON.partition("\n### How far from the best\n")[2].partition("\n### ")[0]
    named = re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= set(shelf.names("searchers"))


def test_what_random_search_finds_in_the_mean_is_as_stated():
    """How likely it is that the best of 100 draws has a rank can be written down; of equal ones each is as likely."""
    of_the_table()
    stated = re.search(rf"written down, and that gives {PERCENT}, {PERCENT} and {PERCENT}\.", " ".join(COMPARISON.split()))
    with gzip.open(TABLE, "rt", newline="") as file:
        cells = list(csv.DictReader(file))
    for place, dataset in enumerate(nasbench201.DATASETS):
        pairs = sorted((float(cell[f"{dataset}_val_12"]), float(cell[f"{dataset}_test_200_mean"])) for cell in cells)
        below, mean, square = 0, 0.0, 0.0
        for _, equal in itertools.groupby(pairs, key=lambda pair: pair[0]):
            tests = [test for _, test in equal]
            chance = ((below + len(tests)) / len(pairs)) ** 100 - (below / len(pairs)) ** 100
            mean += chance * statistics.fmean(tests)
            square += chance * statistics.fmean([test**2 for test in tests])
            below += len(tests)
        assert f"{mean:.2f}" == stated[2 * place + 1]
        assert f"{(square - mean**2) ** 0.5:.2f}" == stated[2 * place + 2]
