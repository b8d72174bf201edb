"""Requirements files: lines, options, markers, pins."""
