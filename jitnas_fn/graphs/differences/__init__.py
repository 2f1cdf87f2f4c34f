"""Where and in what two architectures differ, in words."""
