"""What an artifact is: its file, its place, its hashes, its metadata."""
