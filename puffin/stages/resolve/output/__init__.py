"""What a resolution is written as: requirements.txt and pylock.toml."""
