"""One dataset per file; the file's name is the dataset's."""
