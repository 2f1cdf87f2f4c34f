"""One command per file; the file's name is the command's, and it states `COMMAND`: a function, or an application of several."""
