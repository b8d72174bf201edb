"""The output of a resolution: requirements.txt and pylock.toml."""
