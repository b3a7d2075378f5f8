"""The package's schema, made from the models of the resources and functions; knows no engine."""
