"""What `globus_compute` is made of: letters, the post that carries them, and what it takes so that none is lost."""
