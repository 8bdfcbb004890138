"""Forms of the loop's pages."""
