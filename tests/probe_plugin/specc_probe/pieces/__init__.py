"""What goes into the programs. Nothing here is imported by specc: the linker reads the source."""
