"""Confinement by the Linux kernel's own means: namespaces, capabilities, rlimits and seccomp, through ctypes.

- ``syscalls``  the kernel's calls that Python lacks
- ``seccomp``   what student code may not ask the kernel for
- ``outer``     the sandbox around one warm process: a read-only root with libraries and nothing else
- ``cell``      the sandbox around one job: namespaces of its own, inside the outer one
"""
