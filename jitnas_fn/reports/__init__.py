"""Reports of runs: figures with their numbers, a checklist of good practice, and a page that holds both."""
