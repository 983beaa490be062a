"""Groups of parameters by layer, each with its own multiple of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidTraining
from stepsize.torch.slots import Group

# The settings that say how the rates of groups differ: `layer_decay`, and `lr_scale.NAME` for each group.
DECAY, SCALE = "layer_decay", "lr_scale."


def layer_groups(model: nn.Module) -> list[Group]:
    """The parameters of `model` in one group for each block, the top one (the last) first.

    A block is a child of the model that has parameters; a `Sequential` or `ModuleList` among them is taken
    apart, and so is the only one. Parameters outside every block, such as a position embedding, come last.

    Args:
        model: any module; parameters that are frozen (`requires_grad` is False) are left out.
    Returns:
        What an optimizer of torch.optim takes, each group with its `name`, and its `depth` below the top.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> [(group["name"], group["depth"], len(group["params"])) for group in layer_groups(model)]
    [('2', 0, 2), ('0', 1, 2)]
    """
    seen: set[int] = set()
    found = [(name, _own(block.parameters(), seen)) for name, block in _blocks(model, "")]
    ordered = [*reversed(found), ("outside", _own(model.parameters(), seen))]
    held = [(name, parameters) for name, parameters in ordered if parameters]
    return [{"name": name, "depth": depth, "params": parameters} for depth, (name, parameters) in enumerate(held)]


def scaled_groups(groups: Iterable[Group], settings: Mapping[str, Any]) -> list[Group]:
    """The groups with their multiples of the learning rate, as `build` takes them.

    Args:
        groups: as of `layer_groups`; or your own, the top first, each with a `name` if settings name it. A
            group's `lr_scale` is kept as a further factor; its `depth` is its place where it has none.
        settings: `layer_decay`, by which each layer below the top is multiplied once more, and
            `lr_scale.NAME`, the multiple of one group; anything else is not looked at.
    Raises:
        InvalidTraining: a setting names no group, or is no multiple.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    >>> [group["lr_scale"] for group in scaled_groups(layer_groups(model), {"layer_decay": 0.5, "lr_scale.1": 3.0})]
    [3.0, 0.5]
    """
    made = [dict(group) for group in groups]
    names = [group.get("name") for group in made]
    decay = _factor(DECAY, settings.get(DECAY, 1.0))
    scales = {name.removeprefix(SCALE): _factor(name, value) for name, value in settings.items() if is_scale(name)}
    if unknown := [name for name in scales if name not in names]:
        known = ", ".join(str(name) for name in names if name is not None) or "none has a name"
        raise InvalidTraining(f"{SCALE}{unknown[0]} names no group of parameters; there are: {known}")
    for place, group in enumerate(made):
        own = decay ** group.get("depth", place) * scales.get(str(group.get("name")), 1.0)
        group["lr_scale"] = group.get("lr_scale", 1.0) * own
    return made


def is_scale(name: str) -> bool:
    """Whether a setting is the multiple of one group."""
    return name.startswith(SCALE)


def of_groups(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that say how the rates of groups differ."""
    return {name: value for name, value in settings.items() if name == DECAY or is_scale(name)}


def _blocks(module: nn.Module, path: str) -> list[tuple[str, nn.Module]]:
    """The blocks of a module from the bottom to the top, with their paths."""
    children = [(f"{path}{name}", child) for name, child in module.named_children() if list(child.parameters())]
    apart = [
        _blocks(child, f"{place}.")
        if list(child.children()) and (len(children) == 1 or isinstance(child, nn.ModuleList | nn.Sequential))
        else [(place, child)]
        for place, child in children
    ]
    return [block for blocks in apart for block in blocks]


def _own(parameters: Iterable[nn.Parameter], seen: set[int]) -> list[nn.Parameter]:
    """Those that can be trained and are in no group yet: a tied weight belongs to the first block that has it."""
    own = [p for p in parameters if p.requires_grad and id(p) not in seen]
    seen |= {id(p) for p in own}
    return own


def _factor(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value) or value < 0:
        raise InvalidTraining(f"{name} is a multiple of the learning rate, at least 0; got {summary(value)}")
    return float(value)


def checked_groups(groups: Any) -> list[Group]:
    """What a Task's `groups` made.

    Raises:
        InvalidTraining: it is no list of an optimizer's groups.
    """
    if not isinstance(groups, list) or not all(isinstance(group, dict) and "params" in group for group in groups):
        raise InvalidTraining(
            'groups(model) must make a list of groups, [{"params": ..., "name": "head"}, ...]; '
            f"it made {summary(groups)}"
        )
    return groups
