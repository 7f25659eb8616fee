"""What goes into a program that makes images."""
