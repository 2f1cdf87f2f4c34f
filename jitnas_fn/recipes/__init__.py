"""One frozen recipe per file; the file's name is the recipe's."""
