"""What every piece of a segmentation knows."""

IGNORE = 255  # of a pixel of which nothing is known
