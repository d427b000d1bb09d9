"""From a text to a choice: the Scorer protocol, a scripted one without torch, and transformers."""
