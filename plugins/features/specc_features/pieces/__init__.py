"""What goes into a program that learns features."""
