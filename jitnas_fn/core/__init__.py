"""The nouns: errors, codec, recipe, dataset, task, record, log entry, envelope. Standard library only, no I/O."""
