"""The main job on real images that come with specc: a spec and its MR slices, and `run` to go through all of it."""
