"""No time for searches of cyclic garbage among what a program imports: all of it stays to the end."""

import gc


def defer() -> None:
    """To be called first in a program: no search before `resume`."""
    gc.disable()


def resume() -> None:
    """Let searches begin that `defer` holds back, but never among what is there now, not even at the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
