"""Answers from an exported model: the contract that it carries, the runtime session, predictions. Never torch."""
