"""What leaves the store as text or a table: for people, for papers, for programs."""
