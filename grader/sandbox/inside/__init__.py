"""What runs inside the sandbox, beside student code.

This folder imports the standard library, and nbclient, ipykernel and NumPy where they are needed; nothing
of ours outside it. It is started by path (``python -P …/start.py job``) and loads itself under the name
``_grade_inside``, so that no file in it can collide with a student's module. It holds no answers: whatever
student code does to it costs that student's own marks.

- ``start``     loads this package and enters ``job``, ``kernel``, ``zygote`` or ``linux.outer``
- ``linux``     confinement by namespaces
- ``zygote``    a warm process that is forked for each job; ``warm`` uses each library once before
- ``job``       takes over the pipes and answers requests, one at a time
- ``contained`` is process 1 of a container, and watches over the job
- ``module``    runs a Python file in this process
- ``shell``     runs a notebook's cells in this process; ``transcript`` keeps their outputs, ``meter`` caps them
- ``notebook``  drives a kernel with nbclient
- ``kernel``    the kernel: ipykernel with capped output, and an answer to ``get``
- ``forked``    a kernel that is forked from the job's process instead of started afresh
- ``trace``     takes this folder's own frames out of tracebacks
- ``parent``    has a process end with the one that started it
- ``state``     seeds random numbers, and chooses how matplotlib draws
- ``encode``    turns a student's value into tagged plain data
- ``frames``    bytes on the pipe; shared with the trusted side
"""
