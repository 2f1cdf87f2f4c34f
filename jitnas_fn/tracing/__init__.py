"""torch.nn.Module -> Graph -> torch.nn.Module."""
