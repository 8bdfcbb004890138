"""Search for the settings of a model (Gräbel 2021, METHODS section 3): `python -m models_zoo search request.json`."""
