"""From a question to the text that a model sees."""
