"""Cards of datasets that are known and cannot be loaded yet: published tables and search spaces need no more of them."""
