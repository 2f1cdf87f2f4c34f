"""The smaller graphs of NAS-Bench-101, counted as classes under our labelling. All sizes: `bench_nasbench101`."""

import pytest

from tests.benchmarks.bench_nasbench101 import UNIQUE, classes


@pytest.mark.parametrize(("vertices", "labelled"), [(2, 1), (3, 6), (4, 90), (5, 3_267), (6, 125_145)])
def test_there_are_as_many_unique_graphs_as_published(vertices, labelled):
    count, found = classes(vertices)
    assert (count, len(found)) == (labelled, UNIQUE[vertices])
