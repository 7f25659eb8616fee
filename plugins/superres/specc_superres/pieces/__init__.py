"""Code that goes into programs."""
