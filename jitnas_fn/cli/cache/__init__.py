"""`jitnas cache`, one file a command."""
