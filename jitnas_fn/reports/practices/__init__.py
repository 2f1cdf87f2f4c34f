"""What a run shows of each good practice: what there is, and what lacks."""
