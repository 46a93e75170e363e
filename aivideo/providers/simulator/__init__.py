"""A Videos API server of our own: the same protocol, clips drawn here, nothing to pay.

In the process:  session.mount("http://simulator.invalid/", SimulatorAdapter(create_simulator(folder)))
On a port:       python -m aivideo.providers.simulator --port 9000
"""

from aivideo.providers.simulator.adapter import SimulatorAdapter
from aivideo.providers.simulator.app import Simulator, create_simulator

__all__ = ["Simulator", "SimulatorAdapter", "create_simulator"]
