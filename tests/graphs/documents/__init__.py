"""Documents that may be hostile: how they are grown and mutated, named cases, and what must hold."""
