"""The spec as text: nodes with places, and what can be wrong before a single word of it has a meaning."""
