"""From a study to the files of a program: printing what is particular to the spec, linking the rest from pieces."""
