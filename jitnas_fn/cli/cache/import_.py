"""`jitnas cache import`."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.counting import counting
from jitnas_fn.client.tables import import_table
from jitnas_fn.core.codec import Json
from jitnas_fn.stores.table import TableStore


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The table as comma-separated text, packed with gzip or not.")],
    *,
    table: Annotated[str, typer.Option("--table", help="Which: nasbench101, nasbench201 or nasbench_macro.")],
    as_json: options.AsJson = False,
) -> None:
    """Take a published table in: what others have trained need not be trained again.

    Its records are told apart from those that were trained here. They answer only where that is accepted
    (`--accept-imported`, `Client(accept_imported=True)`), and only for the table's own recipes, such as nasbench201_200.
    A table that was taken in before is replaced.
    """
    with answering(as_json=as_json) as answer:
        began = time.monotonic()
        with counting("networks built") as show:
            store = import_table(table, file, workers=os.cpu_count() or 1, show=show)
        fields = _fields(store) | {"seconds_taken": round(time.monotonic() - began, 2)}
        answer.give(fields, text=_text(fields))


def _fields(store: TableStore) -> Json:
    table = store.table
    lines = {f"{dataset}, {recipe}": line.r2 for (dataset, recipe), line in store.seconds.lines.items()}
    return {
        "table": table.name,
        "source": table.source,
        "rows": len(store.rows),
        "networks": store.networks,
        "records": len(store),
        "datasets": list(table.splits),
        "recipes": list(table.epochs),
        "seconds_r2": lines,
        "sha256": store.sha256,
    }


def _text(fields: Json) -> str:
    counts = f"{fields['rows']:,} rows, {fields['networks']:,} different networks, {fields['records']:,} records"
    judged = [f"seconds of {what} that were not published are judged, R² {r2:.2f}" for what, r2 in fields["seconds_r2"].items()]
    lines = [
        f"{fields['table']}: {counts} ({fields['source']}), in {fields['seconds_taken']:.1f} s",
        f"datasets {', '.join(fields['datasets'])}; recipes {', '.join(fields['recipes'])}",
        *judged,
    ]
    return "\n".join(lines)


COMMAND = import_
