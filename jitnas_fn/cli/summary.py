"""A record for people, and for programs."""

from jitnas_fn.client.standings import printable, rounded
from jitnas_fn.core.bounds import whole
from jitnas_fn.core.codec import Json
from jitnas_fn.core.record import Record


def described(record: Record, *, source: str, seconds_waited: float) -> str:
    """A few lines that say what was measured and where it came from."""
    dataset, recipe = printable(record.dataset.get("name")), printable(record.recipe.get("name"))
    size = f"{_counted(record.size.get('parameters'))} parameters, {_counted(record.size.get('macs'))} multiply-adds"
    lines = [
        f"{record.verdict} on {dataset}, recipe {recipe}, {_seed(record)}",
        *_measured(record),
        f"  size        {size}",
        *_published(record),
        f"  key         {record.key}",
        f"  source      {source}, {seconds_waited:.2f} s",
    ]
    return "\n".join(lines)


def as_fields(record: Record | None, *, key: str, source: str | None, seconds_waited: float) -> Json:
    """What `--json` prints: the record's own fields, where it came from and how long that took."""
    fields = {} if record is None else record.to_dict()
    return {**fields, "key": key, "source": source, "seconds_waited": round(seconds_waited, 3)}


def _seed(record: Record) -> str:
    seed = record.parts["seed"]
    return "no seed told" if seed is None else f"seed {seed}"


def _published(record: Record) -> list[str]:
    """Where it is from, if others have trained it."""
    told = record.provenance
    if told.get("origin") != "imported":
        return []
    runs = "runs not told" if told.get("runs") is None else f"mean of {told['runs']}"
    seconds, estimated = record.cost.get("wall_seconds"), record.cost.get("estimated") or {}
    lines = [f"  published   table {printable(told.get('table'))}, row {printable(told.get('index'))}, {runs}"]
    if seconds is not None:
        lines.append(f"  seconds     {seconds:,.0f}{', judged by others of the table' if estimated else ''}")
    return lines


def _counted(number: object) -> str:
    """A count with its thousands apart; what is not known says so."""
    count = whole(number)
    return "unknown" if count is None else f"{count:,}"


def _measured(record: Record) -> list[str]:
    return [
        f"  {split:<12}"
        + "  ".join(f"{printable(name)} {rounded(value)}" for name, value in sorted(values.items()) if value is not None)
        for split, values in ((split, record.metrics.get(split)) for split in ("train", "validation", "test"))
        if values and any(value is not None for value in values.values())
    ]
