"""What is to be done, where it is written down, and how it is started."""
