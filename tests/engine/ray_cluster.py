"""Studies on a Ray cluster of two nodes, one of which is lost; prints what became of them.

Run as a program by `test_ray.py`: what Ray starts and prints stays out of the tests' own process.
"""

import json
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

import stepsize as ss
from stepsize.engine.ray import Ray
from stepsize.job import Job
from tests.engine.deaths import mortal
from tests.trainings import bowl

RUNS = 8


def training(seed, folder="", way="", pause=0.0):
    """The bowl; each attempt leaves a line in the folder, and some end their process."""
    if folder:
        with open(Path(folder, str(seed)), "a") as file:
            file.write(f"{os.getpid()}\n")
    inner = mortal(seed, way)
    next(inner)
    lr = yield
    while True:
        time.sleep(pause)
        lr = yield inner.send(lr)


def answer(engine) -> str:
    study = ss.tune(training, budget=2.0, steps=120, engine=engine)
    return json.dumps(study.document(), sort_keys=True)


def losing_a_node(engine, cluster, node, folder):
    """Some runs, with a node lost as soon as there is a run under way on both."""
    settings = {"folder": folder, "pause": 0.02}
    jobs = [Job(ss.Policy(0.01), 100, seed, settings) for seed in range(RUNS)]
    under_way, lost, made = set(), [], {}

    def watch(index, step):
        under_way.add(index)
        if len(under_way) == 2 and not lost:
            lost.append(node)
            cluster.remove_node(node, allow_graceful=False)

    for index, run in engine.runs(training, jobs, watch):
        made[index] = run
        under_way.discard(index)
    attempts = [len(Path(folder, str(job.seed)).read_text().split()) for job in jobs]
    here = [ss.drive(bowl, job.policy, job.steps, job.seed) for job in jobs]
    return {
        "lost": bool(lost),
        "same": all((made[i].loss == here[i].loss).all() for i in range(RUNS)),
        "more than once": sum(count > 1 for count in attempts),
        "more than twice": sum(count > 2 for count in attempts),
    }


def outcomes(engine, ways):
    jobs = [Job(ss.Policy(0.01), 20, 0, {"way": way}) for way in ways]
    made = dict(engine.runs(training, jobs, lambda *place: None))
    return [made[i].outcome for i in range(len(ways))]


def refusal(engine):
    try:
        return list(engine.runs(training, [Job(ss.Policy(0.01), 20, 0, {"width": 3})], lambda *place: None))
    except ss.InvalidTraining as error:
        return str(error)


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    found = {"here": answer("local")}
    with closing(Ray(retries=1)) as engine, tempfile.TemporaryDirectory() as folder:
        found["there"] = answer(engine)
        found["outcomes"] = outcomes(engine, ["", "exit", ""])
        found["refusal"] = refusal(engine)
        found["node"] = losing_a_node(engine, cluster, node, folder)
    found["left"] = ray.is_initialized()
    cluster.shutdown()
    Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
