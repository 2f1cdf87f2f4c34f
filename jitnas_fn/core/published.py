"""How others have trained what they published a table of: a name for it, and its fidelity. Nothing is trained by it here."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jitnas_fn.core.codec import Json, digest
from jitnas_fn.core.errors import RecipeError
from jitnas_fn.core.recipe import Recipe

LONGEST_TEXT = 300
MOST_EPOCHS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A training pipeline that is known by its publication.

    A record of it tells what its authors measured; it is no recipe of ours, even where the settings read alike: data, code and
    seeds were others. So its hash is equal to none of a recipe.

    Attributes
    ----------
    name
        Of the table and the fidelity, such as nasbench201_200.
    epochs
        Passes over the training split.
    source
        The publication.
    """

    name: str
    epochs: int
    source: str
    resolution: None = dataclasses.field(default=None, init=False, repr=False)  # images are as they are
    _sha256: str = dataclasses.field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        texts = all(isinstance(text, str) and 0 < len(text) <= LONGEST_TEXT for text in (self.name, self.source))
        if not texts or type(self.epochs) is not int or not 0 <= self.epochs <= MOST_EPOCHS:
            raise RecipeError(f"what is published has a name, epochs and a source, not {str(self.to_dict())[:200]}")
        object.__setattr__(self, "_sha256", digest({"published": self.name, "epochs": self.epochs}))

    @property
    def sha256(self) -> str:
        """Hash of name and epochs, under a word that no recipe has."""
        return self._sha256

    def to_dict(self) -> Json:
        """What a record says of it."""
        return {"name": self.name, "published": True, "epochs": self.epochs, "source": self.source}


def plan_in(fields: Mapping[str, Any]) -> Recipe | Published:
    """The recipe of a record, or what its table was published with.

    Raises
    ------
    NewerVersion, RecipeError
        As `Recipe.from_dict`.
    """
    if "published" not in fields:
        return Recipe.from_dict(fields)
    if set(fields) != {"name", "published", "epochs", "source"} or fields["published"] is not True:
        raise RecipeError(f"what is published has name, epochs and source, not {', '.join(map(str, fields))[:120]}")
    return Published(name=fields["name"], epochs=fields["epochs"], source=fields["source"])
