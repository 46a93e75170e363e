"""USE CASES: the only users of `transaction()` and `queue`."""
