"""A training in two processes on the CPU, in each of the ways there are; prints what each process used.

Run as a program by `test_distributed.py`: what these libraries set up stays in a process for good.
"""

import json
import os
import socket
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.distributed import barrier, init_process_group
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.multiprocessing import spawn
from torch.nn.parallel import DistributedDataParallel

import stepsize as ss
from stepsize.request import write_request
from stepsize.torch import Scheduler
from stepsize.torch.watch import Watch

LR = ss.linear(0.01, 0.09, 8) >> ss.constant(0.09)
PROCESSES, UPDATES, STOP = 2, 12, 5


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def updates(model, optimizer, scheduler, count):
    """The rates used, and what became of the parameters."""
    used = []
    for k in range(count):
        optimizer.zero_grad()
        model(torch.ones(4, 4) * (k + 1)).square().mean().backward()
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return used


def stopped_and_resumed(wrap):
    """Half of a training, then the rest with a new scheduler from the state of the first."""
    model = wrap(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    first = Scheduler(optimizer, lr=LR)
    used = updates(model, optimizer, first, STOP)
    state = first.state_dict()
    del first
    second = Scheduler(optimizer, lr=LR)
    second.load_state_dict(state)
    return used + updates(model, optimizer, second, UPDATES - STOP)


def ddp():
    return stopped_and_resumed(DistributedDataParallel)


def fsdp2():
    mesh = init_device_mesh("cpu", (PROCESSES,))

    def wrap(model):
        fully_shard(model, mesh=mesh)
        return model

    return stopped_and_resumed(wrap)


def fsdp1():
    return stopped_and_resumed(lambda model: FullyShardedDataParallel(model, device_id=torch.device("cpu")))


def watched():
    """Each process sees the file at another moment; the decay starts at the same update."""
    path = Path(os.environ["FOLDER"]) / "cooldown.json"
    if os.environ["RANK"] == "0":
        write_request(path, 4, shape="linear", at=8)
    barrier()
    clock = iter(range(1000))
    model = DistributedDataParallel(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    watch = Watch(path, every=1 + 3 * int(os.environ["RANK"]), clock=lambda: next(clock))
    return updates(model, optimizer, Scheduler(optimizer, lr=1.0, watch=watch), UPDATES + 1)


def accelerate():
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    assert accelerator.num_processes == PROCESSES
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = Scheduler(optimizer, lr=LR)
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
    used = []
    for _ in range(2 * UPDATES):
        with accelerator.accumulate(model):
            accelerator.backward(model(torch.ones(4, 4)).square().mean())
            if accelerator.sync_gradients:
                used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    return used


WAYS = (ddp, fsdp2, fsdp1, watched, accelerate)


def attempt(way):
    try:
        return way()
    except ImportError as error:
        return f"absent: {error}"


def process(rank, port, folder):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(PROCESSES), "FOLDER": folder}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    init_process_group("gloo")
    found = {way.__name__: attempt(way) for way in WAYS}
    Path(folder, str(rank)).write_text(json.dumps(found))
    barrier()
    # The threads of gloo may outlive what they use when the interpreter is taken down: C++ then aborts, now and then.
    os._exit(0)


def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        spawn(process, (port, folder), nprocs=PROCESSES)
        json.dump([json.loads(Path(folder, str(rank)).read_text()) for rank in range(PROCESSES)], sys.stdout)


if __name__ == "__main__":
    main()
