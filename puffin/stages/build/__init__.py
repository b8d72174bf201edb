"""The build stage: source distributions and directories become wheels."""
