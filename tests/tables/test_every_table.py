"""Whatever file lies on the shelf of tables has passed these."""

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.errors import TableError
from jitnas_fn.core.published import Published
from tests.spaces.tables import FOLDER
from tests.tables import small

TABLES = shelf.names("tables")
MADE = {
    "nasbench201": lambda: small.nasbench201(["012340", "333333"], timed=1),
    "nasbench101": lambda: small.nasbench101([(0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8)]),
    "nasbench_macro": lambda: small.nasbench_macro(["01201201", "22222222"]),
}
FILES = {"nasbench201": "nb201", "nasbench101": "nb101_sample20k", "nasbench_macro": "nasbench_macro_cifar10"}


@pytest.fixture(params=TABLES)
def name(request):
    return request.param


@pytest.fixture
def table(name):
    return shelf.take("tables", name).TABLE


def test_it_says_what_it_is_and_names_what_there_is(table, name):
    assert table.name == name
    assert 10 < len(table.about) < 110
    assert table.source
    assert table.space in shelf.names("spaces")
    for recipe, epochs in table.epochs.items():
        plan = recipe_named(recipe)
        assert isinstance(plan, Published)
        assert (plan.name, plan.epochs) == (recipe, epochs)
    for dataset, splits in table.splits.items():
        assert card_named(dataset).outputs > 1
        assert all(count > 0 for _, count in splits)
    for recipe in (table.chosen_by, table.read_by, *table.cheaper):
        assert recipe is None or recipe in table.epochs


@pytest.mark.parametrize("packed", [True, False])
def test_rows_are_points_of_its_space_with_figures(table, name, tmp_path, packed):
    rows, sha256 = table.read(small.written(MADE[name](), tmp_path / "table.csv", packed=packed))
    space = shelf.take("spaces", table.space).SPACE
    assert len(rows) == 2
    assert len(sha256) == 64
    for row in rows:
        space.check(row.point)
        assert {(figure.dataset, figure.recipe) for figure in row.figures} == {
            (dataset, recipe) for dataset in table.splits for recipe in table.epochs
        }
        for figure in row.figures:
            assert all(value is None or 0 <= value <= 1 for value in (figure.validation, figure.test))


def test_no_two_published_recipes_are_the_same():
    plans = [recipe_named(name) for name in shelf.names("recipes._published")]
    assert len({plan.sha256 for plan in plans}) == len(plans)
    assert not {plan.sha256 for plan in plans} & {shelf.take("recipes", one).RECIPE.sha256 for one in shelf.names("recipes")}


