"""Data on its way in or out: what is received, laid out, looked at, imported, exported. Rows are in models.transfer."""
