"""`make run`: the whole product on one machine. Starts Redis, workers and web, keeps them alive, ends them together."""