def test_another_table_is_refused(table, name, tmp_path):
    other = next(one for one in MADE if one != name)
    with pytest.raises(TableError, match=f"is no table {name}: it has no column"):
        table.read(small.written(MADE[other](), tmp_path / "table.csv"))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b", b"\x1f\x8bnot gzip at all", b"\xff\xfe\x00", b"a,b\n1,2\n", b"\x00" * 100, b"arch_id,code\n"],
)
def test_what_is_no_table_is_refused(table, tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(TableError):
        table.read(tmp_path / "table.csv")


def test_a_file_that_is_not_there_is_told(table, tmp_path):
    with pytest.raises(TableError, match="cannot be read"):
        table.read(tmp_path / "nosuch.csv")


@pytest.mark.parametrize("bad", ["", "-1", "101", "nan", "inf", "1e400", "x", "1" * 2000, "=1+1"])
def test_a_value_out_of_its_range_is_told_with_its_line(table, name, tmp_path, bad):
    for column in MADE[name]()[0]:
        rows = MADE[name]()
        rows[1][column] = bad
        path = small.written(rows, tmp_path / "table.csv")
        told = _told(table, path)
        assert told == "" or "line 3 of" in told or "index twice" in told


def _told(table, path):
    """What is wrong with a file; where nothing is, every figure is within its bounds."""
    try:
        read, _ = table.read(path)
    except TableError as error:
        return str(error)
    for figure in (figure for row in read for figure in row.figures):  # a cell may be empty, or a large count
        assert all(value is None or 0 <= value <= 1 for value in (figure.validation, figure.test))
        assert figure.seconds is None or 0 <= figure.seconds < 1e9
    return ""


def test_an_index_that_is_there_twice_is_refused(table, name, tmp_path):
    rows = MADE[name]()
    with pytest.raises(TableError, match="an index twice"):
        table.read(small.written([rows[0], rows[0]], tmp_path / "table.csv"))


def test_a_network_that_is_there_twice_is_refused(table, name, tmp_path):
    rows = MADE[name]()
    index = table.columns[0]
    if name == "nasbench_macro":  # its index is its point
        return
    with pytest.raises(TableError, match="the point of .* was there before"):
        table.read(small.written([rows[0], rows[0] | {index: rows[1][index]}], tmp_path / "table.csv"))


@pytest.mark.parametrize("line", [b"," * 60_000, b'"' + b"x" * 60_000, b"x\n" + b"y" * 60_000])
def test_a_line_that_would_fill_the_memory_is_refused(table, tmp_path, line):
    (tmp_path / "table.csv").write_bytes(",".join(table.columns).encode() * (line[:1] == b"x") + line)
    with pytest.raises(TableError, match=r"a line has more than 50,000 bytes|is no table|is no comma"):
        table.read(tmp_path / "table.csv")


def test_a_row_is_one_line(table, name, tmp_path):
    """A cell that goes on in the next line is none: else a row could be as long as the file."""
    path = small.written(MADE[name](), tmp_path / "table.csv", packed=False)
    head, first, *_ = path.read_text().splitlines()
    path.write_text(f'{head}\n"{first}\n{first}"\n')
    with pytest.raises(TableError, match="is no comma-separated text"):
        table.read(path)


def test_a_cell_too_many_is_refused(table, name, tmp_path):
    path = small.written(MADE[name](), tmp_path / "table.csv", packed=False)
    head, first, *_ = path.read_text().splitlines()
    path.write_text(f"{head}\n{first},1\n")
    with pytest.raises(TableError, match="or there is one too many"):
        table.read(path)


def test_empty_lines_are_passed_over_and_counted(table, name, tmp_path):
    path = small.written(MADE[name](), tmp_path / "table.csv", packed=False)
    head, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([head, "", first, "", *rest]))
    assert len(table.read(path)[0]) == len(MADE[name]())
    path.write_text(f"{head}\n\n{first}\n\nx")
    with pytest.raises(TableError, match="line 5 of"):
        table.read(path)


def test_empty_lines_end_too(table, name, tmp_path, monkeypatch):
    """Else a small packed file of them would be read for an hour."""
    monkeypatch.setattr("jitnas_fn.core.tabulated.MOST_ROWS", 100)
    path = small.written(MADE[name](), tmp_path / "table.csv", packed=False)
    path.write_text(path.read_text() + "\n" * 200)
    with pytest.raises(TableError, match="more than 100 rows"):
        table.read(path)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(table, tmp_path, monkeypatch):
    monkeypatch.setattr("jitnas_fn.core.tabulated.MOST_BYTES", 10_000)
    rows = [{"arch": "0" * 100_000}]
    with pytest.raises(TableError, match="more than 10,000 bytes unpacked"):
        table.read(small.written(rows, tmp_path / "table.csv"))


def test_the_published_file_is_read(table, name):
    path = FOLDER / f"{FILES[name]}.csv.gz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
    rows, _ = table.read(path)
    assert len(rows) == {"nasbench201": 15_625, "nasbench101": 20_001, "nasbench_macro": 6_561}[name]


def test_rows_and_cells_have_bounds(table, name, tmp_path, monkeypatch):
    rows = MADE[name]()
    path = small.written(rows, tmp_path / "table.csv")
    monkeypatch.setattr("jitnas_fn.core.tabulated.MOST_ROWS", 2)
    with pytest.raises(TableError, match="more than 2 rows"):
        table.read(path)
    monkeypatch.undo()
    column = next(iter(rows[0]))
    for changed in rows:
        changed[column] = f"{'0' * 2000}{changed[column]}"
    with pytest.raises(TableError, match="a cell is missing or too long"):
        table.read(small.written(rows, tmp_path / "table.csv"))
