"""Real, tested code that programs are linked from. Nothing here imports specc."""
