from collections.abc import Iterator
from itertools import product

from . import Case, case, part


def cases() -> Iterator[Case]:
    yield case("lrbench:FIX", 60, k0=0.025)
    yield case("lrbench:STEP", 90, k0=0.1, gamma=0.1, l=30)
    yield case("lrbench:STEP", 60, k0=0.05, gamma=0.85, l=7)
    yield case("lrbench:NSTEP", 120, k0=0.1, gamma=0.1, l=[40, 60, 100])
    yield case("lrbench:NSTEP", 60, k0=0.3, gamma=0.5, l=[1, 2, 30])
    late = "skipped updates: the counter moves by one a call, so 50 still has gamma**1 although 40 and 45 are past"
    yield case("lrbench:NSTEP", 0, k0=0.1, gamma=0.1, l=[40, 45], defect=late) | {"steps": [0, 20, 50, 51, 52, 53]}
    back = "the counter lives on the function object: asked again from 0, it keeps the last rate"
    yield case("lrbench:NSTEP", 0, k0=0.1, gamma=0.1, l=[4, 8], defect=back) | {"steps": [*range(10), 0, 1, 4]}
    yield case("lrbench:EXP", 90, k0=0.1, gamma=0.95)
    yield case("lrbench:EXP", 60, k0=0.001, gamma=1.05)
    yield case("lrbench:INV", 120, k0=0.01, gamma=0.05, p=0.75)
    yield case("lrbench:INV", 60, k0=0.1, gamma=0.1, p=2)
    yield case("lrbench:POLY", 61, k0=0.01, k1=0.1, p=1.2, l=60, note="k1 is the start and k0 the end; l is in")
    yield case("lrbench:POLY", 61, k0=0.0, k1=0.1, p=0.5, l=60)
    yield case("lrbench:POLY", 90, k0=0.01, k1=0.1, p=2, l=60, defect="climbs again after l, since (1 - k/l)**2 does")
    yield case("lrbench:POLY", 90, k0=0.01, k1=0.1, p=1, l=60, defect="goes on below k0 after l, then below 0")
    yield case("lrbench:SIG", 120, k0=0.1, gamma=-0.1, l=60, note="gamma < 0 decays, as in Caffe")
    yield case("lrbench:SIG", 90, k0=0.1, gamma=0.2, l=30, note="gamma > 0 rises")
    yield from waves()
    pieces = [part("lrbench:SINEXP", k0=1.0, k1=3.0, l=5, gamma=0.94), part("lrbench:POLY", k0=0.1, k1=0.5, p=1, l=20)]
    yield case("lrbench:piecewiseLR", 32, subRegions=[12], LRparams=pieces, note="each piece counts from its own start")
    pieces = [part("lrbench:FIX", k0=0.1), part("lrbench:EXP", k0=0.1, gamma=0.9), part("lrbench:TRI", k0=0, k1=1, l=6)]
    yield case("lrbench:piecewiseLR", 80, subRegions=[10, 30], LRparams=pieces)


BOTTOM = "update 0 and each restart are at k0, not k1: the curve never reaches its peak (1 - 1/l of it, one later)"


def waves() -> Iterator[Case]:
    ends = ({"k0": 0.01, "k1": 0.06, "l": 20}, {"k0": 0.0, "k1": 1.0, "l": 7}, {"k0": 0.5, "k1": 0.1, "l": 12.5})
    for wave, envelope in product(
        ("TRI", "DTRI", "SIN", "DSIN", "COS", "UPCOS", "RSW", "SINRSW", "COSRSW"), ("", "2", "EXP")
    ):
        for where, gamma in zip(ends, (0.98, 0.9, 0.97), strict=True):
            decay = {"gamma": gamma} if envelope == "EXP" else {}
            updates = 90 if where["l"] == 20 else 40
            yield case(f"lrbench:{wave}{envelope}", updates, defect=BOTTOM if "RSW" in wave else "", **where, **decay)
