"""On the published tables themselves: what is known of them is what their records say."""

import csv
import gzip

import pytest

from jitnas_fn import Client, open_table
from jitnas_fn.analysis.ranks import spearman
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.task import task_of
from jitnas_fn.spaces._cells201 import EDGES
from jitnas_fn.spaces.nasbench201 import SPACE
from jitnas_fn.spaces.nasbench_macro import SPACE as MACRO
from jitnas_fn.tables.nasbench_macro import TABLE as MACRO_TABLE
from tests.spaces.tables import FOLDER

DATASETS = ("cifar10", "cifar100", "imagenet16_120")
pytestmark = pytest.mark.slow


def path_of(name):
    path = FOLDER / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JITNAS_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_table("nasbench201", path_of("nb201"))


def rows_of(table, code, dataset, recipe="nasbench201_200"):
    """The records of a cell's network, by their published index."""
    card = card_named(dataset)
    architecture = SPACE.architecture(tuple(map(int, code)), card.input_shape, card.outputs)
    found = table.replicates(task_of(architecture.fingerprint, card, recipe_named(recipe), 0).key)
    return {record.provenance["index"]: record.metrics["test"]["accuracy"] for record in found}


def figures(table, dataset, recipe):
    return [
        next(figure for figure in row.figures if (figure.dataset, figure.recipe) == (dataset, recipe)) for row in table.rows
    ]


def test_its_cells_are_so_many_networks(table):
    """Its authors' 6,466 strings are another count: some of them stand for networks with different layers."""
    assert (len(table.rows), table.networks, len(table)) == (15_625, 5_485, 15_625 * 3 * 2)
    with gzip.open(path_of("nb201"), "rt", newline="") as file:
        assert len({row["unique_id"] for row in csv.DictReader(file)}) == 6_466


def test_the_best_cells_and_the_one_that_darts_found_read_as_published(table):
    codes = {row.index: "".join(map(str, row.point)) for row in table.rows}
    for dataset, (best, index), skip in zip(
        DATASETS, ((0.94373, "6111"), (0.73513, "9930"), (0.47311, "857")), (0.54297, 0.15607, 0.16322), strict=True
    ):
        assert max(figure.test for figure in figures(table, dataset, "nasbench201_200")) == pytest.approx(best, abs=1e-5)
        assert rows_of(table, codes[index], dataset)[index] == pytest.approx(best, abs=1e-5)
        assert rows_of(table, "111111", dataset)["1835"] == pytest.approx(skip, abs=1e-5)


def test_cells_without_a_way_from_input_to_output_read_as_chance(table):
    found = [row for row in table.rows if 3 not in _reached(row.point)]
    assert len(found) == 341
    for row in found:
        (figure,) = (one for one in row.figures if (one.dataset, one.recipe) == ("cifar10", "nasbench201_200"))
        assert figure.test == 0.1


def _reached(point):
    """The vertices that the input reaches."""
    reached = {0}
    for (source, target), operation in zip(EDGES, point, strict=True):
        if operation and source in reached:
            reached.add(target)
    return reached


def test_early_and_late_accuracies_are_ordered_as_published(table):
    for dataset, known in zip(DATASETS, (0.871, 0.824, 0.809), strict=True):
        early = [figure.test for figure in figures(table, dataset, "nasbench201_12")]
        late = [figure.test for figure in figures(table, dataset, "nasbench201_200")]
        assert spearman(early, late) == pytest.approx(known, abs=5e-4)


def test_a_client_is_answered_with_the_published_figure(table):
    cell = SPACE.read("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|")
    client = Client(store=table, accept_imported=True)
    record = client.lookup(SPACE.architecture(cell, (3, 32, 32), 100), dataset="cifar100", recipe="nasbench201_200")
    assert record.metrics["test"]["accuracy"] == pytest.approx(0.73513, abs=1e-5)
    assert record.provenance["index"] == "9930"


def test_the_best_of_nasbench_macro_reads_as_published():
    rows, _ = MACRO_TABLE.read(path_of("nasbench_macro_cifar10"))
    rows = {"".join(map(str, row.point)): row.figures[0] for row in rows}
    assert len(rows) == 6_561
    best = max(figure.test for figure in rows.values())
    assert [arch for arch in rows if rows[arch].test == best] == [
        "22212202",
        "22212220",
    ]  # where nothing is done makes no other
    networks = {MACRO.architecture(MACRO.read(arch), (3, 32, 32), 10).fingerprint for arch in ("22212202", "22212220")}
    assert len(networks) == 1
    assert (round(best, 4), rows["22212220"].runs) == (0.9313, 3)
