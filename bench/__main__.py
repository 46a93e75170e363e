"""`python -m bench [NAME …]`."""

import sys

from bench.run import main

sys.exit(main(sys.argv[1:]))
