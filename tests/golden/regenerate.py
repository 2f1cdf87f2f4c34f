"""Write the golden files anew.

`python tests/golden/regenerate.py --wire` writes `wire.json`. What is there already stays as it is: a text may be added, but to
change one, first raise the version it belongs to (KEY_VERSION, RECIPE_VERSION, RECORD_VERSION, ENTRY_VERSION or PROTOCOL, in
jitnas_fn/core/), and keep reading what the old version wrote. Otherwise this script refuses.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))


def regenerate(path, versions, content):
    """Write {versions, section: {name: text}} to `path`, unless that would change a text without a new version."""
    old = json.loads(path.read_text()) if path.exists() else {"versions": None}
    if old.pop("versions") == versions:
        changed = [
            f"{section}: {name}"
            for section, texts in old.items()
            for name, text in texts.items()
            if content.get(section, {}).get(name) != text
        ]
        if changed:
            sys.exit(f"{path.name}: these would change, and no version was raised:\n  " + "\n  ".join(changed))
    path.write_text(json.dumps({"versions": versions, **content}, indent=1, sort_keys=True) + "\n")
    print(f"wrote {path.name}: {sum(map(len, content.values()))} texts")


if __name__ == "__main__":
    if sys.argv[1:] != ["--wire"]:
        sys.exit(__doc__)
    from tests.golden import wire

    regenerate(HERE / "wire.json", wire.versions(), wire.content())
