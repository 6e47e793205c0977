"""The acceptance suite of confinement: attacks as data, and what each rung must make of them.

- ``case``      what a case says: the program, the required outcome, the unconfined control
- ``attacks_…`` the cases, by group; ``working`` is what must go on working
- ``host``      what stands outside and must stay untouched: files, sockets, shared memory, a process
- ``harness``   a case in a rung, with neighbours beside it and a clean job after it
- ``judging``   what must hold of an outcome
- ``control``   the same program unconfined, small and bounded
- ``gaps``      what a rung does not promise, with reasons
- ``table``     the outcomes as Markdown
"""
