"""What the tasks do, one sub-package a stage: resolve, fetch, unzip, link."""
