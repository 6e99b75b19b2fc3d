"""Makes documents of files: one reader a file format, and the walk over folders."""
