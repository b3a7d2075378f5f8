"""The package, its metadata and the files around it, as they are released."""
