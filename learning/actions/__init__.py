"""What can be done with rounds, runs and models: one function a verb, called alike by page, API, task and command."""
