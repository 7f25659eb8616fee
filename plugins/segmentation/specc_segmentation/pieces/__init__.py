"""What goes into a program that segments."""
