"""The results as files: a page that needs no server, for a static host or a folder on a disk."""
