"""Blocking calls: a façade for synchronous callers, whose project runs on a loop of its own in another thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar, get_args, get_origin

from parcours.service.facade import Facade

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")


class Blocking(ABC):
    """For callers that block: what it asks runs on a loop elsewhere."""

    _facade: Any

    @abstractmethod
    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop of the project."""


class BlockingFacade(Blocking):
    """What live and virtual projects have in common for synchronous callers."""

    _facade: Facade


def blocking(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Blocking, P], T]:
    """The method of a façade as one that waits for its result."""

    def call(self: Blocking, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._call(method(self._facade, *args, **kwargs))

    returns = signature(method, eval_str=True).return_annotation
    if get_origin(returns) is Coroutine:  # of a plain method, which checks its arguments before it is awaited
        returns = get_args(returns)[-1]
    return as_described(call, method, returns)


def as_described(call: Callable[P, T], method: Callable[..., Any], returns: object) -> Callable[P, T]:
    """The call under the name, the parameters and the docstring of the method, but with what it returns itself."""
    update_wrapper(call, method)
    del call.__wrapped__  # type: ignore[attr-defined]  # `help` would show what the method returns
    call.__signature__ = signature(method).replace(return_annotation=returns)  # type: ignore[attr-defined]
    return call
