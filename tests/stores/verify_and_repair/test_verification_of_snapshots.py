"""Verification of a published snapshot: its manifest, its entries and its card belong together."""

import json

import pytest

from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores.snapshot import publish
from tests.stores.documented import entries
from tests.stores.verify_and_repair.checked import found, spoilt

NOW = "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("name", "old", "new", "least"),
    [
        ("entries.json", b'"train_seconds":1.25', b'"train_seconds":1.35', 2),
        ("entries.json", b'\n"2":', b'\n"7":', 2),
        ("entries.json", b"}}\n", b"", 2),
        ("entries.json", b'{"entries":{\n', b'{"entries": {\n', 2),
        ("MANIFEST.json", b'"record":2', b'"record":3', 1),
        ("MANIFEST.json", b'"bytes":', b'"bytes":1', 1),
        ("MANIFEST.json", b'"schema":"jitnas_fn snapshot"', b'"schema":"something else"', 1),
        ("MANIFEST.json", b"{", b"[", 1),
    ],
)
def test_a_changed_snapshot_is_bad(snapshot, name, old, new, least):
    path = snapshot / name
    path.write_bytes(spoilt(path.read_bytes(), old, new))
    assert found(snapshot)["bad"] >= least


@pytest.mark.parametrize("name", ["entries.json", "MANIFEST.json"])
def test_half_a_snapshot_is_bad(snapshot, name):
    (snapshot / name).unlink()
    assert found(snapshot)["bad"] == 1


def test_a_data_card_that_was_edited_is_bad(tmp_path):
    publish(tmp_path / "published", entries(0), created=NOW, card=lambda: "what it is\n")
    assert found(tmp_path / "published")["bad"] == 0
    (tmp_path / "published" / "README.md").write_text("what it is not\n")
    assert found(tmp_path / "published")["bad"] == 1


def test_a_newer_snapshot_is_refused(snapshot):
    manifest = json.loads((snapshot / "MANIFEST.json").read_text())
    (snapshot / "MANIFEST.json").write_text(json.dumps({**manifest, "schema_version": 2}))
    with pytest.raises(NewerVersion):
        found(snapshot)
