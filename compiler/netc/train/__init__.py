"""Training: data to arrays, the loop, its progress, and the run folder with its pictures."""
