"""How the networks of published tables were trained, one file per table and fidelity. Nothing is trained by them here."""
