"""A training that records until somebody kills it; prints its updates as it makes them. Run by the tests."""

import sys
import time

import stepsize as ss

if __name__ == "__main__":
    recorder = ss.Recorder(sys.argv[1], steps=10_000, start=int(sys.argv[2]))
    for k in range(int(sys.argv[2]), 10_000):
        recorder.step(loss=1 / (k + 1), lr=0.1)
        print(k, time.monotonic(), flush=True)
        time.sleep(0.002)
