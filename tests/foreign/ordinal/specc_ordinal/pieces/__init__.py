"""What goes into the programs."""
