"""A cache that has records."""

from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed


def filled(path, count=5):
    """Put so many records into a cache; the records."""
    store = TinyStore(path)
    records = [fixed(number) for number in range(count)]
    for record in records:
        store.put(record)
    return records
