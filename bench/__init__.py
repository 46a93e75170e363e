"""BENCHMARKS: what things cost, each a table. `python -m bench` runs all of them short, `python -m bench NAME` one."""
