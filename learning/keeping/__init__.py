"""What keeps an installation well: backups, their way back, what is wrong with it, and what may go."""
