"""The architecture as data: graph, normal form, canonical labelling, document. Standard library only."""
