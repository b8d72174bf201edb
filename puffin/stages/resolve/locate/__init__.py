"""Which file a version means: tags, yanked files, hashes, formats."""
