"""Runs: a folder that is never overwritten, a program that is started and followed, and what its results are worth."""
