"""Two documents, entry by entry."""

from collections import Counter
from collections.abc import Iterable

from jitnas_fn.core.codec import Json, canonical

LISTS = {"nodes", "inputs", "outputs", "parameters", "buffers"}


def same_entries(a: Json, b: Json) -> bool:
    """Whether two documents hold the same entries, apart from what reads what."""
    others = all(a.get(name) == b.get(name) for name in {*a, *b} - LISTS)
    return others and all(_entries(a.get(name)) == _entries(b.get(name)) for name in LISTS - {"outputs"})


def _entries(items: object) -> Counter[str]:
    return Counter(canonical({**item, "inputs": _labels(item.get("inputs"))}) for item in _objects(items))


def _labels(edges: object) -> list[object]:
    """Under which labels an entry reads, which for a sum are its factors."""
    return [edge[0] for edge in edges if isinstance(edge, list)] if isinstance(edges, list) else []


def _objects(items: object) -> Iterable[Json]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()


def first_difference(a: object, b: object, path: str = "") -> tuple[str, str, str]:
    """Where two JSON values that are not equal differ first, and what stands there."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            if key not in a or key not in b or a[key] != b[key]:
                return first_difference(a.get(key), b.get(key), f"{path}.{key}" if path else key)
    if isinstance(a, list) and isinstance(b, list):
        for place, (x, y) in enumerate(zip(a, b, strict=False)):
            if x != y:
                return first_difference(x, y, f"{path}[{place}]")
        return f"the length of {path}", str(len(a)), str(len(b))
    return path, canonical({"": a})[4:-1], canonical({"": b})[4:-1]
