"""THE OUTSIDE: servers that speak the Videos API, and the simulator that stands in for one."""
