"""The commands of `jitnas space`, one file each."""
