"""The planted models: trained from scratch by one script, so that what they know is known."""
