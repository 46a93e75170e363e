"""RQ ENTRY POINTS: a job is one service call."""
