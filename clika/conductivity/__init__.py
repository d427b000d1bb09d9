"""Asking a model about a fictional world, and how what it says is stored."""
