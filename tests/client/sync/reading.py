"""What a synchronisation reads, and what it should have brought."""

import json

from jitnas_fn.client.remote import Remote
from jitnas_fn.core.errors import SiteUnavailable
from tests.samples import fixed


def expected(*numbers):
    return sorted(fixed(number).record_id for number in numbers)


class Reads:
    """Counts what is read from a place, and fails after so many parts."""

    def __init__(self, monkeypatch, *, least=10**9):
        self.parts, read = [], Remote.read

        def counted(remote, path, *, start, size):
            if len(self.parts) >= least:
                raise SiteUnavailable(f"{remote.name} cannot be reached: the cable was pulled")
            self.parts.append((path, size))
            return read(remote, path, start=start, size=size)

        monkeypatch.setattr(Remote, "read", counted)

    @property
    def files(self):
        return [path for path, _ in self.parts if path != "MANIFEST.json"]


def changed(shared, change):
    """Change the fields of a manifest."""
    path = shared.folder / "MANIFEST.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def named_in_manifest(shared):
    """The first merged file that the manifest names."""
    return shared.folder / "merged" / json.loads((shared.folder / "MANIFEST.json").read_text())["merged"][0]["file"]
