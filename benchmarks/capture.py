"""What does it cost to receive the radar's data with a mask and kernel times, beside xwr alone?

Run as ``python benchmarks/capture.py [seconds]``; prints JSON.
"""

import json
import sys

from panoradar_ros.benchmarking.capture import measure_rates

if __name__ == "__main__":
    print(json.dumps(measure_rates(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0), indent=2))
