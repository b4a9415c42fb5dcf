"""Run the component of the example: call its `greet`."""

from wasmtime import Engine, Store
from wasmtime.component import Component, Func, Linker


def greet(component: bytes, name: str) -> str:
    """What the component's export `greet` answers to `name`."""
    engine = Engine()
    store = Store(engine)
    instance = Linker(engine).instantiate(store, Component(engine, component))
    function = instance.get_func(store, "greet")
    if not isinstance(function, Func):
        raise TypeError("the component has no function `greet`")
    answer = function(store, name)
    function.post_return(store)
    return str(answer)
