"""A recording on a disk that is full after 1,000 bytes and then is not; prints what was warned of. Run by the tests."""

import json
import resource
import signal
import sys
import warnings

import stepsize as ss

if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    free = resource.getrlimit(resource.RLIMIT_FSIZE)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        recorder = ss.Recorder(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, free[1]))
        for k in range(200):
            recorder.step(loss=float(k))
            if k % 10 == 0:
                recorder.flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, free)
        recorder.close()
    print(json.dumps([str(one.message) for one in said]))
