"""What runs where the training runs."""
