"""A compiler for deep-learning research on images: one YAML file in, a PyTorch program and an ONNX file out."""

__version__ = "0.1.0"
