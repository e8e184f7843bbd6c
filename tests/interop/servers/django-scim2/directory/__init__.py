"""The application's own part of the server: whom it knows and who may ask."""
