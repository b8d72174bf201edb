"""Archives into the store: zip directories, RECORD, manifests."""
