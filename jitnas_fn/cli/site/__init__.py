"""`jitnas site`, one file a command."""
