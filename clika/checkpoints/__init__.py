"""Strangers' checkpoints: taken in, checked before anything of them is loaded, and kept with a card each."""
