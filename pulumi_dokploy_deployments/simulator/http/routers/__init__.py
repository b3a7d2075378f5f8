"""One module per router of the API."""
