"""The routes, one module per thing a person comes to do."""
