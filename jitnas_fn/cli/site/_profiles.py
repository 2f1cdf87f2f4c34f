"""The folders of `endpoint_config/`: one for each kind of site, complete but for what a site must state itself."""

from dataclasses import dataclass
from pathlib import Path

import typer

TEMPLATE = "user_config_template.yaml.j2"
SCHEMA = "user_config_schema.json"
ENVIRONMENT = "user_environment.yaml"
CONFIG = "config.yaml"
SITE = "site.toml"
MAPPING = "identity_mapping_config.json"
SHIMS = "bin"  # programs that come first on the PATH


@dataclass(frozen=True, slots=True)
class Profile:
    """One of these folders: the text of each file in it, by its path in the folder."""

    name: str
    files: dict[str, str]

    @property
    def is_shared(self) -> bool:
        """Whether it is for root, who lets others work under another account."""
        return MAPPING in self.files

    @property
    def has_shims(self) -> bool:
        """Whether it brings programs that come first on the PATH."""
        return any(name.startswith(f"{SHIMS}/") for name in self.files)


def folder() -> Path:
    """Where they are: `endpoint_config/` of a checkout, else the copy inside the installed package."""
    package = Path(__file__).resolve().parents[2]
    checkout = package.parent / "endpoint_config"
    return checkout if (checkout / "slurm" / TEMPLATE).is_file() else package / "_endpoint_config"


def names() -> list[str]:
    """The kinds of sites for which there is a folder, sorted."""
    return sorted(path.parent.name for path in folder().glob(f"*/{TEMPLATE}"))


def profile_named(name: str) -> Profile:
    """One of the folders; raises `typer.BadParameter` if there is none of that name."""
    if name not in names():
        raise typer.BadParameter(f"no profile {name[:40]!r}; there are {', '.join(names())}")
    source = folder() / name
    paths = sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return Profile(name, {path.relative_to(source).as_posix(): path.read_text("utf-8") for path in paths})
