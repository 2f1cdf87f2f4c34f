"""Which of many segments may have something, so that a question goes to those and not to hundreds of others."""

from collections.abc import Collection, Iterable

from jitnas_fn.stores._lines import Heading
from jitnas_fn.stores._segment import Segment


class Crowd:
    """Segments by what they have. It says whom to ask: what a segment has it says itself.

    The caller sees to it that one thread uses it at a time.
    """

    def __init__(self) -> None:
        self._members: set[Segment] = set()
        self._having: dict[str, tuple[Segment, ...]] = {}
        self._retracting: dict[str, tuple[Segment, ...]] = {}

    def add(self, segment: Segment, headings: Iterable[Heading]) -> None:
        """Take in what a segment has."""
        self._members.add(segment)
        alone = (segment,)
        for heading in headings:
            retracts = heading.kind == "retraction"
            for name in filter(None, (heading.name, heading.key)):
                _add(self._retracting if retracts else self._having, name, alone)

    def keep(self, segments: Iterable[Segment]) -> None:
        """Forget all others."""
        gone = self._members.difference(segments)
        if gone:
            self._members -= gone
            self._having, self._retracting = _without(self._having, gone), _without(self._retracting, gone)

    def having(self, name: str) -> tuple[Segment, ...]:
        """Segments which may have something with this name: a key, the id of a record, a fingerprint."""
        return self._having.get(name, ())

    def retracting(self, record_id: str) -> tuple[Segment, ...]:
        """Segments which may have a retraction of a record."""
        return self._retracting.get(record_id, ())


def _add(found: dict[str, tuple[Segment, ...]], name: str, alone: tuple[Segment]) -> None:
    others = found.setdefault(name, alone)
    if alone[0] not in others:
        found[name] = others + alone


def _without(found: dict[str, tuple[Segment, ...]], gone: Collection[Segment]) -> dict[str, tuple[Segment, ...]]:
    remaining = ((name, tuple(one for one in segments if one not in gone)) for name, segments in found.items())
    return {name: segments for name, segments in remaining if segments}
